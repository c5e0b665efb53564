package kubernetes

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestMonitorStatusOfPrometheus proves that what a Prometheus server makes of a monitor's
// rules is the monitor's status: first that they hold, and then which does not, by how
// much, and since when.
func TestMonitorStatusOfPrometheus(t *testing.T) {
	t.Parallel()
	mesh, spec := promtest.NewMesh(t), watchSpec()
	spec.Health.MinRequests, spec.Window = 0, mlops.Duration(10*time.Minute)
	s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090"})
	rules, err := json.Marshal(s.rulesManifest(spec, s.monitorRules(spec, time.Now())).content["spec"])
	if err != nil {
		t.Fatal(err)
	}
	s = watchScene(mlops.Settings{targetPrometheus: promtest.Start(t, promtest.Config{Target: mesh.URL, Rules: string(rules)}).URL})
	await := func(state mlops.MonitorState) (got mlops.MonitorStatus) {
		promtest.Eventually(t, string(state), func() error {
			seen := monitorSeen{facts: monitorFacts{Parts: map[kind]string{kindPrometheusRule: ""}}}
			got = seen.status(s, spec, monitorEvents{alerts: s.alertsNow(t.Context(), `{namespace="dev",monitor="watch"}`)})
			if got.State != state {
				return fmt.Errorf("it is %s: %+v", got.State, got.LastReport)
			}
			return nil
		})
		return got
	}
	before := await(mlops.MonitorOK)
	mesh.Sent("dev", predictor("churn-0123456789"), 200, 90, time.Millisecond)
	mesh.Sent("dev", predictor("churn-0123456789"), 500, 10, time.Millisecond)
	after := await(mlops.MonitorViolated)
	value, limit := 10.0, 2.5
	want := mlops.FeatureReport{
		Name: "errors", Statistic: "percent", Value: &value, Threshold: &limit, Violated: true,
		Reason: "The endpoint churn answers with 10 percent errors over 10m0s, and its limit is 2.5",
	}
	if diff := cmp.Diff(want, after.LastReport.Checks[checkHealth].Features[0]); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if after.Since.Before(before.LastReport.At) || after.LastViolated.Before(after.Since) {
		t.Errorf("it is violated since %s and was so last at %s, and held at %s", after.Since, after.LastViolated, before.LastReport.At)
	}
	if others := s.alertsNow(t.Context(), `{namespace="elsewhere"}`); others.err != nil || others.notice(s) == "" {
		t.Errorf("the rules of another namespace are %+v", others)
	}
}
