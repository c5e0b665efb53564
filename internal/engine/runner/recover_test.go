//go:build unix

package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// gate is shell that waits until a file is there.
func gate(file string) string { return "while ! test -e " + file + "; do sleep 0.05; done\n" }

func touch(t *testing.T, file string) {
	t.Helper()
	write(t, file, "")
}

func TestKilledEngineGoesOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		meanwhile func(t *testing.T, open string) // between the kill and the next engine
		attached  func(t *testing.T, open string) // while the next engine runs
	}{
		{"step still runs", func(*testing.T, string) {}, touch},
		{"step ended meanwhile", func(t *testing.T, open string) {
			t.Helper()
			touch(t, open)
			eventually(t, "the step's process to end", func() bool { return processes(t, open) == 0 })
		}, func(*testing.T, string) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := prepareEngine(t, t.TempDir()) // only to look: the child does the work
			first, second, open := filepath.Join(e.dir, "first"), filepath.Join(e.dir, "second"), filepath.Join(e.dir, "open")
			hold := sh(note(second)+gate(open)+`cp "$MLOPS_INPUT_WORD" "$MLOPS_OUTPUT_COPY"`, "copy")
			hold.Inputs = map[string]string{"word": "{{steps.begin.outputs.word}}"}
			last := sh("true")
			last.After = []string{"hold"}
			e.addPipeline(map[string]mlops.Step{
				"begin": sh(note(first)+`printf word >"$MLOPS_OUTPUT_WORD"`, "word"), "hold": hold, "last": last,
			})
			ref := e.create("1")
			killed := startChild(t, e.dir)
			e.running(ref, "hold")
			eventually(t, "the step to have begun", func() bool { return lines(t, second) == 1 })
			killed.kill()
			tt.meanwhile(t, open)
			startChild(t, e.dir)
			tt.attached(t, open)
			o := e.ended(ref)
			wantState(t, o, mlops.RunSucceeded)
			if got := output(t, o, "hold.copy"); got != "word" {
				t.Errorf("the output is %q", got)
			}
			for step, file := range map[string]string{"begin": first, "hold": second} {
				if n := lines(t, file); n != 1 || o.Status.Steps[step].Attempt != 1 {
					t.Errorf("step %s ran %d times, attempt %d; want once", step, n, o.Status.Steps[step].Attempt)
				}
			}
		})
	}
}

func TestEngineKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const steps, kills = 24, 8
	e := prepareEngine(t, t.TempDir())
	counts := t.TempDir()
	spec := map[string]mlops.Step{}
	for i := range steps {
		name := fmt.Sprintf("s%02d", i)
		step := sh(note(filepath.Join(counts, name)) + "sleep 0.1")
		if i >= 3 { // three chains
			step.After = []string{fmt.Sprintf("s%02d", i-3)}
		}
		spec[name] = step
	}
	e.addPipeline(spec)
	ref := e.create("1")
	for i := range kills {
		engine := startChild(t, e.dir)
		// At no moment in particular: after more and more steps have begun.
		eventually(t, "more steps to have begun", func() bool {
			begun, err := os.ReadDir(counts)
			return err == nil && len(begun) >= min(steps, 3*(i+1))
		})
		engine.kill()
	}
	startChild(t, e.dir)
	o := e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	for name, step := range o.Status.Steps {
		if n := lines(t, filepath.Join(counts, name)); n != 1 || step.Attempt != 1 {
			t.Errorf("step %s ran %d times, attempt %d; want once", name, n, step.Attempt)
		}
	}
}

func TestStepWithoutATraceIsStartedAgain(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	count, open := filepath.Join(e.dir, "count"), filepath.Join(e.dir, "open")
	e.addPipeline(map[string]mlops.Step{"hold": sh(note(count) + gate(open))})
	ref := e.create("1")
	killed := startChild(t, e.dir)
	eventually(t, "the step to have begun", func() bool { return lines(t, count) == 1 })
	killed.kill()
	killAll(t, open) // as a crash of the machine would, exit record and all
	touch(t, open)
	startChild(t, e.dir)
	o := e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	if n, attempt := lines(t, count), o.Status.Steps["hold"].Attempt; n != 2 || attempt != 1 {
		t.Errorf("the step ran %d times and is at attempt %d; want twice, as one attempt", n, attempt)
	}
}

func TestTimeoutGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	mark := newMark(t)
	step := sh(family(mark))
	step.Timeout = mlops.Duration(5 * time.Second)
	e.addPipeline(map[string]mlops.Step{"slow": step})
	ref := e.create("1")
	killed := startChild(t, e.dir)
	eventually(t, "the family to be there", func() bool { return processes(t, mark) >= 5 })
	begun := e.running(ref, "slow").Status.Steps["slow"].StartedAt
	killed.kill()
	startChild(t, e.dir)
	o := e.ended(ref)
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, "timeout of 5s")
	if got := o.Status.Steps["slow"].StartedAt; !got.Equal(begun) {
		t.Errorf("the clock of the timeout was set anew: %s, before %s", got, begun)
	}
	wantNoProcesses(t, mark)
}

func TestBackoffGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	count := filepath.Join(e.dir, "count")
	step := sh(note(count) + "test $(wc -l <" + count + ") -ge 3")
	step.Retry = &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(time.Second)}
	e.addPipeline(map[string]mlops.Step{"flaky": step})
	ref := e.create("1")
	killed := startChild(t, e.dir)
	waiting := e.until(ref, "the first attempt to fail", func(o observed) bool {
		s := o.Status.Steps["flaky"]
		return s.State == mlops.RunQueued && s.Attempt == 1
	})
	wantState(t, waiting, mlops.RunRunning)
	failed := waiting.Status.Steps["flaky"].FinishedAt
	killed.kill()
	startChild(t, e.dir)
	o := e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	if got := o.Status.Steps["flaky"].Attempt; got != 3 {
		t.Errorf("succeeded at attempt %d, want 3", got)
	}
	// One second before the second attempt, two before the third.
	if waited := o.Status.Steps["flaky"].StartedAt.Sub(failed); waited < 3*time.Second {
		t.Errorf("the third attempt began %s after the first, before its back-off was over", waited)
	}
}

func TestClosedEngineLeavesStepsRunning(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	count, open := filepath.Join(e.dir, "count"), filepath.Join(e.dir, "open")
	e.addPipeline(map[string]mlops.Step{"hold": sh(note(count) + gate(open))})
	ref := e.create("1")
	closed := startChild(t, e.dir)
	eventually(t, "the step to have begun", func() bool { return lines(t, count) == 1 })
	closed.end(syscall.SIGTERM)
	if processes(t, open) == 0 {
		t.Fatal("the step's process ended with the engine")
	}
	startChild(t, e.dir)
	touch(t, open)
	wantState(t, e.ended(ref), mlops.RunSucceeded)
	if n := lines(t, count); n != 1 {
		t.Errorf("the step ran %d times", n)
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	// A file where the run's directory should be: its steps cannot be started.
	runs := filepath.Join(e.dir, "environments/dev/runs")
	if err := os.MkdirAll(filepath.Dir(runs), 0o700); err != nil {
		t.Fatal(err)
	}
	touch(t, runs)
	o := e.run("1")
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, `step "quick" could not be started`, "not a directory")
}

func TestRunWaitsWhileTheStoreRefuses(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	e.exec("CREATE TRIGGER refuse BEFORE INSERT ON steps BEGIN SELECT RAISE(ABORT, 'no room'); END")
	ref := e.create("1")
	o := e.until(ref, "the trouble to be told", func(o observed) bool { return strings.Contains(o.Reason, "no room") })
	if o.Phase != mlops.PhasePending {
		t.Errorf("phase is %s: the engine's trouble is not the run's failure", o.Phase)
	}
	e.exec("DROP TRIGGER refuse")
	o = e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	if o.Reason != "" {
		t.Errorf("the reason stayed: %s", o.Reason)
	}
}

// exec runs a statement on the store itself.
func (e *engine) exec(statement string) {
	e.t.Helper()
	err := e.store.Write(e.t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(e.t.Context(), statement)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
}
