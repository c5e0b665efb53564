package monitors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	dataset = mlops.ID("local/dev/datasets/history")
	someRun = mlops.ID("local/dev/pipelines/train/runs/r1")
)

// sources puts the same table into a dataset and a run's output.
func (b *bench) sources(text string) {
	b.t.Helper()
	uri := artifact.URI(b.file("kept", text))
	put(b, b.store.Datasets(), dataset, mlops.DatasetSpec{Environment: environment, Name: "history", Format: "csv"}, mlops.DatasetStatus{URI: uri})
	put(b, b.store.Runs(), someRun, mlops.PipelineRunSpec{Pipeline: pipeline}, mlops.PipelineRunStatus{
		State: mlops.RunSucceeded, Outputs: map[string]string{"train.seen": uri},
	})
}

const small = "age,colour,score,target\n1,red,0.5,1\n2,blue,0.25,0\n3,red,,1\n"

func TestBaselines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		baseline func(b *bench) mlops.Baseline
		features []string
	}{
		{"a dataset", func(*bench) mlops.Baseline { return mlops.Baseline{Dataset: dataset} }, []string{"age", "colour", "score", "target"}},
		{"a run's output", func(*bench) mlops.Baseline { return mlops.Baseline{Run: someRun, Output: "seen", Label: "target"} }, []string{"age", "colour", "score"}},
		{"a relative path", func(b *bench) mlops.Baseline {
			b.file("b.csv", small)
			return mlops.Baseline{URI: "./b.csv", Prediction: "score", Label: "target"}
		}, []string{"age", "colour"}},
		{"in another order", func(*bench) mlops.Baseline {
			return mlops.Baseline{Dataset: dataset, Features: []string{"score", "age"}}
		}, []string{"score", "age"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sources(small)
			base := tt.baseline(b)
			_, err := b.Create(api.WithFolder(t.Context(), b.dir), spec(func(s *mlops.MonitorSpec) {
				s.Baseline, s.DataDrift = &base, &mlops.DriftCheck{}
			}))
			if err != nil {
				t.Fatal(err)
			}
			got := b.get().Status.Baseline
			if diff := cmp.Diff(tt.features, got.Features); diff != "" || got.Rows != 3 || !strings.HasPrefix(got.Digest, "sha256:") {
				t.Errorf("%+v (-want +got): %s", got, diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	drifting := func(base mlops.Baseline) func(*mlops.MonitorSpec) {
		return func(s *mlops.MonitorSpec) { s.Baseline, s.DataDrift = &base, &mlops.DriftCheck{} }
	}
	also := func(base mlops.Baseline, change func(*mlops.MonitorSpec)) func(*mlops.MonitorSpec) {
		return func(s *mlops.MonitorSpec) {
			s.Baseline = &base
			change(s)
		}
	}
	healthy := func(change func(*mlops.MonitorSpec)) func(*mlops.MonitorSpec) {
		return func(s *mlops.MonitorSpec) {
			s.Health = &mlops.HealthCheck{MinRequests: 1}
			change(s)
		}
	}
	known := mlops.Baseline{Dataset: dataset}
	tests := []struct {
		name  string
		file  string // b.csv
		spec  func(*mlops.MonitorSpec)
		field string
		words []string
	}{
		{"no such endpoint", "", healthy(func(s *mlops.MonitorSpec) { s.Endpoint += "x" }), "endpoint", []string{"there is no local/dev/endpoints/churnx"}},
		{"no such environment", "", healthy(func(s *mlops.MonitorSpec) { s.Endpoint = "local/none/endpoints/churn" }), "endpoint", []string{"there is no"}},
		{"no such pipeline", "", healthy(func(s *mlops.MonitorSpec) { s.OnViolation = &mlops.OnViolation{Pipeline: pipeline + "x"} }), "on_violation.pipeline", []string{"there is no"}},
		{"no such dataset", "", drifting(mlops.Baseline{Dataset: dataset + "x"}), "baseline.dataset", []string{"there is no"}},
		{"no such run", "", drifting(mlops.Baseline{Run: someRun + "x", Output: "seen"}), "baseline.run", []string{"there is no"}},
		{"no such output", "", drifting(mlops.Baseline{Run: someRun, Output: "sen"}), "baseline.output", []string{`no output "sen"`, "train.seen"}},
		{"no such file", "", drifting(mlops.Baseline{URI: "b.csv"}), "baseline", []string{"cannot be read", "b.csv"}},
		{"another machine's file", "", drifting(mlops.Baseline{URI: "s3://bucket/b.csv"}), "baseline.uri", []string{"files of this machine only"}},
		{"an empty file", " ", drifting(mlops.Baseline{URI: "b.csv"}), "baseline", nil},
		{"no rows", "age,colour\n", drifting(mlops.Baseline{URI: "b.csv"}), "baseline", []string{"too few rows to compare with: 0"}},
		{"one row", "age,colour\n1,red\n", drifting(mlops.Baseline{URI: "b.csv"}), "baseline", []string{"too few rows to compare with: 1"}},
		{"a ragged row", "age,colour\n1,red\n2\n", drifting(mlops.Baseline{URI: "b.csv"}), "baseline", []string{"cannot be read", "3"}},
		{"no such feature", "", drifting(mlops.Baseline{Dataset: dataset, Features: []string{"age", "shoe"}}), "baseline.features[1]", []string{`no column "shoe"`, "age, colour, score, target"}},
		{"no such label", "", drifting(mlops.Baseline{Dataset: dataset, Label: "truth"}), "baseline.label", []string{`no column "truth"`}},
		{"no such prediction", "", drifting(mlops.Baseline{Dataset: dataset, Prediction: "said"}), "baseline.prediction", []string{`no column "said"`}},
		{"no predictions", "", also(known, func(s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{} }), "prediction_drift", []string{`no column "prediction" with predictions`}},
		{"drift of what is no feature", "", also(known, func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{Features: []string{"shoe"}} }), "data_drift.features[0]", []string{`"shoe" is no feature`}},
		{"a statistic for numbers", "", also(known, func(s *mlops.MonitorSpec) {
			s.DataDrift = &mlops.DriftCheck{Statistic: "ks", Features: []string{"colour"}}
		}), "data_drift.statistic", []string{"ks is for numbers", "js"}},
		{"groups by what is no feature", "", also(known, func(s *mlops.MonitorSpec) {
			s.Bias = &mlops.BiasCheck{Group: "shoe", Statistic: "disparate_impact", Threshold: 0.8}
		}), "bias.group", []string{`"shoe" is no feature`}},
		{"truth at a relative path", "", judging(func(q *mlops.ModelQualityCheck) { q.GroundTruth = "truth.jsonl" }), "model_quality.ground_truth_uri", []string{"relative"}},
		{"mail without a server", "", healthy(func(s *mlops.MonitorSpec) { s.Alerts = &mlops.Alerts{Emails: []string{"a@example.com"}} }), "alerts.emails", []string{"smtp_url", "MLOPS_SMTP_URL"}},
		{"a webhook that nobody knows", "", healthy(func(s *mlops.MonitorSpec) { s.Alerts = &mlops.Alerts{Mark: "m"} }), "alerts.webhook_url", []string{"give it again"}},
		{"a schedule that is none", "", healthy(func(s *mlops.MonitorSpec) { s.Schedule.Cron = "61 * * * *" }), "schedule.cron", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sources(small)
			if tt.file != "" {
				b.file("b.csv", strings.TrimSpace(tt.file))
			}
			_, err := b.Create(api.WithFolder(t.Context(), b.dir), spec(tt.spec))
			wantError(t, err, mlops.Invalid, tt.field, tt.words...)
			if _, err := b.Get(t.Context(), monitor); mlops.CodeOf(err) != mlops.NotFound {
				t.Errorf("a refused monitor is there: %v", err)
			}
			if left := b.left(); len(left) != 0 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
}

// left lists the files of all monitors.
func (b *bench) left() (files []string) {
	b.t.Helper()
	root := filepath.Join(b.dir, "environments", "dev", "monitors")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return files
}

// TestCaptureIsNeeded by all but health; and where it is switched off later, the
// state says so.
func TestCaptureIsNeeded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	base := b.based(people(seeded(1), 100, 40))
	drifting := func(s *mlops.MonitorSpec) { s.Baseline, s.DataDrift = base, &mlops.DriftCheck{} }
	b.capture(0)
	_, err := b.Create(t.Context(), spec(drifting))
	wantError(t, err, mlops.Invalid, "endpoint", "captures nothing", "capture = {}")
	b.capture(100)
	b.watch(drifting)
	b.send(people(seeded(2), 200, 40))
	b.check(mlops.MonitorOK)
	b.capture(0)
	if r := b.check(mlops.MonitorNoData); !strings.Contains(r.Reason, "captures nothing any more; give it capture = {}") {
		t.Errorf("reason %q", r.Reason)
	}
	if err := b.Delete(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	b.watch(func(s *mlops.MonitorSpec) { s.Health = &mlops.HealthCheck{MaxErrorPercent: new(1.0)} })
}

// TestUpdateKeepsTheBaseline while that is the same, even when its source is gone;
// and looks at it with the eyes of the new checks.
func TestUpdateKeepsTheBaseline(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources(small)
	drifting := func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = &mlops.Baseline{Dataset: dataset}, &mlops.DriftCheck{}
	}
	b.watch(drifting)
	before := b.left()
	if err := os.Remove(filepath.Join(b.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	described := func(s *mlops.MonitorSpec) {
		drifting(s)
		s.Description = "changed"
	}
	if _, err := b.Update(t.Context(), monitor, spec(described)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, b.left()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if o := b.get(); o.Spec.Description != "changed" || o.Status.Baseline.Rows != 3 {
		t.Errorf("%+v", o)
	}
	_, err := b.Update(t.Context(), monitor, spec(func(s *mlops.MonitorSpec) {
		drifting(s)
		s.PredictionDrift = &mlops.DriftCheck{}
	}))
	wantError(t, err, mlops.Invalid, "prediction_drift", `no column "prediction"`)
	_, err = b.Update(t.Context(), monitor, spec(func(s *mlops.MonitorSpec) {
		drifting(s)
		s.Baseline.Features = []string{"age"}
	}))
	wantError(t, err, mlops.Invalid, "baseline", "cannot be read")
	if diff := cmp.Diff(before, b.left()); diff != "" {
		t.Errorf("files after refusals (-want +got):\n%s", diff)
	}
}

// TestUpdateTakesNewBytes of a dataset in, and forgets the old ones.
func TestUpdateTakesNewBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources(small)
	drifting := func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = &mlops.Baseline{Dataset: dataset}, &mlops.DriftCheck{}
	}
	b.watch(drifting)
	before := b.left()
	b.file("kept", small+"4,red,1,1\n")
	if _, err := b.Update(t.Context(), monitor, spec(func(s *mlops.MonitorSpec) {
		drifting(s)
		s.Description = "again"
	})); err != nil {
		t.Fatal(err)
	}
	after := b.left()
	if rows := b.get().Status.Baseline.Rows; rows != 4 || len(after) != 1 || after[0] == before[0] {
		t.Errorf("%d rows, in %v; before in %v", rows, after, before)
	}
}

// TestKilledWhileAccepting: what was not answered is taken back, and can be asked
// again.
func TestKilledWhileAccepting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources(small)
	drifting := spec(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = &mlops.Baseline{Dataset: dataset}, &mlops.DriftCheck{}
	})
	accept := func(s mlops.MonitorSpec) {
		if _, err := b.prepareBaseline(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, err := b.table.Accept(t.Context(), monitor, "us", s, nil); err != nil {
			t.Fatal(err)
		}
	}
	restart := func() {
		b = b.reopen()
		b.follow()()
	}
	accept(drifting)
	restart()
	if o := b.get(); o.Phase != mlops.PhaseFailed || o.Reason == "" {
		t.Errorf("%s: %q", o.Phase, o.Reason)
	}
	_, err := b.CheckNow(t.Context(), monitor)
	wantError(t, err, mlops.Conflict, "", "not in force")
	b.watch(func(s *mlops.MonitorSpec) { *s = drifting })

	changed := drifting
	changed.Baseline = &mlops.Baseline{Dataset: dataset, Features: []string{"age"}}
	accept(changed)
	restart()
	if o := b.get(); o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(drifting) || len(o.Status.Baseline.Features) != 4 {
		t.Errorf("%+v", o)
	}
	if left := b.left(); len(left) != 1 {
		t.Errorf("files %v, want the one baseline", left)
	}
	b.check(mlops.MonitorNoData)
}

// TestBaselineOfAnotherVersion is computed again from its bytes, also where only
// the file itself still knows where they are; and where they are gone or others,
// the check says so.
func TestBaselineOfAnotherVersion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		after func(b *bench, path string)
		want  mlops.MonitorState
		words string
	}{
		{"the bytes are there", func(*bench, string) {}, mlops.MonitorOK, ""},
		{"the bytes are others", func(b *bench, _ string) { b.file("baseline.csv", small) }, mlops.MonitorBroken, "its bytes have changed"},
		{"the bytes are gone", func(b *bench, path string) {
			if err := os.Remove(path); err != nil {
				b.t.Fatal(err)
			}
		}, mlops.MonitorBroken, "replace the monitor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.based(people(seeded(1), 500, 40))
			_, err := b.Create(api.WithFolder(t.Context(), b.dir), spec(func(s *mlops.MonitorSpec) {
				s.Baseline, s.DataDrift = &mlops.Baseline{URI: "./baseline.csv"}, &mlops.DriftCheck{}
			}))
			if err != nil {
				t.Fatal(err)
			}
			b.send(people(seeded(2), 200, 40))
			file := filepath.Join(b.dir, "environments", "dev", "monitors", b.left()[0])
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			other := bytes.Replace(text, []byte(`"version":1`), []byte(`"version":99`), 1)
			if bytes.Equal(text, other) {
				t.Fatalf("no version in %s", text)
			}
			if err := os.WriteFile(file, other, 0o600); err != nil {
				t.Fatal(err)
			}
			tt.after(b, filepath.Join(b.dir, "baseline.csv"))
			if r := b.check(tt.want); !strings.Contains(r.Reason, tt.words) {
				t.Errorf("reason %q", r.Reason)
			}
		})
	}
}

// TestDelete leaves nothing.
func TestDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = b.based(people(seeded(1), 100, 40)), &mlops.DriftCheck{}
		s.Alerts = &mlops.Alerts{WebhookURL: "http://127.0.0.1:9/secret", Mark: "m"}
	})
	b.send(people(seeded(2), 200, 90))
	b.check(mlops.MonitorViolated)
	if len(b.left()) != 2 {
		t.Errorf("files %v, want a baseline and a report", b.left())
	}
	if err := b.Delete(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	_, err := b.Get(t.Context(), monitor)
	wantError(t, err, mlops.NotFound, "")
	wantError(t, b.Delete(t.Context(), monitor), mlops.NotFound, "")
	if left := b.left(); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
	if a, err := b.store.Alerting(t.Context(), monitor); err != nil || a != (store.Alerting{}) {
		t.Errorf("%+v is left of alerts: %v", a, err)
	}
}

