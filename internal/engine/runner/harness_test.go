//go:build unix

package runner_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	environment = mlops.ID("local/dev")
	pipeline    = mlops.ID("local/dev/pipelines/work")
	owner       = "tests"
	patience    = 60 * time.Second // a loaded machine may be slow; no test passes because of it
)

type observed = mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

// engine is a service on a directory of its own.
type engine struct {
	*runner.Service

	t     testing.TB
	ctx   context.Context
	dir   string
	store *store.Store
}

// newEngine returns a started service, which ends with the test.
func newEngine(tb testing.TB) *engine {
	tb.Helper()
	e := prepareEngine(tb, tb.TempDir())
	e.start()
	return e
}

// prepareEngine opens the store of a directory and makes the service on it.
func prepareEngine(tb testing.TB, dir string) *engine {
	tb.Helper()
	s, err := store.Open(tb.Context(), layout.Layout{Root: dir}.Database())
	if err != nil {
		tb.Fatal(err)
	}
	e := &engine{t: tb, ctx: api.WithOwner(tb.Context(), owner), dir: dir, store: s}
	e.Service = runner.New(config(dir, s))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Suspend(ctx); err != nil {
			tb.Errorf("suspend: %v", err)
		}
		if err := s.Close(); err != nil {
			tb.Errorf("close the store: %v", err)
		}
	})
	e.addEnvironment()
	return e
}

func config(dir string, s *store.Store) runner.Config {
	log := slog.New(slog.DiscardHandler)
	return runner.Config{
		Store: s, Layout: layout.Layout{Root: dir}, Python: pyenv.New("", filepath.Join(dir, "venvs"), log), Log: log, Version: "test",
	}
}

func (e *engine) start() {
	e.t.Helper()
	if err := e.Start(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

func (e *engine) addEnvironment() {
	e.t.Helper()
	spec := mlops.EnvironmentSpec{ID: environment, Name: "dev", Stage: "dev"}
	put(e, e.store.Environments(), environment, spec)
}

// addPipeline stores a pipeline of these steps.
func (e *engine) addPipeline(steps map[string]mlops.Step) {
	e.t.Helper()
	e.putPipeline(mlops.PipelineSpec{Environment: environment, Name: "work", Steps: steps})
}

func (e *engine) putPipeline(spec mlops.PipelineSpec) {
	e.t.Helper()
	if err := mlops.Check(spec); err != nil {
		e.t.Fatal(err)
	}
	put(e, e.store.Pipelines(), spec.ID(), spec)
	e.PipelinesChanged()
}

func put[S, T any](e *engine, table store.Table[S, T], id mlops.ID, spec S) {
	e.t.Helper()
	if _, err := table.Accept(e.t.Context(), id, owner, spec, nil); err != nil {
		e.t.Fatal(err)
	}
	_, err := table.Change(e.t.Context(), id, func(_ *store.Tx, r *store.Record[S, T]) error {
		r.Settle()
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// create starts a run with a trigger, which makes it another request.
func (e *engine) create(trigger string) mlops.ID {
	e.t.Helper()
	change, err := e.Create(e.ctx, request(trigger))
	if err != nil {
		e.t.Fatal(err)
	}
	return change.Ref
}

func request(trigger string) mlops.PipelineRunSpec {
	return mlops.PipelineRunSpec{Pipeline: pipeline, Parameters: map[string]string{}, Triggers: map[string]string{"test": trigger}}
}

// run starts a run and waits for its end.
func (e *engine) run(trigger string) observed {
	e.t.Helper()
	return e.ended(e.create(trigger))
}

// ended waits for the end of a run.
func (e *engine) ended(ref mlops.ID) observed {
	e.t.Helper()
	return e.until(ref, "the end of the run", func(o observed) bool { return o.Status.State.Ended() })
}

// running waits until a step of a run runs.
func (e *engine) running(ref mlops.ID, step string) observed {
	e.t.Helper()
	return e.until(ref, step+" to run", func(o observed) bool { return o.Status.Steps[step].State == mlops.RunRunning })
}

func (e *engine) until(ref mlops.ID, what string, is func(observed) bool) observed {
	e.t.Helper()
	var last observed
	eventually(e.t, what, func() bool {
		o, err := e.Get(e.t.Context(), ref)
		if err != nil {
			e.t.Fatal(err)
		}
		last = o
		return is(o)
	})
	return last
}

// gone waits until a run is gone.
func (e *engine) gone(ref mlops.ID) {
	e.t.Helper()
	eventually(e.t, string(ref)+" to be gone", func() bool {
		_, err := e.Get(e.t.Context(), ref)
		return mlops.CodeOf(err) == mlops.NotFound
	})
}

// eventually polls until something holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	tb.Fatalf("waited %s in vain for %s", patience, what)
}

func wantState(tb testing.TB, o observed, want mlops.RunState) {
	tb.Helper()
	if o.Status.State != want {
		tb.Fatalf("run is %s, want %s; reason: %s", o.Status.State, want, o.Reason)
	}
}

func wantReason(t *testing.T, o observed, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(o.Reason, w) {
			t.Errorf("the reason lacks %q:\n%s", w, o.Reason)
		}
	}
}

// sh is a step that runs a shell script.
func sh(script string, outputs ...string) mlops.Step {
	return mlops.Step{Command: []string{"/bin/sh", "-c", script}, Outputs: outputs}
}

// note is shell that leaves a line in a file, to count how often a step ran.
func note(file string) string { return fmt.Sprintf("echo ran >>%s\n", file) }

func lines(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

// output reads what a run put out.
func output(t *testing.T, o observed, name string) string {
	t.Helper()
	path, ok := strings.CutPrefix(o.Status.Outputs[name], "file://")
	if !ok {
		t.Fatalf("the run has no output %q, only %v", name, o.Status.Outputs)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
