package driftjob

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob/kservetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const patience = time.Minute

// model is a server that refuses a request without instances, and says NaN to one.
func model(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Instances []json.RawMessage `json:"instances"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Instances) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"predictions":[1`+strings.Repeat(",NaN", len(in.Instances)-1)+"]}\n") // a client that is gone needs no answer
}

// ask sends a request with an id, and returns the answer's status.
func ask(t *testing.T, url, id, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/models/churn:predict", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Ce-Id", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// files are all below a folder, by their paths in it.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(p) == ".json" {
			name, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// TestWhatKServeWrites reads what KServe's own logger wrote, one record in each file and
// several: the rows, their predictions and their truth are those that were sent.
func TestWhatKServeWrites(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(model))
	t.Cleanup(server.Close)
	for _, batch := range []int{1, 7} {
		t.Run(fmt.Sprintf("%d in each", batch), func(t *testing.T) {
			t.Parallel()
			logger, b := kservetest.Start(t, server.URL, "churn", batch), newBench(t)
			instances := people(t, 0)
			var truth strings.Builder
			for i, one := range instances {
				id := fmt.Sprintf("r%d", i)
				fmt.Fprintf(&truth, `{"request_id":%q,"label":%d}`+"\n", id, min(1, i%10)) // one of ten turns out otherwise
				if status := ask(t, logger.URL, id, `{"instances":[`+one+`]}`); status != http.StatusOK {
					t.Fatalf("status %d", status)
				}
			}
			if status := ask(t, logger.URL, "refused", `{"instances":[]}`); status != http.StatusBadRequest {
				t.Fatalf("status %d", status)
			}
			records := 2*len(instances) + 1
			eventually(t, "everything is logged", func() bool { return count(t, logger.Dir) == records })
			out := b.run(spec(func(s *mlops.MonitorSpec) {
				s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.95}}
			}), "--captures", logger.Dir, "--now", time.Now().Add(time.Minute).Format(time.RFC3339), "--truth", b.file("truth.jsonl", truth.String(), noon()))
			out.want(t, exitOK, "violated", "", "accuracy 0.9 (below 0.95)")
			if out.Report.Rows != int64(len(instances)) || out.Report.Checks["data_drift"].State != mlops.MonitorOK {
				t.Errorf("%d rows of %d, %+v", out.Report.Rows, len(instances), out.Report.Checks["data_drift"])
			}
			wantNames(t, logger.Dir, batch)
		})
	}
}

// count is how many records were logged.
func count(t *testing.T, dir string) (records int) {
	t.Helper()
	for _, name := range files(t, dir) {
		f, there, err := openLog(filepath.Join(dir, name))
		if err != nil || !there {
			t.Fatal(name, err)
		}
		for {
			_, ok, err := f.next()
			if err != nil {
				break
			}
			if !ok {
				t.Fatalf("%s is no record of KServe's", name)
			}
			records++
		}
		_ = f.close()
	}
	return records
}

// wantNames holds the layout that this package says KServe has to the real one.
func wantNames(t *testing.T, dir string, batch int) {
	t.Helper()
	const folder = "team/churn-dev/churn-main/predictor/captures/churn/"
	names := files(t, dir)
	for _, name := range names {
		if !strings.HasPrefix(name, folder) || !strings.HasSuffix(name, requestEnd) && !strings.HasSuffix(name, answerEnd) {
			t.Errorf("KServe wrote %s", name)
		}
		f, _, err := openLog(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if f.isBatch && batch == 1 {
			t.Errorf("%s is a batch", name)
		}
		_ = f.close()
	}
	if batch > 1 && len(names) > 100/batch*2 {
		t.Errorf("%d files of batches", len(names))
	}
}

// TestOtherEndpoints: captures of two endpoints of a namespace are told apart by the
// path that KServe gives them.
func TestOtherEndpoints(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(model))
	t.Cleanup(server.Close)
	logger, b := kservetest.Start(t, server.URL, "other", 1), newBench(t)
	ask(t, logger.URL, "a", `{"instances":[{"age":30}]}`)
	eventually(t, "it is logged", func() bool { return len(files(t, logger.Dir)) == 2 })
	out := b.run(spec(nil), "--captures", logger.Dir, "--now", time.Now().Add(time.Minute).Format(time.RFC3339))
	if out.want(t, exitOK, "no_data", ""); out.Report.Rows != 0 {
		t.Errorf("%d rows of another endpoint", out.Report.Rows)
	}
}

// TestForeignNumbers: what Python's JSON has and JSON lacks is a value that is missing.
func TestForeignNumbers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(model))
	t.Cleanup(server.Close)
	logger, b := kservetest.Start(t, server.URL, "churn", 1), newBench(t)
	ask(t, logger.URL, "a", `{"instances":[{"age":33,"country":"de","spent":1},{"age":33,"country":"de","spent":2}]}`)
	eventually(t, "it is logged", func() bool { return len(files(t, logger.Dir)) == 2 })
	out := b.run(spec(func(s *mlops.MonitorSpec) {
		s.MinRows, s.DataDrift = 1, nil
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.1}}
	}), "--captures", logger.Dir, "--now", time.Now().Add(time.Minute).Format(time.RFC3339),
		"--truth", b.file("truth.jsonl", `{"request_id":"a","label":[1,1]}`, noon()))
	out.want(t, exitOK, "ok", "")
	if got := *out.Report.Checks["model_quality"].Features[0].Value; got != 0.5 {
		t.Errorf("accuracy %g, want 0.5", got)
	}
}
