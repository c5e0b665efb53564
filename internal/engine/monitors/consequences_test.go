package monitors

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// phone is a webhook's receiver.
type phone struct {
	*httptest.Server

	mu   sync.Mutex
	told []alerts.Message
}

func newPhone(tb testing.TB) *phone {
	tb.Helper()
	p := &phone{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m alerts.Message
		if err != nil || json.Unmarshal(body, &m) != nil {
			tb.Errorf("posted %q (%v)", body, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, m)
	}))
	tb.Cleanup(p.Close)
	return p
}

// states are what was told so far.
func (p *phone) states() (out []mlops.MonitorState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.told {
		out = append(out, m.State)
	}
	return out
}

// ring delivers alerts until the test ends.
func (b *bench) ring() {
	b.t.Helper()
	if err := b.alerts.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := b.alerts.Close(context.WithoutCancel(b.t.Context())); err != nil {
			b.t.Error(err)
		}
	})
}

// delivered waits until no alert is waiting.
func (b *bench) delivered() {
	b.t.Helper()
	eventually(b.t, "all alerts are delivered", func() bool { return b.get().Status.Alerts.Pending == 0 })
}

// calls has a monitor of drift tell a receiver, and start the pipeline.
func (b *bench) calls(p *phone) func(s *mlops.MonitorSpec) {
	return func(s *mlops.MonitorSpec) {
		s.Baseline = b.based(people(seeded(1), 1000, 40))
		s.DataDrift = &mlops.DriftCheck{Statistic: "psi", Threshold: new(0.2)}
		s.Alerts = &mlops.Alerts{WebhookURL: p.URL + "/hush", Mark: "m1", Emails: []string{}}
		s.OnViolation = &mlops.OnViolation{Pipeline: pipeline, Parameters: map[string]string{"rows": "new"}}
	}
}

