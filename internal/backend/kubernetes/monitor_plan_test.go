package kubernetes

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestMonitorPlans proves what a plan is refused for, each with its path, and that nothing
// is made.
func TestMonitorPlans(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	control.Apply(t, g.spec.Name, `{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: monitor-theirs}, spec: {groups: []}}`)
	control.Apply(t, g.spec.Name, `{apiVersion: v1, kind: ConfigMap, metadata: {name: monitor-kept}}`)
	most := int64(1)
	for _, test := range []struct {
		name   string
		change func(*mlops.MonitorSpec)
		want   string
	}{
		{"good", func(*mlops.MonitorSpec) {}, ""},
		{"webhook unknown", func(s *mlops.MonitorSpec) { s.Alerts.WebhookURL = "" }, ""},
		{"baseline to come", func(s *mlops.MonitorSpec) {
			s.Baseline = &mlops.Baseline{Dataset: g.spec.ID.Child(mlops.NounDataset, "later")}
		}, ""},
		{"taken", func(s *mlops.MonitorSpec) { s.Name = "theirs" }, "name: "},
		{"kept", func(s *mlops.MonitorSpec) { s.Name = "kept" }, "name: "},
		{"cron", func(s *mlops.MonitorSpec) { s.Schedule.Cron = "0 25 * * *" }, "schedule.cron: "},
		{"posted truth", func(s *mlops.MonitorSpec) { s.ModelQuality.GroundTruth = "" }, "model_quality: "},
		{"truth of nowhere", func(s *mlops.MonitorSpec) { s.ModelQuality.GroundTruth = "/truth" }, "model_quality.ground_truth_uri: "},
		{"file", func(s *mlops.MonitorSpec) { s.Baseline.URI = "file:///data.csv" }, "baseline.uri: "},
		{"braces", func(s *mlops.MonitorSpec) { s.Baseline.URI = "s3://bucket/{{workflow.name}}.csv" }, "baseline.uri: "},
		{"limits", func(s *mlops.MonitorSpec) {
			s.OnViolation.Cooldown, s.OnViolation.MaxPerMonth = mlops.Duration(time.Hour), &most
		}, ""},
		{"health trains", func(s *mlops.MonitorSpec) { s.OnViolation.Checks = []string{"data_drift", "health"} }, "on_violation.checks[1]: "},
		{"reference", func(s *mlops.MonitorSpec) { s.OnViolation.Parameters = map[string]string{"x": "{{workflow.name}}"} }, `on_violation.parameters["x"]: `},
	} {
		spec := g.all()
		test.change(&spec)
		got := g.plannedMonitor(g.monitors(), spec)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)) {
			t.Errorf("%s: problems are %q, want %q", test.name, got, test.want)
		}
	}
	if left := g.left(); len(left) > 0 {
		t.Errorf("a plan made %v", left)
	}
	spec := g.all()
	spec.Endpoint = g.spec.ID.Child(mlops.NounModelEndpoint, "silent")
	_, err := g.monitors().Create(t.Context(), spec)
	g.wantCode("a monitor of what captures nothing", err, mlops.Invalid, "capture")
	spec.Endpoint = g.spec.ID.Child(mlops.NounModelEndpoint, "nowhere")
	_, err = g.monitors().Create(t.Context(), spec)
	g.wantCode("a monitor of nothing", err, mlops.Invalid)
	_, err = g.monitors().Create(t.Context(), g.all())
	g.wantCode("a monitor that starts nothing", err, mlops.Invalid, "train")
}

func (g guard) plannedMonitor(k monitorKind, spec mlops.MonitorSpec) []string {
	g.Helper()
	c := mlops.NewChecker()
	g.must(k.Preflight(g.Context(), spec, c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// TestMonitorPlaces proves what environments refuse that lack what a monitor needs.
func TestMonitorPlaces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings mlops.Settings
		change   func(*mlops.MonitorSpec)
		want     []string
	}{
		{"all", mlops.Settings{}, func(*mlops.MonitorSpec) {}, nil},
		{"no Prometheus", mlops.Settings{targetPrometheus: ""}, func(*mlops.MonitorSpec) {}, []string{"health"}},
		{"uncounted errors", mlops.Settings{targetMetrics: metricsKServe}, func(*mlops.MonitorSpec) {}, []string{"health.max_error_percent"}},
		{"captures elsewhere", mlops.Settings{targetCapture: "http://sink"}, func(*mlops.MonitorSpec) {}, []string{"data_drift"}},
		{"captures in Azure", mlops.Settings{targetStorage: "https://a.blob.core.windows.net/c"}, func(*mlops.MonitorSpec) {}, []string{"data_drift"}},
		{"no Pushgateway", mlops.Settings{targetPushgateway: ""}, func(*mlops.MonitorSpec) {}, []string{"alerts"}},
		{"no Pushgateway for health", mlops.Settings{targetPushgateway: ""}, func(s *mlops.MonitorSpec) { s.DataDrift = nil }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			settings := mlops.Settings{targetStorage: "s3://bucket", targetPrometheus: "http://prometheus:9090", targetPushgateway: "http://pushgateway:9091"}
			maps.Copy(settings, test.settings)
			spec := watchSpec()
			spec.DataDrift, spec.Baseline, spec.Alerts = &mlops.DriftCheck{}, &mlops.Baseline{URI: "s3://bucket/x.csv"}, &mlops.Alerts{Mark: "m"}
			test.change(&spec)
			c := mlops.NewChecker()
			checkMonitorPlace(c, spec, watchScene(settings).layout)
			var got []string
			for _, p := range c.Problems() {
				got = append(got, p.Path.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMonitorNeeds proves that a cluster without the operator is refused at plan, with
// the command that installs it.
func TestMonitorNeeds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*mlops.MonitorSpec)
		want   []capability
	}{
		{"health", func(s *mlops.MonitorSpec) { withoutJobs(s); s.Alerts = nil }, []capability{needsPrometheus}},
		{"drift", func(s *mlops.MonitorSpec) { s.Health, s.Alerts = nil, nil }, []capability{needsArgo}},
		{"all", func(*mlops.MonitorSpec) {}, []capability{needsPrometheus, needsAlertmanager, needsArgo}},
	} {
		spec := watchSpec()
		spec.DataDrift, spec.Alerts = &mlops.DriftCheck{}, &mlops.Alerts{Mark: "m"}
		test.change(&spec)
		if diff := cmp.Diff(test.want, monitorNeeds(spec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		for _, one := range test.want {
			if requirements()[one].install == "" {
				t.Errorf("%s: nobody says how to install %s", test.name, one)
			}
		}
	}
}
