package runner

import (
	"context"
	"math"

	"golang.org/x/sync/semaphore"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const milli = 1000 // CPUs are counted in thousandths

// limits bounds how many steps run at once, and how many CPUs they ask for.
type limits struct {
	steps *semaphore.Weighted
	cpu   *semaphore.Weighted // thousandths of a core
	cores int64               // capacity of cpu
}

func newLimits(steps, cores int) limits {
	capacity := int64(cores) * milli
	return limits{semaphore.NewWeighted(int64(steps)), semaphore.NewWeighted(capacity), capacity}
}

// acquire waits until a step with an ask may run, first within its run and then
// on the machine. A step that asks for more than the machine has runs alone
// among those that ask.
func (l limits) acquire(ctx context.Context, run *semaphore.Weighted, ask *mlops.Compute) (release func(), err error) {
	var taken []func()
	release = func() {
		for _, give := range taken {
			give()
		}
	}
	for _, want := range l.wants(run, ask) {
		if err := want.from.Acquire(ctx, want.n); err != nil {
			release()
			return nil, context.Cause(ctx)
		}
		taken = append(taken, func() { want.from.Release(want.n) })
	}
	return release, nil
}

type want struct {
	from *semaphore.Weighted
	n    int64
}

func (l limits) wants(run *semaphore.Weighted, ask *mlops.Compute) []want {
	w := []want{{run, 1}}
	if ask != nil && ask.CPU > 0 {
		w = append(w, want{l.cpu, min(l.cores, int64(math.Ceil(ask.CPU*milli)))})
	}
	return append(w, want{l.steps, 1})
}

// perRun is the limit of one run. Zero is none.
func perRun(parallelism int64) *semaphore.Weighted {
	if parallelism <= 0 {
		parallelism = math.MaxInt64
	}
	return semaphore.NewWeighted(parallelism)
}
