package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestReadPage proves how a list is read as it arrives, and that one which ends early
// is an error that passes.
func TestReadPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
		next       string
		code       mlops.Code
	}{
		{name: "some", text: `{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":[2]}]}`, want: []string{`{"a":1}`, `{"b":[2]}`}},
		{name: "more to come", text: `{"metadata":{"continue":"there"},"items":[{}]}`, want: []string{`{}`}, next: "there"},
		{name: "what is said last", text: `{"items":[{}],"metadata":{"continue":"there"}}`, want: []string{`{}`}, next: "there"},
		{name: "none", text: `{"items":[]}`},
		{name: "null", text: `{"items":null,"metadata":{}}`},
		{name: "nothing", text: ``, code: mlops.Unavailable},
		{name: "cut in an object", text: `{"items":[{"a":1},{"b"`, want: []string{`{"a":1}`}, code: mlops.Unavailable},
		{name: "cut between objects", text: `{"items":[{"a":1},`, want: []string{`{"a":1}`}, code: mlops.Unavailable},
		{name: "cut before what is next", text: `{"items":[{"a":1}]`, want: []string{`{"a":1}`}, code: mlops.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			next, err := readPage(json.NewDecoder(strings.NewReader(tt.text)), func(raw []byte) error {
				got = append(got, string(raw))
				return nil
			})
			if code := mlops.CodeOf(err); next != tt.next && err == nil || code != tt.code {
				t.Errorf("next is %q with %v, want %q with code %q", next, err, tt.next, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

// TestListGoesOn proves that a list of several answers is gone through once, also where
// the server has forgotten meanwhile what there was, and says where to go on; and that
// a server which has nothing to go on with is no endless loop.
func TestListGoesOn(t *testing.T) {
	t.Parallel()
	const expired = `{"kind":"Status","apiVersion":"v1","metadata":{"continue":%q},"status":"Failure","reason":"Expired","code":410}`
	pages := map[string]string{ // by where they begin
		"":       `{"metadata":{"continue":"second"},"items":[{"metadata":{"name":"a","managedFields":[{}]}}]}`,
		"second": fmt.Sprintf(expired, "anew"),
		"anew":   `{"metadata":{"continue":"lost"},"items":[{"metadata":{"name":"b"}}]}`,
		"lost":   fmt.Sprintf(expired, ""),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := pages[r.FormValue("continue")]
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(page, "410") {
			w.WriteHeader(http.StatusGone)
		}
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(server.Close)
	b := open(mlops.Options{Settings: mlops.Settings{settingHost: server.URL, settingCluster: testCluster}})
	c, err := b.in(mlops.EnvironmentID(name, []string{testCluster}, "any"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	take := func(raw []byte) error {
		o, err := kindConfigMap.object(raw)
		got = append(got, o.GetKind()+" "+o.GetName())
		return err
	}
	if err := c.each(t.Context(), kindConfigMap, "any", "", take); !b.is(err, mlops.Unavailable) {
		t.Errorf("a list that nobody can go on with: got %v, want code %q", err, mlops.Unavailable)
	}
	pages["lost"] = `{"metadata":{},"items":[]}`
	got = nil
	if err := c.each(t.Context(), kindConfigMap, "any", "", take); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"ConfigMap a", "ConfigMap b"}, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}