// serve sends rows through a gateway, and waits until they are captured.
func (b *bench) serve(t *testing.T, gateway string, rows []row) {
	t.Helper()
	instances := make([]string, len(rows))
	for i, r := range rows {
		instances[i] = fmt.Sprintf("[%g,%q]", r.age, r.colour)
	}
	post(t, gateway+"/dev/churn", `{"instances":[`+strings.Join(instances, ",")+`]}`)
	b.sent++
	eventually(t, "the request is captured", func() bool {
		ids, _ := b.readIDs(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		return len(strings.Fields(ids)) == b.sent
	})
}

// TestTheLoop: traffic that changes, through the real gateway, is reported, told
// once, and trained on once; when it is as before, that is told once, too.
func TestTheLoop(t *testing.T) {
	t.Parallel()
	b, p, random := newBench(t), newPhone(t), seeded(9)
	gateway, _ := b.throughGateway()
	b.watch(b.calls(p))
	b.ring()

	b.serve(t, gateway, people(random, 500, 40))
	b.check(mlops.MonitorOK)
	b.serve(t, gateway, people(random, 500, 70))
	report := b.check(mlops.MonitorViolated)
	b.check(mlops.MonitorViolated)
	b.delivered()
	if d := cmp.Diff([]mlops.MonitorState{mlops.MonitorViolated}, p.states()); d != "" {
		t.Fatalf("told (-want +got):\n%s", d)
	}
	wantSame(t, "the report that was told", report, *p.told[0].Report)
	wantSame(t, "the report on disk", report, onDisk(t, report.URI))
	b.wantStarted(t, report)
	b.endRun(b.get().Status.Retraining.LastRun, mlops.RunSucceeded, "")
	if got := b.get().Status.Retraining; got.State != mlops.RetrainingDone || got.ThisMonth != 1 {
		t.Errorf("retraining %+v", got)
	}

	for range 12 { // the change drowns in what is as before
		b.serve(t, gateway, people(random, 1000, 40))
	}
	b.check(mlops.MonitorOK)
	b.check(mlops.MonitorOK)
	b.delivered()
	if d := cmp.Diff([]mlops.MonitorState{mlops.MonitorViolated, mlops.MonitorOK}, p.states()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if s := b.get().Status; s.State != mlops.MonitorOK || !s.ToldAt.IsZero() || !s.LastViolated.After(report.At) || len(b.started) != 1 {
		t.Errorf("status %+v after %d runs", s, len(b.started))
	}
}

// wantStarted holds the runs to the one that a report starts.
func (b *bench) wantStarted(t *testing.T, report mlops.MonitorReport) {
	t.Helper()
	want := []mlops.PipelineRunSpec{{
		Pipeline: pipeline, Parameters: map[string]string{"rows": "new"}, Detached: true,
		Triggers: map[string]string{reportTrigger: report.At.Format(time.RFC3339Nano), "monitor": string(monitor)},
	}}
	if d := cmp.Diff(want, b.started); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
}

func wantSame(t *testing.T, what string, want, got mlops.MonitorReport) {
	t.Helper()
	if d := cmp.Diff(asJSON(t, want), asJSON(t, got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func onDisk(t *testing.T, uri string) (r mlops.MonitorReport) {
	t.Helper()
	path, err := artifact.Kept(uri)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDeadWebhookHoldsNoCheckUp: checks go on while nobody answers, and the status
// says that alerts wait, and why.
func TestDeadWebhookHoldsNoCheckUp(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), newPhone(t)
	p.Close()
	b.watch(func(s *mlops.MonitorSpec) {
		b.calls(p)(s)
		s.Alerts.Repeat = 1 // each check tells
	})
	b.ring()
	b.send(people(seeded(9), 300, 70))
	const checks = 5
	for range checks {
		b.check(mlops.MonitorViolated)
	}
	eventually(t, "the failure is shown", func() bool { return b.get().Status.Alerts.LastFail != "" })
	got := b.get().Status.Alerts
	host, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got.Pending != checks || !strings.Contains(got.LastFail, host.Host) || strings.Contains(got.LastFail, "hush") {
		t.Errorf("alerts %+v, want %d waiting for %s", got, checks, host.Host)
	}
}

// TestTells holds who hears of what to a table.
func TestTells(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	repeating := &mlops.Alerts{Repeat: mlops.Duration(time.Hour)}
	tests := []struct {
		name   string
		told   time.Time
		state  mlops.MonitorState
		alerts *mlops.Alerts
		want   bool
	}{
		{"it begins", time.Time{}, mlops.MonitorViolated, repeating, true},
		{"it lasts", now.Add(-time.Hour + 1), mlops.MonitorViolated, repeating, false},
		{"it lasts long", now.Add(-time.Hour), mlops.MonitorViolated, repeating, true},
		{"it lasts a day", now.Add(-defaultRepeat), mlops.MonitorViolated, &mlops.Alerts{}, true},
		{"it lasts less than a day", now.Add(1 - defaultRepeat), mlops.MonitorViolated, &mlops.Alerts{}, false},
		{"the clock was set back", now.Add(1), mlops.MonitorViolated, repeating, true},
		{"it ends", now.Add(-1), mlops.MonitorOK, repeating, true},
		{"it never was", time.Time{}, mlops.MonitorOK, repeating, false},
		{"too few rows meanwhile", now.Add(-2 * time.Hour), mlops.MonitorNoData, repeating, false},
		{"no check meanwhile", now.Add(-2 * time.Hour), mlops.MonitorBroken, repeating, false},
		{"nobody wants to know", time.Time{}, mlops.MonitorViolated, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := record{Spec: mlops.MonitorSpec{Alerts: tt.alerts}}
			r.Status.State, r.Status.LastReport = tt.state, &mlops.MonitorReport{At: now}
			if got := tells(mlops.MonitorStatus{ToldAt: tt.told}, r); got != tt.want {
				t.Errorf("told %t, want %t", got, tt.want)
			}
		})
	}
}

// TestRecoveryWithoutAlerts: a violation that is over while nobody is told is no
// news when somebody is again.
func TestRecoveryWithoutAlerts(t *testing.T) {
	t.Parallel()
	b, p := newBench(t), newPhone(t)
	told := b.calls(p)
	b.watch(told)
	b.ring()
	b.send(people(seeded(9), 300, 70))
	b.check(mlops.MonitorViolated)
	b.delivered()
	update := func(change func(*mlops.MonitorSpec)) {
		if _, err := b.Update(t.Context(), monitor, spec(change)); err != nil {
			t.Fatal(err)
		}
	}
	update(func(s *mlops.MonitorSpec) { told(s); s.Alerts = nil })
	b.forget()
	b.send(people(seeded(9), 300, 40))
	b.check(mlops.MonitorOK)
	update(told)
	b.check(mlops.MonitorOK)
	b.delivered()
	if d := cmp.Diff([]mlops.MonitorState{mlops.MonitorViolated}, p.states()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// byHealth is a monitor that reads no captures.
func byHealth(s *mlops.MonitorSpec) { *s = healthy(s.Schedule) }

// TestReportsOfOneMoment: two checks within a millisecond are two reports.
func TestReportsOfOneMoment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(byHealth)
	clock := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	b.now = func() time.Time { clock = clock.Add(time.Nanosecond); return clock }
	first, second := b.check(mlops.MonitorNoData), b.check(mlops.MonitorNoData)
	all, err := b.History(t.Context(), monitor)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(asJSON(t, []mlops.MonitorReport{first, second}), asJSON(t, all)); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}

// TestReportFromThePast: the newest report stays even where its time says that it
// is the oldest of many.
func TestReportFromThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(byHealth)
	dir, err := b.reports(t.Context(), monitor)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(24 * time.Hour).UTC()
	for i := range keptReports {
		name := later.Add(time.Duration(i)*time.Second).Format(reportTime) + ".json"
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := b.check(mlops.MonitorNoData)
	wantSame(t, "the newest report", report, onDisk(t, report.URI))
	names, err := reportNames(dir)
	if err != nil || len(names) != keptReports || names[1] != later.Add(time.Second).Format(reportTime)+".json" {
		t.Errorf("%d reports are kept (%v), the others from %s on", len(names), err, names[1])
	}
}

// TestClosingRedoesTheCheck: a check that the end of the engine interrupts is made
// by the next engine, and one that was made is not.
func TestClosingRedoesTheCheck(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(byHealth)
	clock := time.Date(2026, 3, 10, 12, 1, 0, 0, time.UTC)
	b.now = func() time.Time { return clock }
	b.lookNow() // the schedule counts from now on
	clock = clock.Add(10 * time.Minute)
	ctx, closing := context.WithCancel(t.Context())
	b.Asleep = func(context.Context, mlops.ID) (bool, error) { closing(); return false, nil }
	if err := b.look(ctx); err != nil {
		t.Fatal(err)
	}
	if r := b.get().Status.LastReport; r != nil {
		t.Fatalf("an interrupted check has a report: %+v", r)
	}
	next := b.reopen()
	next.now = b.now
	next.lookNow()
	next.lookNow()
	if all, err := next.History(t.Context(), monitor); err != nil || len(all) != 1 {
		t.Errorf("%d reports (%v), want one", len(all), err)
	}
}

// TestReadingEnds: the end of the engine does not wait for captures to be read.
func TestReadingEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send(people(seeded(1), 10, 40))
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	_, err := readCaptures(ctx, b.captureDir(), time.Now().Add(-time.Hour), func(checks.Captured) { read++; cancel() })
	if err == nil || read != 1 {
		t.Errorf("%d requests were read, error %v", read, err)
	}
}

// TestMonitorGoesWhileItIsLookedAt: that is no error.
func TestMonitorGoesWhileItIsLookedAt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(byHealth)
	r, err := b.table.Get(t.Context(), monitor)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	if err := b.fire(t.Context(), r, store.Followed{}, false); isTrouble(t.Context(), err) {
		t.Errorf("error %v", err)
	}
}

// TestLateTruthOfGroups: equal opportunity is judged by requests of before the
// window, too, where only their truth can be there by now.
func TestLateTruthOfGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const each = 40
	for i := range 2 * each { // all deserve it; of the blue ones every second gets it
		colour, said := "red", 1
		if i%2 == 1 {
			colour, said = "blue", i/2%2
		}
		id := fmt.Sprintf("old%d", i)
		b.write("capture.jsonl", line(id, time.Now().Add(-30*time.Hour), 200, fmt.Sprintf(`{"instances":[{"colour":%q}]}`, colour), fmt.Sprintf(`{"predictions":[%d]}`, said)))
		b.write("ground_truth.jsonl", label(id, "1"))
	}
	b.send(people(seeded(1), 100, 40)) // without names, and without truth
	b.watch(func(s *mlops.MonitorSpec) {
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"recall": 0.5}, Delay: mlops.Duration(8 * time.Hour)}
		s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: "equal_opportunity_difference", Threshold: 0.1}
	})
	r, err := b.CheckNow(t.Context(), monitor)
	if err != nil {
		t.Fatal(err)
	}
	if got := figure(t, r, "bias", "colour", "equal_opportunity_difference"); got.Value == nil || *got.Value != 0.5 || !got.Violated {
		t.Errorf("bias %+v", r.Checks["bias"])
	}
}
