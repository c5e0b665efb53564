//go:build unix

package runner_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// family is shell that starts a child, a grandchild and one that leaves the
// process group, all of them with a mark on their command line, and goes on.
func family(mark string) string {
	const forever = `while :; do sleep 600; done`
	return `sh -c '` + forever + `' ` + mark + ` &
		sh -c 'sh -c "` + forever + `" ` + mark + ` & ` + forever + `' ` + mark + ` &
		setsid sh -c '` + forever + `' ` + mark + ` &
		touch ` + mark + `
		` + forever
}

func TestTimeoutEndsTheWholeFamily(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	mark := newMark(t)
	step := sh(family(mark))
	step.Timeout = mlops.Duration(2 * time.Second)
	e.addPipeline(map[string]mlops.Step{"slow": step})
	ref := e.create("1")
	eventually(t, "the family to be there", func() bool { return processes(t, mark) >= 5 })
	o := e.ended(ref)
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, `step "slow"`, "timeout of 2s")
	wantNoProcesses(t, mark)
}

func TestDeleteCancelsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	mark := newMark(t)
	e.addPipeline(map[string]mlops.Step{"slow": sh(family(mark))})
	ref := e.create("1")
	eventually(t, "the family to be there", func() bool { return processes(t, mark) >= 5 })
	if err := e.Delete(e.ctx, ref); err != nil {
		t.Fatal(err)
	}
	e.gone(ref)
	wantNoProcesses(t, mark)
	wantNoFiles(t, e)
	if err := e.Delete(e.ctx, ref); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("deleting what is gone is %v, want not found", err)
	}
}

func TestDeletionGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	o := e.run("1")
	if err := e.Close(e.ctx); err != nil {
		t.Fatal(err)
	}
	if err := e.Delete(e.ctx, o.Ref); err != nil {
		t.Fatal(err)
	}
	if o, err := e.Get(e.ctx, o.Ref); err != nil || o.Phase != mlops.PhaseDeleting {
		t.Fatalf("phase is %s (%v), want deleting", o.Phase, err)
	}
	again := prepareEngine(t, e.dir)
	again.start()
	again.gone(o.Ref)
	wantNoFiles(t, again)
}

func wantNoFiles(t *testing.T, e *engine) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(e.dir, "environments"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && (!d.IsDir() || d.Name() == "runs") {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func TestSuspendEndsProcessesAndResumes(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	mark := newMark(t)
	count := mark + ".count"
	e.addPipeline(map[string]mlops.Step{
		"slow": sh(note(count) + "test $(wc -l <" + count + ") -gt 1 || { " + family(mark) + "\n}"),
	})
	ref := e.create("1")
	eventually(t, "the family to be there", func() bool { return processes(t, mark+" ") >= 1 || processes(t, mark) >= 5 })
	if err := e.Suspend(e.ctx); err != nil {
		t.Fatal(err)
	}
	wantNoProcesses(t, mark)
	again := prepareEngine(t, e.dir)
	again.start()
	o := again.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	if got := o.Status.Steps["slow"].Attempt; got != 1 {
		t.Errorf("the step is at attempt %d: being suspended counts as none", got)
	}
}

func TestWhatASucceededStepLeavesBehindEndsWithTheRun(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	mark := newMark(t)
	e.addPipeline(map[string]mlops.Step{
		"leaky": sh(`setsid sh -c 'touch ` + mark + `; while :; do sleep 600; done' & ` + gate(mark)),
	})
	wantState(t, e.run("1"), mlops.RunSucceeded)
	wantNoProcesses(t, mark)
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	step := mlops.Step{Script: "import time\nhog = b'x' * (200 << 20)\ntime.sleep(600)\n"}
	step.Compute = &mlops.Compute{Memory: 100 << 20}
	e.addPipeline(map[string]mlops.Step{"hog": step})
	o := e.run("1")
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, "memory", "100Mi")
}
