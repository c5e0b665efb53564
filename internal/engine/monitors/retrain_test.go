package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	retrainPipeline mlops.ID = "local/dev/pipelines/train"
	retrainMonitor  mlops.ID = "local/dev/monitors/drift"
	retrainedRun    mlops.ID = "local/dev/pipelines/train/runs/r-1"
)

// retraining is a service with one monitor that starts a pipeline, and what was
// asked of the runner.
type retraining struct {
	*Service

	asked []mlops.PipelineRunSpec
	fail  error
	clock time.Time
}

func newRetraining(t *testing.T) *retraining {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(dir, "engine.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	keys, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r := &retraining{clock: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	r.Service = New(Config{Store: st, Log: log, Alerts: alerts.New(alerts.Config{Store: st, Keys: keys, Log: log}), StartRun: r.start})
	r.now = func() time.Time { return r.clock }
	r.put(t)
	return r
}

// put writes the monitor as if it had been accepted.
func (r *retraining) put(t *testing.T) {
	t.Helper()
	spec := mlops.MonitorSpec{
		Endpoint: "local/dev/endpoints/churn", Name: "drift",
		Alerts:      &mlops.Alerts{Mark: "m", Emails: []string{}},
		OnViolation: &mlops.OnViolation{Pipeline: retrainPipeline, Parameters: map[string]string{"rows": "all"}, Cooldown: mlops.Duration(time.Hour)},
	}
	if _, err := r.table.Accept(t.Context(), retrainMonitor, "us", spec, nil); err != nil {
		t.Fatal(err)
	}
	_, err := r.table.Change(t.Context(), retrainMonitor, func(_ *store.Tx, m *record) error {
		m.Settle()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *retraining) start(_ context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	r.asked = append(r.asked, spec)
	return mlops.Change{Ref: retrainedRun}, r.fail
}

// violate has a check find a violation now.
func (r *retraining) violate(ctx context.Context, t *testing.T) error {
	t.Helper()
	report := mlops.MonitorReport{
		Monitor: retrainMonitor, At: r.clock, State: mlops.MonitorViolated,
		Checks: map[string]mlops.CheckReport{"data_drift": {State: mlops.MonitorViolated}},
	}
	m, err := r.table.Change(context.WithoutCancel(ctx), retrainMonitor, func(_ *store.Tx, m *record) error {
		m.Status.State, m.Status.LastReport = mlops.MonitorViolated, &report
		decideRetraining(m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.watchRun(ctx, m)
}

func (r *retraining) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *retraining) status(t *testing.T) mlops.Retraining {
	t.Helper()
	m, err := r.table.Get(t.Context(), retrainMonitor)
	if err != nil {
		t.Fatal(err)
	}
	return m.Status.Retraining
}

// watch takes one look at the run.
func (r *retraining) watch(t *testing.T) {
	t.Helper()
	m, err := r.table.Get(t.Context(), retrainMonitor)
	if err != nil {
		t.Fatal(err)
	}
	r.must(t, r.watchRun(t.Context(), m))
}

// end has the run end.
func (r *retraining) end(t *testing.T, state mlops.RunState, reason string) {
	t.Helper()
	r.must(t, r.Store.Write(t.Context(), func(tx *store.Tx) error {
		return r.Store.Runs().PutTx(t.Context(), tx, store.Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
			ID: retrainedRun, Spec: mlops.PipelineRunSpec{Pipeline: retrainPipeline}, Reason: reason, Phase: mlops.PhaseReady,
			Status: mlops.PipelineRunStatus{Run: "r-1", State: state}, Created: r.clock,
		})
	}))
}

// told returns the messages in the queue.
func (r *retraining) told(t *testing.T) (out []alerts.Message) {
	t.Helper()
	due, _, err := r.Store.DueAlerts(t.Context(), time.Now().Add(time.Hour), time.Hour, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range due {
		var m alerts.Message
		r.must(t, json.Unmarshal([]byte(a.Payload), &m))
		m.ID = ""
		out = append(out, m)
	}
	return out
}

func TestViolationStartsOneRun(t *testing.T) {
	t.Parallel()
	r := newRetraining(t)
	r.must(t, r.violate(t.Context(), t))
	want := []mlops.PipelineRunSpec{{
		Pipeline: retrainPipeline, Parameters: map[string]string{"rows": "all"}, Detached: true,
		Triggers: map[string]string{"monitor": string(retrainMonitor), reportTrigger: "2026-03-10T12:00:00Z"},
	}}
	if d := cmp.Diff(want, r.asked); d != "" {
		t.Fatalf("asked for (-want +got):\n%s", d)
	}
	if d := cmp.Diff(mlops.Retraining{State: mlops.RetrainingRunning, LastRun: retrainedRun, LastAt: r.clock, ThisMonth: 1}, r.status(t)); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
	for range 3 {
		r.clock = r.clock.Add(2 * time.Hour) // the cooldown is over, the run is not
		r.end(t, mlops.RunRunning, "")
		r.watch(t)
		r.must(t, r.violate(t.Context(), t))
	}
	if len(r.asked) != 1 {
		t.Errorf("%d runs at once", len(r.asked))
	}
	r.end(t, mlops.RunSucceeded, "")
	r.watch(t)
	if got := r.status(t).State; got != mlops.RetrainingDone {
		t.Errorf("state %s after success", got)
	}
	r.must(t, r.violate(t.Context(), t))
	if len(r.asked) != 2 {
		t.Errorf("%d runs, want another", len(r.asked))
	}
	if told := r.told(t); len(told) != 0 {
		t.Errorf("told %v, and nothing failed", told)
	}
}

// TestFailedRetraining: it is told, it shows, and it is not begun again before
// the cooldown is over.
func TestFailedRetraining(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fail func(t *testing.T, r *retraining)
		want string
	}{
		{"the run failed", func(t *testing.T, r *retraining) {
			t.Helper()
			r.must(t, r.violate(t.Context(), t))
			r.end(t, mlops.RunFailed, `step "train" failed: exit status 3`)
			r.watch(t)
		}, `the run failed: step "train" failed: exit status 3`},
		{"the run was removed", func(t *testing.T, r *retraining) {
			t.Helper()
			r.must(t, r.violate(t.Context(), t))
			r.watch(t)
		}, "the run was removed"},
		{"no run could be started", func(t *testing.T, r *retraining) {
			t.Helper()
			r.fail = mlops.NewError(mlops.Invalid, errors.New("the pipeline needs a parameter"))
			r.must(t, r.violate(t.Context(), t))
		}, "the pipeline could not be started: the pipeline needs a parameter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRetraining(t)
			tt.fail(t, r)
			if got := r.status(t); got.State != mlops.RetrainingFailed || got.Reason != tt.want {
				t.Fatalf("status %+v, want the reason %q", got, tt.want)
			}
			told := r.told(t)
			if len(told) != 1 || told[0].Retraining == nil || told[0].Retraining.State != mlops.RetrainingFailed {
				t.Fatalf("told %+v, want one failure", told)
			}
			text := "Retraining for local/dev/monitors/drift of local/dev/endpoints/churn failed: " + tt.want + ".\nNot started again before 2026-03-10T13:00:00Z."
			if told[0].Text != text {
				t.Errorf("text %q, want %q", told[0].Text, text)
			}
			for range 5 {
				r.clock = r.clock.Add(10 * time.Minute)
				r.must(t, r.violate(t.Context(), t))
				r.watch(t)
			}
			if len(r.asked) != 1 || len(r.told(t)) != 1 {
				t.Errorf("%d runs and %d alerts within the cooldown, want one each", len(r.asked), len(r.told(t)))
			}
			r.clock = r.clock.Add(10 * time.Minute)
			r.must(t, r.violate(t.Context(), t))
			if len(r.asked) != 2 {
				t.Errorf("%d runs after the cooldown, want two", len(r.asked))
			}
		})
	}
}

// TestCrashBeforeTheRun: an engine that ends between the start and its run leaves
// it to the next one, which asks for the very same run, and the start counts once.
func TestCrashBeforeTheRun(t *testing.T) {
	t.Parallel()
	r := newRetraining(t)
	ctx, crash := context.WithCancel(t.Context())
	start := r.StartRun
	r.StartRun = func(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
		crash()
		return start(ctx, spec)
	}
	if err := r.violate(ctx, t); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	r.StartRun = start
	r.watch(t)
	if len(r.asked) != 2 || !cmp.Equal(r.asked[0], r.asked[1]) {
		t.Fatalf("asked for %v, want the same twice", r.asked)
	}
	if d := cmp.Diff(mlops.Retraining{State: mlops.RetrainingRunning, LastRun: retrainedRun, LastAt: r.clock, ThisMonth: 1}, r.status(t)); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
}

// TestOnViolationTakenAway: a start whose pipeline nobody wants any more ends.
func TestOnViolationTakenAway(t *testing.T) {
	t.Parallel()
	r := newRetraining(t)
	_, err := r.table.Change(t.Context(), retrainMonitor, func(_ *store.Tx, m *record) error {
		m.Spec.OnViolation = nil
		m.Status.Retraining = mlops.Retraining{State: mlops.RetrainingRunning, LastAt: r.clock, ThisMonth: 1}
		return nil
	})
	r.must(t, err)
	r.watch(t)
	if got := r.status(t); got.State != mlops.RetrainingFailed || len(r.asked) != 0 {
		t.Errorf("status %+v, %d runs", got, len(r.asked))
	}
}

// TestEmailsNeedAMailServer: a monitor that could tell nobody is refused when it
// is made, with what to do.
func TestEmailsNeedAMailServer(t *testing.T) {
	t.Parallel()
	r := newRetraining(t)
	spec := mlops.MonitorSpec{
		Endpoint: "local/dev/endpoints/churn", Name: "health", Schedule: mlops.Schedule{Cron: "0 * * * *"},
		Health: &mlops.HealthCheck{MinRequests: 1}, Alerts: &mlops.Alerts{Emails: []string{"ada@example.com"}},
	}
	field := func() string {
		_, err := r.Create(t.Context(), spec)
		refusal, ok := errors.AsType[*mlops.Error](err)
		if !ok || refusal.Code != mlops.Invalid {
			t.Fatalf("error %v, want it refused", err)
		}
		return refusal.Field + ": " + refusal.Err.Error()
	}
	if got := field(); !strings.HasPrefix(got, "alerts.emails: ") || !strings.Contains(got, "smtp_url") || !strings.Contains(got, "MLOPS_SMTP_URL") {
		t.Errorf("refused for %q", got)
	}
	r.must(t, r.Alerts.SetMailServer(t.Context(), "smtp://mail.example.com?from=mlops@example.com"))
	if got := field(); !strings.HasPrefix(got, "endpoint: ") { // which is not there
		t.Errorf("with a mail server, refused for %q", got)
	}
}
