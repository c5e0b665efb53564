package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	patience = time.Minute

	environment = mlops.ID("local/dev")
	endpoint    = mlops.ID("local/dev/endpoints/churn")
	monitor     = mlops.ID("local/dev/monitors/watch")
	pipeline    = mlops.ID("local/dev/pipelines/train")
)

// bench is a service over a directory, with an endpoint whose traffic the test
// makes up, and a pipeline whose runs it ends.
type bench struct {
	*Service

	t      testing.TB
	dir    string
	store  *store.Store
	alerts *alerts.Service

	asleep  bool
	minutes []gateway.Minute
	refuse  error // of starting a run
	started []mlops.PipelineRunSpec
	sent    int // requests so far
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := openBench(tb, tb.TempDir())
	put(b, b.store.Environments(), environment, mlops.EnvironmentSpec{ID: environment, Name: "dev", Stage: "dev"}, mlops.EnvironmentStatus{})
	put(b, b.store.Endpoints(), endpoint, capturing(100), mlops.ModelEndpointStatus{})
	put(b, b.store.Pipelines(), pipeline, mlops.PipelineSpec{Environment: environment, Name: "train"}, mlops.PipelineStatus{})
	return b
}

// openBench opens a directory as an engine does that starts.
func openBench(tb testing.TB, dir string) *bench {
	tb.Helper()
	b := &bench{t: tb, dir: dir}
	var err error
	if b.store, err = store.Open(tb.Context(), layout.Layout{Root: dir}.Database()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.store.Close() }) // closed already by tests of a restart
	keys, err := secret.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(tb.Output(), nil))
	b.alerts = alerts.New(alerts.Config{Store: b.store, Keys: keys, Log: log})
	b.Service = New(Config{
		Store: b.store, Layout: layout.Layout{Root: dir}, Alerts: b.alerts, Log: log,
		Minutes:  func(mlops.ID, time.Time) []gateway.Minute { return b.minutes },
		Asleep:   func(context.Context, mlops.ID) (bool, error) { return b.asleep, nil },
		StartRun: b.startRun,
	})
	return b
}

// reopen is what another engine finds after this one.
func (b *bench) reopen() *bench {
	b.t.Helper()
	if err := b.store.Close(); err != nil {
		b.t.Fatal(err)
	}
	return openBench(b.t, b.dir)
}

// follow follows the schedules until the test ends, or end is called.
func (b *bench) follow() (end func()) {
	b.t.Helper()
	if err := b.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	end = func() {
		if err := b.Close(context.WithoutCancel(b.t.Context())); err != nil {
			b.t.Error(err)
		}
	}
	b.t.Cleanup(end)
	return end
}

func put[S, T any](b *bench, table store.Table[S, T], id mlops.ID, spec S, status T) {
	b.t.Helper()
	r := store.Record[S, T]{ID: id, Spec: spec, Revision: mlops.DigestOf(spec), Status: status, Phase: mlops.PhaseReady}
	if err := table.Insert(b.t.Context(), r, nil); err != nil {
		b.t.Fatal(err)
	}
}

func capturing(percent int64) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{Environment: environment, Name: "churn", Capture: &mlops.Capture{SamplePercent: percent}}
}

