package driftjob

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestVerdicts makes checks of the example's data as processes of their own.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	anHourAgo := noon().Add(-time.Hour)
	asEver := func(b *bench) { b.sendAll(anHourAgo, people(b.t, 0)) }
	older := func(b *bench) { b.sendAll(anHourAgo, people(b.t, 30)) }
	retrain := func(s *mlops.MonitorSpec) { s.OnViolation = &mlops.OnViolation{} }
	tests := []struct {
		name     string
		captured func(*bench)
		spec     func(*mlops.MonitorSpec)
		args     []string

		status            int
		verdict, violated string
		words             []string
	}{
		{name: "as ever", captured: asEver, spec: retrain, verdict: "ok"},
		{name: "older", captured: older, spec: retrain, verdict: "violated", violated: "data_drift", words: []string{"drifted: age (psi"}},
		{name: "older, and nothing follows", captured: older, verdict: "violated"},
		{name: "older, and something else would start", captured: older, spec: func(s *mlops.MonitorSpec) {
			s.DataQuality = &mlops.DataQualityCheck{MaxRangePercent: new(100.0)}
			s.OnViolation = &mlops.OnViolation{Checks: []string{"data_quality"}}
		}, verdict: "violated"},
		{name: "too few", captured: func(b *bench) { b.sendAll(anHourAgo, people(b.t, 30)[:49]) }, verdict: "no_data", words: []string{"49 rows in the window, 50 are needed"}},
		{name: "of before the window", captured: func(b *bench) { b.sendAll(noon().Add(-25*time.Hour), people(b.t, 30)) }, verdict: "no_data", words: []string{"0 rows"}},
		{name: "of after the window, as where times were lost", captured: func(b *bench) { b.sendAll(noon(), people(b.t, 30)) }, verdict: "no_data", words: []string{
			"0 rows", "60 captured files are newer than the window's end", "without their times",
		}},
		{name: "nothing was ever captured", captured: func(*bench) {}, verdict: "no_data", words: []string{"there is no folder of captures"}},
		{name: "of another endpoint", captured: func(b *bench) { older(b); b.rename("captures/churn", "captures/chern") }, verdict: "no_data", words: []string{"0 rows"}},
		{name: "health is another's", captured: asEver, spec: func(s *mlops.MonitorSpec) { s.Health = &mlops.HealthCheck{MinRequests: 1000} }, verdict: "ok"},
		{name: "health alone", captured: asEver, spec: func(s *mlops.MonitorSpec) {
			s.DataDrift, s.Health = nil, &mlops.HealthCheck{MinRequests: 1000}
		}, status: 1, verdict: "broken", words: []string{"no check that is made of captures"}},
		{name: "explanations", captured: asEver, spec: func(s *mlops.MonitorSpec) { s.Explainability = &mlops.ExplainabilityCheck{} }, status: 1, verdict: "broken", words: []string{
			"explainability: it is not computed on this platform",
		}},
		{name: "a feature that the baseline lacks", captured: asEver, spec: func(s *mlops.MonitorSpec) { s.DataDrift.Features = []string{"shoe"} }, status: 1, verdict: "broken", words: []string{
			`"shoe" is no feature of the baseline`,
		}},
		{name: "no truth", captured: asEver, spec: func(s *mlops.MonitorSpec) {
			s.DataDrift, s.ModelQuality = nil, &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.9}}
		}, verdict: "no_data", words: []string{"no ground truth was given"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			tt.captured(b)
			out := b.run(spec(tt.spec), tt.args...)
			out.want(t, tt.status, tt.verdict, tt.violated, tt.words...)
			if tt.status != 0 && !strings.Contains(out.stderr, out.Report.Reason) {
				t.Errorf("standard error has %q, and not the reason %q", out.stderr, out.Report.Reason)
			}
			if out.Report.Monitor != monitor {
				t.Errorf("report of %q", out.Report.Monitor)
			}
		})
	}
}

