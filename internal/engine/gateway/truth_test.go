package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labels reads the ground truth in a directory, each as "id=label".
func labels(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "ground_truth*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			var l label
			if err := json.Unmarshal(s.Bytes(), &l); err != nil || l.Time.IsZero() {
				t.Fatalf("%s: %q (%v)", path, s.Text(), err)
			}
			out = append(out, fmt.Sprintf("%s=%s", l.RequestID, l.Label))
		}
		_ = f.Close()
	}
	return out
}

func newTruthBench(t *testing.T) (b *bench, dir string) {
	t.Helper()
	b = newBench(t, Config{})
	dir = filepath.Join(t.TempDir(), "captures")
	b.put(func(r *Route) { r.Capture = Capture{Percent: 100, Dir: dir} }, variant("a", 100, Passthrough, pool(upstream(t, echo))))
	return b, dir
}

func TestGroundTruth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", truthLabel+1)
	tests := []struct {
		name, method, body string
		status             int
		want               []string // labels
		says               string
	}{
		{"one", "POST", `{"request_id":"a","label":1}`, 200, []string{"a=1"}, `{"accepted":1}`},
		{"one on many lines", "POST", "{\n \"request_id\":\"a\",\n \"label\":[1,\n 2]}\n", 200, []string{"a=[1,2]"}, `{"accepted":1}`},
		{"array", "POST", `[{"request_id":"a","label":true},{"request_id":"b","label":"x\ny"}]`, 200, []string{"a=true", `b="x\ny"`}, `{"accepted":2}`},
		{"lines", "POST", "{\"request_id\":\"a\",\"label\":0.5}\n\n{\"request_id\":\"b\",\"label\":[\"x\",1]}\r\n", 200, []string{"a=0.5", `b=["x",1]`}, `{"accepted":2}`},
		{"twice", "POST", "{\"request_id\":\"a\",\"label\":0}\n{\"request_id\":\"a\",\"label\":1}", 200, []string{"a=0", "a=1"}, `{"accepted":2}`},
		{"bad line", "POST", "{\"request_id\":\"a\",\"label\":0}\n\nhello\n", 400, nil, "line 3:"},
		{"bad item", "POST", `[{"request_id":"a","label":0}, 7]`, 400, nil, "item 2:"},
		{"no id", "POST", `{"label":0}`, 400, nil, "request_id"},
		{"long id", "POST", `{"request_id":"` + strings.Repeat("i", 129) + `","label":0}`, 400, nil, "128"},
		{"no label", "POST", `{"request_id":"a"}`, 400, nil, "label"},
		{"null", "POST", `{"request_id":"a","label":null}`, 400, nil, "label"},
		{"object", "POST", `{"request_id":"a","label":{"b":1}}`, 400, nil, "label"},
		{"null among labels", "POST", `{"request_id":"a","label":[1,null]}`, 400, nil, "label"},
		{"no labels", "POST", `{"request_id":"a","label":[]}`, 400, nil, "label"},
		{"long label", "POST", `{"request_id":"a","label":"` + long + `"}`, 400, nil, "64 KiB"},
		{"strange member", "POST", `{"request_id":"a","lable":1}`, 400, nil, "lable"},
		{"two on a line", "POST", "{\"request_id\":\"a\",\"label\":0} {\"request_id\":\"b\",\"label\":0}", 400, nil, "line 1:"},
		{"empty", "POST", "", 400, nil, "at least one"},
		{"empty array", "POST", "[]", 400, nil, "at least one"},
		{"not UTF-8", "POST", "\xff\xfe", 400, nil, "line 1:"},
		{"too large", "POST", strings.Repeat(" ", truthBody+1), 413, nil, "8 MiB"},
		{"method", "GET", "", 405, nil, "POST"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, dir := newTruthBench(t)
			got := b.do(tt.method, "/dev/churn/ground-truth", tt.body)
			if got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("got %d %q, want %d with %q", got.status, got.body, tt.status, tt.says)
			}
			if d := cmp.Diff(tt.want, labels(t, dir)); d != "" {
				t.Errorf("labels (-want +got):\n%s", d)
			}
		})
	}
}

func TestGroundTruthWithoutCapture(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	dir := filepath.Join(t.TempDir(), "captures")
	b.put(func(r *Route) { r.Capture.Dir = dir }, variant("a", 100, Passthrough, pool(upstream(t, echo))))
	const one = `{"request_id":"a","label":1}`
	if got := b.do("POST", "/dev/churn/ground-truth", one); got.status != http.StatusConflict || !strings.Contains(got.body, "capture") {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // of captures that were switched off
		t.Fatal(err)
	}
	if got := b.do("POST", "/dev/churn/ground-truth", one); got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	b.put(func(r *Route) { r.Capture.Dir, r.Asleep = dir, r.Asleep.AddDate(3000, 0, 0) }, variant("a", 100, Passthrough, pool()))
	if got := b.do("POST", "/dev/churn/ground-truth", one); got.status != 200 { // the truth comes when it comes
		t.Errorf("asleep: %d %q", got.status, got.body)
	}
}

func TestGroundTruthFromMany(t *testing.T) {
	t.Parallel()
	b, dir := newTruthBench(t)
	const senders, each = 8, 20
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if got := b.do("POST", "/dev/churn/ground-truth", fmt.Sprintf(`{"request_id":"%d-%d","label":1}`, s, i)); got.status != 200 {
					t.Errorf("got %d %q", got.status, got.body)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, l := range labels(t, dir) {
		seen[l] = true
	}
	if len(seen) != senders*each {
		t.Errorf("%d labels on disk, want %d", len(seen), senders*each)
	}
}

func TestGroundTruthFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := &truth{dir: dir, fileMiB: 1}
	path := filepath.Join(dir, GroundTruthFile)
	// What a crash left of a line, longer than a block, gives way to the next one.
	if err := os.WriteFile(path, []byte("{\"time\":\"2026-01-01T00:00:00Z\",\"request_id\":\"a\",\"label\":1}\n{\""+strings.Repeat("t", 100<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	one, err := readLabels([]byte(`{"request_id":"b","label":2}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.append(one); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a=1", "b=2"}, labels(t, dir)); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
	full, err := readLabels([]byte(`{"request_id":"c","label":"` + strings.Repeat("x", 60<<10) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := w.append(full); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "ground_truth*.jsonl"))
	if err != nil || len(files) != 2 {
		t.Errorf("files %v (%v); want the one that is written and one aside", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	blocked := &truth{dir: filepath.Join(path, "below-a-file"), fileMiB: 1}
	if err := blocked.append(one); err == nil {
		t.Error("no error where nothing can be written")
	}
}

func FuzzLabels(f *testing.F) {
	for _, s := range []string{`{"request_id":"a","label":1}`, "[]", "[{}]", "{\"request_id\":\"a\",\"label\":[1]}\n{", "\xff", "\n", "null", `"a"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readLabels(b)
		if err != nil {
			return
		}
		for _, l := range got {
			text, err := json.Marshal(l)
			if err != nil || bytes.ContainsAny(text, "\r\n") || l.RequestID == "" {
				t.Errorf("%q became %q (%v)", b, text, err)
			}
		}
	})
}
