package gateway

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines reads what was captured to a directory.
func lines(t *testing.T, dir string) []map[string]any {
	t.Helper()
	var out []map[string]any
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		r, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(r)
		s.Buffer(nil, 8<<20)
		for s.Scan() {
			var l map[string]any
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v in %q", f, err, s.Text())
			}
			out = append(out, l)
		}
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	return out
}

func TestCapture(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "captures")
	b := newBench(t, Config{})
	u := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json":
			_, _ = io.WriteString(w, `{"predictions":[1]}`)
		case "/binary":
			w.WriteHeader(418)
			_, _ = w.Write([]byte{0xff, 0xfe})
		case "/long":
			// All of it first: a server that begins to answer gives up what it has
			// not read of the request.
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		}
	})
	b.put(func(r *Route) { r.Capture = Capture{100, dir} }, variant("a", 100, Passthrough, pool(u)))
	long := strings.Repeat("é", captureBody) // two bytes each
	b.do("POST", "/dev/churn/json", `{"instances":[[1,2]]}`, "X-Request-Id", "one")
	b.do("POST", "/dev/churn/binary", "plain", "X-Request-Id", "two")
	if got := b.do("POST", "/dev/churn/long", "x"+long, "X-Request-Id", "three"); got.body != "x"+long {
		t.Errorf("capture changed an answer of %d bytes", len(got.body))
	}
	if err := b.Remove("dev", "churn"); err != nil {
		t.Fatal(err)
	}
	got := lines(t, dir)
	for _, l := range got {
		if latency, ok := l["latency_ms"].(float64); l["time"] == "" || !ok || latency <= 0 {
			t.Errorf("no time or latency in %v", l)
		}
		delete(l, "time")
		delete(l, "latency_ms")
	}
	version := "local/dev/models/m/versions/1"
	cut := "x" + long[:captureBody-2] // no half character
	want := []map[string]any{
		{
			"request_id": "one", "endpoint": "churn", "variant": "a", "version": version, "status": 200.0,
			"request":  map[string]any{"instances": []any{[]any{1.0, 2.0}}},
			"response": map[string]any{"predictions": []any{1.0}},
		},
		{
			"request_id": "two", "endpoint": "churn", "variant": "a", "version": version, "status": 418.0,
			"request": "plain", "response": "//4=", "response_encoding": "base64",
		},
		{
			"request_id": "three", "endpoint": "churn", "variant": "a", "version": version, "status": 200.0,
			"request": cut, "request_truncated": true, "response": cut, "response_truncated": true,
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d[:min(len(d), 2000)])
	}
}

func TestBodyIsWrittenAsJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body body
		want string
	}{
		{"nothing", body{}, `,"x":null`},
		{"JSON", body{bytes: []byte(`{"a":"<é>"}`)}, `,"x":{"a":"<é>"}`},
		{"JSON on several lines", body{bytes: []byte("{\r\n  \"a\": \"b\\n c\"\n}\n")}, `,"x":{"a":"b\n c"}`},
		{"JSON cut short", body{bytes: []byte(`{"a":1`), truncated: true}, `,"x":"{\"a\":1","x_truncated":true`},
		{"JSON that ends by chance where it is cut", body{bytes: []byte(`12`), truncated: true}, `,"x":"12","x_truncated":true`},
		{"JSON that is no text", body{bytes: []byte("\"\xff\"")}, `,"x":"Iv8i","x_encoding":"base64"`},
		{"text", body{bytes: []byte("a\n\"b\"")}, `,"x":"a\n\"b\""`},
		{"bytes", body{bytes: []byte{0xff, 0xfe}}, `,"x":"//4=","x_encoding":"base64"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, string(tt.body.appendTo(nil, "x"))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCaptureSamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, Config{})
	b.put(func(r *Route) { r.Capture = Capture{20, dir} }, variant("a", 100, Passthrough, pool(upstream(t, echo))))
	const n = 1000
	for range n {
		b.do("GET", "/dev/churn", "")
	}
	b.put(nil, variant("a", 100, Passthrough, pool(upstream(t, echo)))) // capture off: the file is closed
	b.do("GET", "/dev/churn", "")
	if got := len(lines(t, dir)); got < 137 || got > 263 { // five standard deviations around 200
		t.Errorf("captured %d of %d; want 20 %%", got, n)
	}
}

func TestCaptureRotates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, Config{CaptureFileMiB: 1})
	b.put(func(r *Route) { r.Capture = Capture{100, dir} }, variant("a", 100, Passthrough, pool(upstream(t, func(http.ResponseWriter, *http.Request) {}))))
	const n, size = 10, 300 << 10
	for range n {
		b.do("POST", "/dev/churn", strings.Repeat("x", size))
	}
	if err := b.Remove("dev", "churn"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Errorf("%d files, %v; want several", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s has more than 1 MiB", f.Name())
		}
	}
	if got := len(lines(t, dir)); got != n {
		t.Errorf("%d requests captured, want %d", got, n)
	}
}

func TestCaptureDropsRatherThanBlocks(t *testing.T) {
	t.Parallel()
	dropped := 0
	r := &recorder{queue: make(chan captured, 2), dropped: func() { dropped++ }} // nobody writes
	for range 5 {
		r.record(captured{})
	}
	if dropped != 3 {
		t.Errorf("dropped %d of 5 with room for 2", dropped)
	}
	r = &recorder{queue: make(chan captured, 100), dropped: func() { dropped++ }}
	dropped = 0
	for range 100 {
		r.record(captured{request: body{bytes: make([]byte, captureBody)}})
	}
	if dropped != 100-captureBytes/captureBody {
		t.Errorf("dropped %d of 100 MiB with room for %d", dropped, captureBytes/captureBody)
	}
}

func TestCaptureDirectoryThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Config{})
	route := Route{Environment: "dev", Endpoint: "churn", Capture: Capture{100, filepath.Join(file, "dir")}, Variants: []Variant{variant("a", 1, Passthrough, pool(upstream(t, echo)))}}
	if err := b.Put(route); err == nil {
		t.Error("no error")
	}
	if got := b.do("GET", "/dev/churn", ""); got.status != 200 {
		t.Errorf("without capture: %d", got.status)
	}
}
