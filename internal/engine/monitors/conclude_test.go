package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// told returns the states in the queue of alerts, in order, and empties it.
func (b *bench) told() string {
	b.t.Helper()
	var states []string
	for {
		due, _, err := b.store.DueAlerts(b.t.Context(), time.Now().Add(time.Minute), time.Hour, 10)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(due) == 0 {
			return strings.Join(states, " ")
		}
		for _, a := range due {
			var m alerts.Message
			if err := json.Unmarshal([]byte(a.Payload), &m); err != nil {
				b.t.Fatal(err)
			}
			if m.Report == nil || m.Report.State != m.State || m.Text == "" {
				b.t.Errorf("an alert without its report: %s", a.Payload)
			}
			states = append(states, string(m.State))
			b.forgetAlert(a.ID)
		}
	}
}

// alerted watches the mean age, and tells a webhook.
func (b *bench) alerted(url string) {
	b.t.Helper()
	b.watch(func(s *mlops.MonitorSpec) {
		s.Window = mlops.Duration(5 * time.Minute)
		s.Baseline, s.DataDrift = b.based(people(seeded(4), 1000, 40)), &mlops.DriftCheck{}
		s.Alerts = &mlops.Alerts{WebhookURL: url, Mark: "m", Emails: []string{}}
	})
}

// TestStates goes through a day: each step is the traffic of ten minutes, and a
// check.
func TestStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.alerted("http://127.0.0.1:9/")
		start := time.Now()
		if s := b.get().Status; s.State != mlops.MonitorWaiting || !s.Since.Equal(start) || !s.NextCheck.After(start) {
			t.Errorf("%+v", s)
		}
		steps := []struct {
			what     string
			after    time.Duration
			rows     int
			mean     float64
			want     mlops.MonitorState
			told     string
			since    time.Duration // of the state, after the start
			violated time.Duration // last time, after the start; 0 is never
		}{
			{"too little traffic", 10 * time.Minute, 50, 40, mlops.MonitorNoData, "", 10 * time.Minute, 0},
			{"as ever", 10 * time.Minute, 300, 40, mlops.MonitorOK, "", 20 * time.Minute, 0},
			{"it moves", 10 * time.Minute, 300, 55, mlops.MonitorViolated, "violated", 30 * time.Minute, 30 * time.Minute},
			{"and stays so, which was told", 10 * time.Minute, 300, 55, mlops.MonitorViolated, "", 30 * time.Minute, 40 * time.Minute},
			{"silence is no recovery", 10 * time.Minute, 0, 0, mlops.MonitorNoData, "", 50 * time.Minute, 40 * time.Minute},
			{"nor is it news that it goes on", 10 * time.Minute, 300, 55, mlops.MonitorViolated, "", 60 * time.Minute, 60 * time.Minute},
			{"a day later it is told again", 24 * time.Hour, 300, 55, mlops.MonitorViolated, "violated", 60 * time.Minute, 25 * time.Hour},
			{"recovered", 10 * time.Minute, 300, 40, mlops.MonitorOK, "ok", 25*time.Hour + 10*time.Minute, 25 * time.Hour},
			{"which is told once", 10 * time.Minute, 300, 40, mlops.MonitorOK, "", 25*time.Hour + 10*time.Minute, 25 * time.Hour},
			{"another violation is news", 10 * time.Minute, 300, 25, mlops.MonitorViolated, "violated", 25*time.Hour + 30*time.Minute, 25*time.Hour + 30*time.Minute},
		}
		random := seeded(6)
		for _, step := range steps {
			time.Sleep(step.after)
			b.send(people(random, step.rows, step.mean))
			r := b.check(step.want)
			s := b.get().Status
			if got := b.told(); got != step.told {
				t.Errorf("%s: told %q, want %q", step.what, got, step.told)
			}
			if got := s.Since.Sub(start); got != step.since {
				t.Errorf("%s: %s since %s, want %s", step.what, s.State, got, step.since)
			}
			if got := s.LastViolated; got.IsZero() != (step.violated == 0) || !got.IsZero() && got.Sub(start) != step.violated {
				t.Errorf("%s: last violated at %s, want %s after the start", step.what, got, step.violated)
			}
			if diff := cmp.Diff(&r, s.LastReport); diff != "" {
				t.Errorf("%s: the status has another report (-want +got):\n%s", step.what, diff)
			}
		}
		kept, err := b.History(t.Context(), monitor)
		if err != nil || len(kept) != len(steps) {
			t.Fatalf("%d reports kept, want %d: %v", len(kept), len(steps), err)
		}
		for i, r := range kept {
			if r.State != steps[i].want {
				t.Errorf("report %d says %s", i, r.State)
			}
		}
	})
}

// TestRestartBeforeAlert: what an engine found is told by the one that comes next.
func TestRestartBeforeAlert(t *testing.T) {
	t.Parallel()
	got := make(chan alerts.Message, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m alerts.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		got <- m
	}))
	t.Cleanup(receiver.Close)
	b := newBench(t)
	b.alerted(receiver.URL)
	b.send(people(seeded(5), 300, 60))
	want := b.check(mlops.MonitorViolated)
	b = b.reopen()
	if err := b.alerts.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.alerts.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	m := <-got
	if diff := cmp.Diff(&want, m.Report); diff != "" || m.State != mlops.MonitorViolated || m.Endpoint != endpoint {
		t.Errorf("told %+v; report (-want +got):\n%s", m, diff)
	}
	eventually(t, "that it was sent is noted", func() bool { return !b.get().Status.Alerts.LastSent.IsZero() })
}

