package monitors

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob/kservetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// loggedTwice has the engine's gateway in front of KServe's logger in front of a model,
// so that both capture the same requests.
func (b *bench) loggedTwice() (url string, g *gateway.Gateway, l kservetest.Logger) {
	b.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(model))
	b.t.Cleanup(server.Close)
	l = kservetest.Start(b.t, server.URL, endpoint.Name(), 1)
	g = gateway.New(gateway.Config{Log: slog.New(slog.DiscardHandler)})
	pool := gateway.NewPool(100, nil)
	pool.Add(gateway.NewUpstream(hostOf(b.t, l.URL)))
	err := g.Put(gateway.Route{
		Environment: "dev", Endpoint: "churn", Capture: gateway.Capture{Percent: 100, Dir: b.captureDir()},
		Variants: []gateway.Variant{{Name: "main", Version: "local/dev/models/m/versions/1", Weight: 100, Pool: pool}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	front := httptest.NewServer(g)
	b.t.Cleanup(front.Close)
	return front.URL, g, l
}

func hostOf(tb testing.TB, address string) string {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Host
}

// askTwice sends a request whose id KServe is told, and returns the engine's.
func askTwice(t *testing.T, url, id, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Ce-Id", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.Header.Get("X-Request-Id")
}

// everything asks for every check that both can make.
func everything(truth string) func(*mlops.MonitorSpec) {
	return func(s *mlops.MonitorSpec) {
		s.DataDrift, s.PredictionDrift = &mlops.DriftCheck{}, &mlops.DriftCheck{Statistic: "js"}
		s.DataQuality = &mlops.DataQualityCheck{MaxRangePercent: new(1.0)}
		s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: "equal_opportunity_difference", Threshold: 0.1}
		s.ModelQuality = &mlops.ModelQualityCheck{
			Task: "classification", GroundTruth: truth, Min: map[string]float64{"accuracy": 0.95, "f1": 0.5}, Max: map[string]float64{"log_loss": 1},
		}
	}
}

// TestTheJobFindsTheSame: the engine and the job of a cluster make the same report of
// the same requests, each of its own captures of them: the engine's gateway's, and KServe's.
func TestTheJobFindsTheSame(t *testing.T) {
	t.Parallel()
	for _, mean := range []float64{40, 60} {
		t.Run(fmt.Sprintf("mean age %g", mean), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			url, g, l := b.loggedTwice()
			const requests = 30
			ours, theirs := b.traffic(t, url, requests, mean)
			eventually(t, "KServe has logged it", func() bool {
				names, err := filepath.Glob(filepath.Join(l.Dir, "team", "*", "*", "predictor", "captures", "churn", "*.json"))
				return err == nil && len(names) == 2*requests+1 // one was refused
			})
			if err := g.Close(); err != nil { // all of it is on disk now
				t.Fatal(err)
			}
			base := b.based(people(seeded(1), 1000, 40))
			b.watch(func(s *mlops.MonitorSpec) {
				s.Baseline = base
				everything(ours)(s)
			})
			want, err := b.CheckNow(t.Context(), monitor)
			if err != nil {
				t.Fatal(err)
			}
			got := b.byJob(t, spec(func(s *mlops.MonitorSpec) {
				s.Baseline = base
				everything(theirs)(s)
			}), base.URI, l.Dir, theirs)
			times := cmpopts.IgnoreFields(mlops.MonitorReport{}, "At", "From", "Until", "URI")
			if d := cmp.Diff(want, got, times, cmpopts.EquateApprox(1e-12, 0)); d != "" {
				t.Errorf("report (-engine +job):\n%s", d)
			}
			if len(got.Checks) != 5 || got.Rows != requests*20 || (mean == 60) != (got.Checks["data_drift"].State == mlops.MonitorViolated) {
				t.Errorf("%d checks of %d rows: %s", len(got.Checks), got.Rows, got.Reason)
			}
		})
	}
}

// traffic sends requests, some of them odd, and one that is refused. It returns files of
// their truth, by the ids that the engine gave and those that KServe was told.
func (b *bench) traffic(t *testing.T, url string, requests int, mean float64) (ours, theirs string) {
	t.Helper()
	const each = 20
	var engine, kserve strings.Builder
	random := seeded(uint64(mean))
	for i := range requests {
		instances, labels := make([]string, each), make([]string, each)
		for k, r := range people(random, each, mean) {
			instances[k] = fmt.Sprintf("[%.17g,%q]", r.age, r.colour)
			if k == i%each {
				instances[k], r.prediction = `["old",null,7]`, 1
			}
			labels[k] = strconv.Itoa(r.prediction)
		}
		id := fmt.Sprintf("r%d", i)
		given := askTwice(t, url+"/dev/churn", id, `{"instances":[`+strings.Join(instances, ",\n")+`]}`)
		fmt.Fprintf(&engine, `{"request_id":%q,"label":[%s]}`+"\n", given, strings.Join(labels, ","))
		fmt.Fprintf(&kserve, `{"request_id":%q,"label":[%s]}`+"\n", id, strings.Join(labels, ","))
	}
	askTwice(t, url+"/dev/churn", "refused", `{"instances":{}}`)
	return b.file("ours.jsonl", engine.String()), b.file("theirs.jsonl", kserve.String())
}

// byJob makes the same check as a cluster's job does.
func (b *bench) byJob(t *testing.T, s mlops.MonitorSpec, baseline, captures, truth string) (r mlops.MonitorReport) {
	t.Helper()
	report := filepath.Join(b.dir, "job.json")
	status := driftjob.Command(t.Context(), []string{
		"--monitor", b.file("monitor.json", asJSON(t, s)), "--baseline", baseline, "--captures", captures, "--truth", truth,
		"--now", time.Now().Add(time.Minute).Format(time.RFC3339), "--report", report,
	})
	text, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if status != 0 || err != nil {
		t.Fatalf("status %d: %s (%v)", status, text, err)
	}
	return r
}
