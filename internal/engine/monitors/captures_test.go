package monitors

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// readIDs reads a window and returns the ids of its requests, in order.
func (b *bench) readIDs(from, until time.Time) (ids string, damaged int64) {
	b.t.Helper()
	damaged, err := readCaptures(b.t.Context(), b.captureDir(), from, func(c checks.Captured) {
		if c.In(from, until) {
			ids += c.RequestID + " "
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(ids), damaged
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCapturesOfAWindow(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	one := func(id string, after time.Duration) string {
		return line(id, noon.Add(after), 200, `{"instances":[[1,"red"]]}`, `{"predictions":[1]}`)
	}
	half := zipped(t, strings.Repeat(one("z", time.Minute), 5000))
	tests := []struct {
		name    string
		files   map[string]string
		want    string
		damaged int64
	}{
		{"nothing was ever captured", nil, "", 0},
		{"the window is half open", map[string]string{"capture.jsonl": one("early", -1) + one("first", 0) + one("last", time.Hour-1) + one("late", time.Hour)}, "first last", 0},
		{"oldest first, full and compressed ones too", map[string]string{
			"capture-2026-03-01T12-20-00.000.jsonl":    one("b", 2*time.Minute),
			"capture-2026-03-01T12-10-00.000.jsonl.gz": zipped(t, one("a", time.Minute)),
			"capture.jsonl": one("c", 3*time.Minute),
		}, "a b c", 0},
		{"other files are left alone", map[string]string{"capture.jsonl": one("a", 0), "ground_truth.jsonl": "x\n", "captured-by-me.txt": "y\n"}, "a", 0},
		{"damaged lines are passed over", map[string]string{"capture.jsonl": one("a", 0) + "{\"time\n\n" + `{"time":7}` + "\n" + one("b", 0)}, "a b", 3},
		{"a line too long is damaged, whatever it is", map[string]string{
			"capture.jsonl": strings.TrimSpace(one("z", 0)) + strings.Repeat(" ", 3*checks.LongestLine) + "\n" + one("a", 0),
		}, "a", 1},
		{"a line under way is not there yet", map[string]string{"capture.jsonl": one("a", 0) + one("b", 0)[:40]}, "a", 0},
		{"a compressed file that breaks off", map[string]string{"capture-2026-03-01T12-10-00.000.jsonl.gz": half[:20], "capture.jsonl": one("a", 0)}, "a", 1},
		{"a compressed file that is none", map[string]string{"capture-2026-03-01T12-10-00.000.jsonl.gz": "no", "capture.jsonl": one("a", 0)}, "a", 1},
		{"failed requests are no rows", map[string]string{"capture.jsonl": line("a", noon, 500, `{"instances":[[1,"red"]]}`, `{"error":"x"}`) + one("b", 0)}, "b", 0},
		{"cut requests are no rows", map[string]string{"capture.jsonl": strings.Replace(one("a", 0), `"response"`, `"request_truncated":true,"response"`, 1)}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for name, text := range tt.files {
				b.write(name, text)
			}
			got, damaged := b.readIDs(noon, noon.Add(time.Hour))
			if got != tt.want || damaged != tt.damaged {
				t.Errorf("read %q and %d damaged lines, want %q and %d", got, damaged, tt.want, tt.damaged)
			}
		})
	}
}

// TestOldCapturesAreNotRead proves it by making them unreadable.
func TestOldCapturesAreNotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := "capture-2026-02-01T00-00-00.000.jsonl"
	b.write(old, "damaged\n")
	before := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(b.captureDir(), old), before, before); err != nil {
		t.Fatal(err)
	}
	if _, damaged := b.readIDs(time.Now().Add(-time.Hour), time.Now()); damaged != 0 {
		t.Error("a file that ended before the window was read")
	}
}

// TestRotationWhileReading proves that a file that is put aside between two looks
// is read once.
func TestRotationWhileReading(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write(gateway.CaptureFile, line("a", time.Now(), 200, `{"instances":[[1,"red"]]}`, `{}`))
	current, _, err := checks.OpenIfThere(filepath.Join(b.captureDir(), gateway.CaptureFile))
	if err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(b.captureDir(), "capture-2026-03-01T12-10-00.000.jsonl")
	if err := os.Rename(current.Name(), aside); err != nil {
		t.Fatal(err)
	}
	full, err := openFull(b.captureDir(), "capture-", time.Time{}, current)
	if err != nil || len(full) != 0 {
		t.Errorf("the file that was opened is found %d times more: %v", len(full), err)
	}
	if err := append(full, current).Close(); err != nil {
		t.Error(err)
	}
}

// model answers as a model server does: 1 for those who are older than 40.
func model(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Instances [][]any `json:"instances"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var out struct {
		Predictions []int `json:"predictions"`
	}
	for _, one := range in.Instances {
		age, _ := one[0].(float64)
		out.Predictions = append(out.Predictions, map[bool]int{true: 1}[age > 40])
	}
	text, err := json.Marshal(out)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = w.Write(text) // a client that is gone needs no answer
}

// throughGateway has the real gateway serve the endpoint, and returns its URL.
func (b *bench) throughGateway() (url string, g *gateway.Gateway) {
	b.t.Helper()
	g = gateway.New(gateway.Config{Log: slog.New(slog.DiscardHandler), CaptureFileMiB: 1})
	upstream := httptest.NewServer(http.HandlerFunc(model))
	pool := gateway.NewPool(100, nil)
	pool.Add(gateway.NewUpstream(upstream.Listener.Addr().String()))
	err := g.Put(gateway.Route{
		Environment: "dev", Endpoint: "churn", Capture: gateway.Capture{Percent: 100, Dir: b.captureDir()},
		Variants: []gateway.Variant{{Name: "main", Version: "local/dev/models/m/versions/1", Weight: 100, Pool: pool}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	front := httptest.NewServer(g)
	b.t.Cleanup(func() {
		front.Close()
		upstream.Close()
		_ = g.Close() // closed already, in tests that want all of it on disk
	})
	return front.URL, g
}

// post sends a body and returns the request's id.
func post(t *testing.T, url, body string) (id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s (%v)", resp.StatusCode, answer, err)
	}
	return resp.Header.Get("X-Request-Id")
}

// TestRealCaptures reads what the real gateway wrote, over several files, and the
// truth that was posted to it.
func TestRealCaptures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	url, g := b.throughGateway()
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline = b.based(people(seeded(1), 1000, 40))
		s.DataQuality = &mlops.DataQualityCheck{MaxRangePercent: new(5.0)}
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.9}}
	})
	const requests, each = 60, 1000
	random := seeded(2)
	for range requests {
		var instances []string
		var labels []string
		for i, r := range people(random, each, 40) {
			instances = append(instances, fmt.Sprintf("[%.17g,%q]", r.age, r.colour))
			if i%10 == 0 { // one of ten turns out otherwise
				r.prediction = 1 - r.prediction
			}
			labels = append(labels, strconv.Itoa(r.prediction))
		}
		id := post(t, url+"/dev/churn", `{"instances":[`+strings.Join(instances, ", ")+"\n]}")
		post(t, url+"/dev/churn/ground-truth", fmt.Sprintf(`{"request_id":%q,"label":[%s]}`, id, strings.Join(labels, ",")))
	}
	if err := g.Close(); err != nil { // all of it is on disk now
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(b.captureDir(), "capture*.jsonl")); err != nil || len(files) < 2 {
		t.Fatalf("captured into %v (%v), want several files", files, err)
	}
	r := b.check(mlops.MonitorOK)
	if r.Rows != requests*each {
		t.Errorf("%d rows, want %d", r.Rows, requests*each)
	}
	if got := *figure(t, r, "model_quality", "accuracy", "").Value; got != 0.9 {
		t.Errorf("accuracy %g, want 0.9", got)
	}
	if r.Reason != "" {
		t.Errorf("the report says %q of a sound window", r.Reason)
	}
}
