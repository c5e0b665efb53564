package engine_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// fetch makes a request of the engine's inference address and returns the answer.
func fetch(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // the engine is killed meanwhile
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", url, resp.StatusCode, text, err)
	}
	return string(text)
}

// watched makes an endpoint, and a monitor of it that starts a pipeline when
// requests no longer have numbers from 0 to 9.
func watched(t *testing.T, c *client.Client, dir string) (monitor, endpoint mlops.ID) {
	t.Helper()
	environment := made(t, c.Environments(), environmentSpec("e"))
	pipeline := made(t, c.Pipelines(), mlops.PipelineSpec{
		Environment: environment, Name: "again", Steps: map[string]mlops.Step{"train": {Command: []string{"true"}}},
	})
	model := made(t, c.Models(), mlops.ModelSpec{Environment: environment, Name: "m"})
	artifact, baseline := filepath.Join(dir, "model"), filepath.Join(dir, "baseline.csv")
	for path, text := range map[string]string{artifact: "m", baseline: "n\n" + strings.Repeat("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", 100)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	version := made(t, c.ModelVersions().Kind, mlops.ModelVersionSpec{
		Model: model, ArtifactURI: artifact, Format: "custom", Approval: "approved", Command: []string{self(t), asModelServer},
	})
	endpoint = made(t, c.ModelEndpoints().Kind, mlops.ModelEndpointSpec{
		Environment: environment, Name: "p", Capture: &mlops.Capture{SamplePercent: 100},
		Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}},
	})
	monitor = made(t, c.Monitors().Kind, mlops.MonitorSpec{
		Endpoint: endpoint, Name: "w", Schedule: mlops.Schedule{Cron: "0 0 1 1 *"},
		Baseline: &mlops.Baseline{URI: baseline}, DataDrift: &mlops.DriftCheck{},
		OnViolation: &mlops.OnViolation{Pipeline: pipeline},
	})
	return monitor, endpoint
}

// TestMonitorOfARunningEngine goes through the wire: requests, a check, its
// consequences, and the same again by the engine that follows one that was killed.
func TestMonitorOfARunningEngine(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	c := connect(t, o)
	monitor, endpoint := watched(t, c, t.TempDir())
	post := func(e api.Engine, number int) {
		t.Helper()
		instances := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("[%d],", number), 50), ",")
		fetch(t, http.MethodPost, e.Inference+"/e/p", `{"instances":[`+instances+`]}`)
	}
	engine := ensure(t, o)
	for i := range 20 {
		post(engine, i%10)
	}
	check := func(want mlops.MonitorState, rows int64) (r mlops.MonitorReport) {
		t.Helper()
		await(t, "what was sent is not captured", func() bool {
			var err error
			if r, err = c.Monitors().Check(t.Context(), monitor); err != nil {
				t.Fatal(err)
			}
			return r.Rows == rows
		})
		if r.State != want {
			t.Fatalf("%s because %q, want %s", r.State, r.Reason, want)
		}
		return r
	}
	check(mlops.MonitorOK, 1000)
	wantCode(t, c.ModelEndpoints().Delete(t.Context(), endpoint), mlops.Conflict, string(monitor))

	kill(t, engine.PID)
	engine = ensure(t, o)
	await(t, "the endpoint does not serve again", func() bool {
		seen, err := c.ModelEndpoints().Get(t.Context(), endpoint)
		if err != nil {
			t.Fatal(err)
		}
		return seen.Status.Replicas["main"] == 1
	})
	for range 40 {
		post(engine, 9)
	}
	report := check(mlops.MonitorViolated, 3000)
	if page := fetch(t, http.MethodGet, engine.Inference+"/metrics", ""); !strings.Contains(page, `mlops_monitor_violated{check="data_drift",environment="e",monitor="w"} 1`) {
		t.Errorf("the metrics do not show the violation:\n%s", page)
	}
	if page := fetch(t, http.MethodGet, engine.Inference+"/-/"+string(monitor), ""); !strings.Contains(page, "violated") {
		t.Errorf("the page does not show the violation:\n%s", page)
	}
	var seen mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]
	await(t, "retraining never ends", func() bool {
		var err error
		if seen, err = c.Monitors().Get(t.Context(), monitor); err != nil {
			t.Fatal(err)
		}
		return seen.Status.Retraining.State == mlops.RetrainingDone
	})
	run, err := c.PipelineRuns().Get(t.Context(), seen.Status.Retraining.LastRun)
	if err != nil {
		t.Fatal(err)
	}
	if got := run.Spec.Triggers["monitor_report"]; got == "" || got > report.At.Format(time.RFC3339Nano) {
		t.Errorf("the run is for the report of %q, and the last is of %s", got, report.At)
	}
	gone(t, c.Monitors().Kind, monitor)
	gone(t, c.ModelEndpoints().Kind, endpoint)
}
