//go:build unix

package runner_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// BenchmarkThousandSteps measures what a step costs the engine itself: CPU time
// of this process, without that of the steps' own processes.
func BenchmarkThousandSteps(b *testing.B) {
	const steps = 1000
	e := newEngine(b)
	spec := mlops.PipelineSpec{Environment: environment, Name: "work", Steps: map[string]mlops.Step{}}
	for i := range steps {
		step := mlops.Step{Command: []string{"true"}, NoCache: true}
		if i >= 10 { // ten chains, side by side
			step.After = []string{fmt.Sprintf("s%03d", i-10)}
		}
		spec.Steps[fmt.Sprintf("s%03d", i)] = step
	}
	e.putPipeline(spec)
	n := 0
	before := cpuTime(b)
	for b.Loop() {
		n++
		o := e.run(strconv.Itoa(n))
		wantState(b, o, mlops.RunSucceeded)
	}
	used := cpuTime(b) - before
	b.ReportMetric(float64(used.Microseconds())/1000/float64(n*steps), "cpu-ms/step")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(n*steps), "ms/step")
}

func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
