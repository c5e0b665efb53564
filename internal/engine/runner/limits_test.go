//go:build unix

package runner_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// crowd makes a pipeline of steps that wait for a file, and waits until n of
// them run at once.
func crowd(t *testing.T, e *engine, spec mlops.PipelineSpec, steps, n int) {
	t.Helper()
	begun, open := filepath.Join(e.dir, "begun"), filepath.Join(e.dir, "open")
	step := sh(note(begun) + gate(open))
	if spec.Steps != nil {
		step.Compute = spec.Steps["like"].Compute
	}
	spec.Environment, spec.Name, spec.Steps = environment, "work", map[string]mlops.Step{}
	for i := range steps {
		step.NoCache = true
		spec.Steps[fmt.Sprintf("s%d", i)] = step
	}
	e.putPipeline(spec)
	ref := e.create("1")
	eventually(t, fmt.Sprintf("%d steps to run", n), func() bool { return lines(t, begun) >= n })
	o, err := e.Get(e.ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, s := range o.Status.Steps {
		if s.State == mlops.RunRunning {
			running++
		}
	}
	touch(t, open)
	o = e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	if running != n || mostAtOnce(o) != n {
		t.Errorf("%d steps ran, and %d at most, want %d", running, mostAtOnce(o), n)
	}
}

// mostAtOnce is how many steps of a run overlapped in time.
func mostAtOnce(o observed) int {
	most := 0
	for _, a := range o.Status.Steps {
		n := 0
		for _, b := range o.Status.Steps {
			if !b.StartedAt.After(a.StartedAt) && b.FinishedAt.After(a.StartedAt) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("of the pipeline", func(t *testing.T) {
		t.Parallel()
		crowd(t, newEngine(t), mlops.PipelineSpec{Parallelism: 2}, 5, 2)
	})
	t.Run("of the engine", func(t *testing.T) {
		t.Parallel()
		e := prepareEngine(t, t.TempDir())
		c := config(e.dir, e.store)
		c.Parallelism = 3
		e.Service = runner.New(c)
		e.start()
		crowd(t, e, mlops.PipelineSpec{}, 6, 3)
	})
	t.Run("of the machine's CPUs", func(t *testing.T) {
		t.Parallel()
		half := &mlops.Compute{CPU: float64(runtime.NumCPU()) / 2}
		crowd(t, newEngine(t), mlops.PipelineSpec{Steps: map[string]mlops.Step{"like": {Compute: half}}}, 4, 2)
	})
	t.Run("an ask beyond the machine", func(t *testing.T) {
		t.Parallel()
		huge := &mlops.Compute{CPU: 1000}
		crowd(t, newEngine(t), mlops.PipelineSpec{Steps: map[string]mlops.Step{"like": {Compute: huge}}}, 3, 1)
	})
}