// capture changes what the endpoint keeps.
func (b *bench) capture(percent int64) {
	b.t.Helper()
	_, err := b.store.Endpoints().Change(b.t.Context(), endpoint, func(_ *store.Tx, r *store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) error {
		r.Spec = capturing(percent)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// startRun makes a run that stays under way; the same request finds it again, as
// the runner's does.
func (b *bench) startRun(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	b.started = append(b.started, spec)
	if b.refuse != nil {
		return mlops.Change{}, b.refuse
	}
	id := spec.Pipeline.Child(mlops.NounPipelineRun, "r"+strings.TrimPrefix(mlops.DigestOf(spec.Triggers), "sha256:")[:12])
	r := store.Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
		ID: id, Spec: spec, Revision: "1", Phase: mlops.PhasePending, Status: mlops.PipelineRunStatus{State: mlops.RunRunning},
	}
	err := b.store.Runs().Insert(ctx, r, nil)
	if mlops.CodeOf(err) == mlops.AlreadyExists {
		err = nil
	}
	return mlops.Change{Ref: id}, err
}

// endRun ends a run, and has the service notice.
func (b *bench) endRun(run mlops.ID, state mlops.RunState, reason string) {
	b.t.Helper()
	_, err := b.store.Runs().Change(b.t.Context(), run, func(_ *store.Tx, r *store.Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]) error {
		r.Status.State, r.Reason = state, reason
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.lookNow()
}

func (b *bench) lookNow() {
	b.t.Helper()
	if err := b.look(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// spec is a monitor that looks at all that came in the last day.
func spec(change func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	s := mlops.MonitorSpec{Endpoint: endpoint, Name: "watch", Labels: map[string]string{}, Schedule: mlops.Schedule{Cron: "*/10 * * * *"}}
	change(&s)
	return s
}

// watch creates a monitor that must be ready.
func (b *bench) watch(change func(*mlops.MonitorSpec)) {
	b.t.Helper()
	if _, err := b.Create(api.WithOwner(b.t.Context(), "us"), spec(change)); err != nil {
		b.t.Fatal(err)
	}
	if o := b.get(); o.Phase != mlops.PhaseReady {
		b.t.Fatalf("%s: %s", o.Phase, o.Reason)
	}
}

func (b *bench) get() Observed {
	b.t.Helper()
	o, err := b.Get(b.t.Context(), monitor)
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

// check makes a check that must find a state.
func (b *bench) check(want mlops.MonitorState) mlops.MonitorReport {
	b.t.Helper()
	r, err := b.CheckNow(b.t.Context(), monitor)
	if err != nil {
		b.t.Fatal(err)
	}
	if r.State != want {
		b.t.Fatalf("%s because %q, want %s", r.State, r.Reason, want)
	}
	return r
}

// figure is one figure of a report; it must be there.
func figure(tb testing.TB, r mlops.MonitorReport, check, name, statistic string) mlops.FeatureReport {
	tb.Helper()
	for _, f := range r.Checks[check].Features {
		if f.Name == name && (statistic == "" || f.Statistic == statistic) {
			return f
		}
	}
	tb.Fatalf("%s has no %s of %s: %+v", check, statistic, name, r.Checks[check])
	return mlops.FeatureReport{}
}

// file writes a file beside the engine's own.
func (b *bench) file(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) captureDir() string {
	return layout.CaptureDir(filepath.Join(b.dir, "environments", "dev"), endpoint.Name())
}

// write appends to a file of the endpoint's captures.
func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(b.captureDir(), 0o700); err != nil {
		b.t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(b.captureDir(), name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err != nil || closing != nil {
		b.t.Fatal(err, closing)
	}
}

// line is a captured line as the gateway writes it: TestRealCaptures holds this
// to the real one.
func line(id string, at time.Time, status int, request, response string) string {
	return fmt.Sprintf(`{"time":%q,"request_id":%q,"endpoint":"churn","variant":"main","version":"v","status":%d,"latency_ms":1,"request":%s,"response":%s}`+"\n",
		at.UTC().Format(time.RFC3339Nano), id, status, request, response)
}

// send captures a request of one instance each, and its answer, as of now. Their
// ids are r1, r2 …
func (b *bench) send(rows []row) {
	b.t.Helper()
	var text strings.Builder
	for _, r := range rows {
		b.sent++
		text.WriteString(line(fmt.Sprintf("r%d", b.sent), time.Now().Add(-time.Millisecond), 200,
			fmt.Sprintf(`{"instances":[[%g,%q]]}`, r.age, r.colour), fmt.Sprintf(`{"predictions":[%d]}`, r.prediction)))
	}
	b.write(gateway.CaptureFile, text.String())
}

// forget begins a new window.
func (b *bench) forget() {
	b.t.Helper()
	if err := os.RemoveAll(b.captureDir()); err != nil {
		b.t.Fatal(err)
	}
}

// row is an instance of the tests' data, with its prediction.
type row struct {
	age        float64
	colour     string
	prediction int
}

// people draws rows whose mean age is given.
func people(r *rand.Rand, n int, mean float64) []row {
	rows := make([]row, n)
	for i := range rows {
		age := mean + 10*r.NormFloat64()
		rows[i] = row{age, []string{"red", "red", "green", "blue"}[r.IntN(4)], 0}
		if age > 40 { //nolint:mnd // the model
			rows[i].prediction = 1
		}
	}
	return rows
}

// lines are n pieces of text in one.
func lines(n int, one func(i int) string) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(one(i))
	}
	return out.String()
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// based writes rows as a baseline.
func (b *bench) based(rows []row) *mlops.Baseline {
	b.t.Helper()
	var text strings.Builder
	text.WriteString("age,colour,prediction\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "%g,%s,%d\n", r.age, r.colour, r.prediction)
	}
	return &mlops.Baseline{URI: b.file("baseline.csv", text.String())}
}

func asJSON(tb testing.TB, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// wantError holds an error to a code, the field at fault and words of its text.
func wantError(tb testing.TB, err error, code mlops.Code, field string, words ...string) {
	tb.Helper()
	if got := mlops.CodeOf(err); got != code {
		tb.Fatalf("code %q (%v), want %q", got, err, code)
	}
	if text := fmt.Sprint(err); field != "" && fieldOf(err) != field {
		tb.Errorf("field %q of %q, want %q", fieldOf(err), text, field)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			tb.Errorf("%q does not say %q", err, w)
		}
	}
}

// eventually polls until ok.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never happened: %s", what)
		}
	}
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		return e.Field
	}
	return ""
}

// forgetAlert takes an alert out of the queue, as if it had been delivered.
func (b *bench) forgetAlert(id string) {
	b.t.Helper()
	err := b.store.Write(b.t.Context(), func(tx *store.Tx) error {
		return tx.EndAlert(b.t.Context(), store.Alert{ID: id, Monitor: monitor}, time.Now(), "")
	})
	if err != nil {
		b.t.Fatal(err)
	}
}