// TestChecksAtOnce are made one after the other, and tell once.
func TestChecksAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.alerted("http://127.0.0.1:9/")
	b.send(people(seeded(5), 300, 60))
	const checks = 8
	var all sync.WaitGroup
	for range checks {
		all.Go(func() {
			if _, err := b.CheckNow(t.Context(), monitor); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := b.told(); got != "violated" {
		t.Errorf("told %q", got)
	}
	if kept, err := b.History(t.Context(), monitor); err != nil || len(kept) != checks {
		t.Errorf("%d reports of %d checks: %v", len(kept), checks, err)
	}
}

// TestReports: each is a file, the oldest go, and a damaged one hides no other.
func TestReports(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) { s.Health = &mlops.HealthCheck{MaxErrorPercent: new(1.0)} })
	r := b.check(mlops.MonitorNoData)
	path := strings.TrimPrefix(r.URI, "file://")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept mlops.MonitorReport
	if err := json.Unmarshal(text, &kept); err != nil || !cmp.Equal(kept, r) {
		t.Errorf("the file has another report (%v): %s", err, cmp.Diff(r, kept))
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "20000101T000000.000000000Z.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range keptReports {
		name := old.Add(time.Duration(i)*time.Second).Format(reportTime) + ".json"
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(`{"reason":"old"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.check(mlops.MonitorNoData)
	names, err := reportNames(filepath.Dir(path))
	if err != nil || len(names) != keptReports || names[0] != old.Add(2*time.Second).Format(reportTime)+".json" {
		t.Errorf("%d reports are kept, from %s: %v", len(names), names[0], err)
	}
	shown, err := b.History(t.Context(), monitor)
	if err != nil || len(shown) != shownReports || !shown[shownReports-1].At.After(r.At) {
		t.Errorf("%d reports shown: %v", len(shown), err)
	}
}

// TestOneTrouble: what cannot be read breaks the checks that need it, and not the
// others; what is violated is the state.
func TestOneTrouble(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = b.based(people(seeded(4), 1000, 40)), &mlops.DriftCheck{}
		s.Health = &mlops.HealthCheck{MaxErrorPercent: new(1.0)}
	})
	if err := os.MkdirAll(filepath.Join(b.captureDir(), "capture.jsonl"), 0o700); err != nil { // a folder is no file
		t.Fatal(err)
	}
	b.minutes = minutes(100, 50, 10)
	r := b.check(mlops.MonitorViolated)
	if got := r.Checks["data_drift"]; got.State != mlops.MonitorBroken || !strings.Contains(got.Reason, "the check could not be made") {
		t.Errorf("%+v", got)
	}
	if r.Checks["health"].State != mlops.MonitorViolated || strings.Contains(r.Reason, "could not be made") {
		t.Errorf("%+v", r)
	}
	b.minutes = minutes(100, 0, 10)
	b.check(mlops.MonitorBroken)
}

// TestRetrainingByCheck: a violated check starts the pipeline, in the same
// transaction as its report; health alone does not.
func TestRetrainingByCheck(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = b.based(people(seeded(4), 1000, 40)), &mlops.DriftCheck{}
		s.Health = &mlops.HealthCheck{MaxErrorPercent: new(1.0)}
		s.OnViolation = &mlops.OnViolation{Pipeline: pipeline, Parameters: map[string]string{"a": "b"}}
	})
	b.minutes = minutes(100, 50, 10)
	b.check(mlops.MonitorViolated)
	if len(b.started) != 0 {
		t.Fatal("health started the pipeline")
	}
	b.send(people(seeded(5), 300, 60))
	r := b.check(mlops.MonitorViolated)
	if len(b.started) != 1 || b.started[0].Triggers[reportTrigger] != r.At.Format(time.RFC3339Nano) {
		t.Fatalf("started %+v for the report of %s", b.started, r.At)
	}
	run := b.get().Status.Retraining
	if run.State != mlops.RetrainingRunning || run.LastRun == "" || run.ThisMonth != 1 {
		t.Fatalf("%+v", run)
	}
	b.endRun(run.LastRun, mlops.RunFailed, "no memory")
	got := b.get().Status.Retraining
	if got.State != mlops.RetrainingFailed || !strings.Contains(got.Reason, "no memory") || got.NextAllowed.IsZero() {
		t.Errorf("%+v", got)
	}
	b.check(mlops.MonitorViolated)
	if len(b.started) != 1 {
		t.Error("the cooldown does not count after a failure")
	}
}

// TestRestartBeforeRun: a run that was decided on and not started is started by
// the engine that comes next, for the same report.
func TestRestartBeforeRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = b.based(people(seeded(4), 1000, 40)), &mlops.DriftCheck{}
		s.OnViolation = &mlops.OnViolation{Pipeline: pipeline, Parameters: map[string]string{}}
	})
	b.send(people(seeded(5), 300, 60))
	ctx, kill := context.WithCancel(t.Context())
	b.StartRun = func(context.Context, mlops.PipelineRunSpec) (mlops.Change, error) {
		kill()
		return mlops.Change{}, errors.New("killed")
	}
	report, err := b.CheckNow(ctx, monitor)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b = b.reopen()
	b.lookNow()
	if len(b.started) != 1 || b.started[0].Triggers[reportTrigger] != report.At.Format(time.RFC3339Nano) {
		t.Fatalf("started %+v", b.started)
	}
	if r := b.get().Status.Retraining; r.LastRun == "" || r.ThisMonth != 1 || r.State != mlops.RetrainingRunning {
		t.Errorf("%+v", r)
	}
}

// TestClosingFindsNothing: a check that the engine's end cuts short has no report.
func TestClosingFindsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.alerted("http://127.0.0.1:9/")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.CheckNow(ctx, monitor); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := b.get().Status; s.State != mlops.MonitorWaiting {
		t.Errorf("%s", fmt.Sprint(s))
	}
}