// TestWebhookIsSealed: its URL is in no answer and no file, and is kept over an
// update that only marks it.
func TestWebhookIsSealed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	healthy := func(url, mark, description string) mlops.MonitorSpec {
		return spec(func(s *mlops.MonitorSpec) {
			s.Health, s.Description = &mlops.HealthCheck{MinRequests: 1}, description
			s.Alerts = &mlops.Alerts{WebhookURL: url, Mark: mark, Emails: []string{}}
		})
	}
	const secretPath = "hooks/not-to-be-seen"
	if _, err := b.Create(t.Context(), healthy("http://127.0.0.1:9/"+secretPath, "m", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(t.Context(), monitor, healthy("", "m", "changed")); err != nil {
		t.Fatal(err)
	}
	kept, err := b.store.Alerting(t.Context(), monitor)
	if err != nil || kept.Webhook == "" {
		t.Fatalf("the webhook is not kept: %v", err)
	}
	_, err = b.Update(t.Context(), monitor, healthy("", "other", ""))
	wantError(t, err, mlops.Invalid, "alerts.webhook_url", "give it again")
	all, err := b.List(t.Context(), environment)
	if err != nil || len(all) != 1 || all[0].Spec.Alerts.Mark != "m" {
		t.Fatalf("%+v: %v", all, err)
	}
	shown, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(shown, []byte(secretPath)) {
		t.Errorf("the URL is in the answer %s", shown)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	wantNowhere(t, b.dir, secretPath)
}

// wantNowhere looks for a word in all files below a directory.
func wantNowhere(t *testing.T, dir, word string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if seen++; bytes.Contains(text, []byte(word)) {
			t.Errorf("%s has it", path)
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Fatal(fmt.Errorf("looked into %d files: %w", seen, err))
	}
}

// TestOwners: another configuration's monitor is not taken, nor its baseline
// touched.
func TestOwners(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources(small)
	drifting := spec(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = &mlops.Baseline{Dataset: dataset}, &mlops.DriftCheck{}
	})
	b.watch(func(s *mlops.MonitorSpec) { *s = drifting })
	before := b.left()
	drifting.Baseline = &mlops.Baseline{Dataset: dataset, Features: []string{"age"}}
	_, err := b.Create(api.WithOwner(t.Context(), "them"), drifting)
	wantError(t, err, mlops.AlreadyExists, "")
	if diff := cmp.Diff(before, b.left()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