// TestDamage: what cannot be read is counted, and the rest is judged as it is.
func TestDamage(t *testing.T) {
	t.Parallel()
	at := noon().Add(-time.Hour)
	one := func(id, kind string) string { return logged(id, kind, `{"instances":[{"age":30}],"predictions":[1]}`) }
	tests := []struct {
		name  string
		files map[string]string
		words []string
	}{
		{"nothing is wrong", nil, nil},
		{"a file that breaks off", map[string]string{object("x", "request"): one("x", "request")[:60], object("x", "response"): one("x", "response")}, []string{"1 records"}},
		{"an empty file", map[string]string{object("x", "request"): "", object("x", "response"): one("x", "response")}, []string{"1 records"}},
		{"no JSON", map[string]string{object("x", "request"): one("x", "request"), object("x", "response"): "\x00\xff"}, []string{"1 records"}},
		{"other JSON", map[string]string{object("x", "request"): `{"id":"x"}`, object("x", "response"): one("x", "response")}, []string{"1 records"}},
		{"a body that is no base64", map[string]string{object("x", "request"): `{"id":"x","reqType":"a.request","bytes":"%"}`, object("x", "response"): one("x", "response")}, []string{"1 records"}},
		{"a gigantic record", map[string]string{
			object("x", "request"): `{"id":"x","reqType":"a.request","bytes":"` + strings.Repeat("A", 2*checks.LongestLine), object("x", "response"): one("x", "response"),
		}, []string{"1 records"}},
		{"a batch that breaks off", map[string]string{object("x", "request"): "[" + one("x", "request") + "," + one("x", "response")[:50]}, []string{"1 records"}},
		{"a batch without an end", map[string]string{object("x", "request"): "[" + one("x", "request")}, []string{"1 records"}},
		{"a batch with something else in it", map[string]string{object("x", "request"): "[" + one("x", "request") + `,{"id":7},{}]`}, []string{"1 records"}},
		{"other formats", map[string]string{"captures/x-request.parquet": "PAR1", "captures/x-response.csv": "id"}, []string{"2 captures are not in KServe's format json"}},
		{"other files", map[string]string{"captures/readme.json": "x"}, nil},
		{"requests without an answer are no rows", map[string]string{object("x", "request"): one("x", "request")}, nil},
		{"answers without a request are no rows", map[string]string{object("x", "response"): one("x", "response")}, nil},
		{"binary tensors are no rows", map[string]string{object("x", "request"): logged("x", "request", "\xff\xfe"), object("x", "response"): one("x", "response")}, nil},
		{"text that is no request is no row", map[string]string{object("x", "request"): logged("x", "request", "hello"), object("x", "response"): one("x", "response")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sendAll(at, people(t, 30))
			for name, text := range tt.files {
				b.file(name, text, at)
			}
			out := b.run(spec(nil))
			out.want(t, 0, "violated", "", tt.words...)
			if out.Report.Rows != 60 {
				t.Errorf("%d rows, want 60", out.Report.Rows)
			}
			if len(tt.words) == 0 && strings.Contains(out.Report.Reason, "passed over") {
				t.Errorf("the report says %q of sound captures", out.Report.Reason)
			}
		})
	}
}

// TestUsage: wrong flags are told apart from a check that could not be made.
func TestUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		args   []string
		status int
		words  string
	}{
		{"nothing", nil, 2, "--monitor is needed"},
		{"no captures", []string{"--monitor", "m"}, 2, "--captures is needed"},
		{"an unknown flag", []string{"--speed", "9"}, 2, "-speed"},
		{"an argument", []string{"--monitor", "m", "--captures", "c", "now"}, 2, "no arguments"},
		{"a time that is none", []string{"--monitor", "m", "--captures", "c", "--now", "noon"}, 2, "-now"},
		{"a gateway that is none", []string{"--monitor", "m", "--captures", "c", "--push", "gateway:s3cret"}, 2, "no URL of a Pushgateway"},
		{"help", []string{"-help"}, 0, "Usage: terraform-provider-mlops drift"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stderr strings.Builder
			if got := run(t.Context(), tt.args, &stderr); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			if !strings.Contains(stderr.String(), tt.words) || strings.Contains(stderr.String(), "s3cret") {
				t.Errorf("it says %q, want %q", &stderr, tt.words)
			}
		})
	}
}

// TestMonitorFile: a spec that this program does not understand whole is refused.
func TestMonitorFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, words string }{
		{"no JSON", "{", "read the monitor"},
		{"a check that is not known", `{"endpoint":"kubernetes/lab/dev/endpoints/churn","name":"watch","fairness":{}}`, "of the version of who wrote it"},
		{"no check", `{"endpoint":"kubernetes/lab/dev/endpoints/churn","name":"watch"}`, "no check"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.file("monitor.json", tt.text, noon())
			out := b.process([]string{
				"--monitor", b.path("monitor.json"), "--captures", b.captures(), "--id", string(monitor),
				"--report", b.path("report.json"), "--verdict", b.path("verdict"), "--violated", b.path("violated"),
			})
			out.want(t, 1, "broken", "", tt.words)
		})
	}
}
