package runner

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// decide skips a step whose conditions do not hold, or that needs one that was
// skipped, and fails one whose conditions cannot be decided. It reports whether it
// did. What was decided is a row of the store: the next engine does not ask again.
func (e *execution) decide(ctx context.Context, name string) (decided bool, err error) {
	at := e.get(name)
	if at.Attempt > 0 { // what has begun is carried through
		return false, nil
	}
	reason, err := e.plan.Pipeline.WhySkipped(name, e.graph.Needs(name), e.facts())
	switch {
	case err != nil:
		at.State, at.Reason = mlops.RunFailed, "was not started: "+err.Error()
	case reason != "":
		at.State, at.Reason = mlops.RunSkipped, reason
	default:
		return false, nil
	}
	at.FinishedAt = time.Now().UTC()
	return true, e.put(ctx, name, at)
}

// facts are what conditions are decided by.
func (e *execution) facts() mlops.RunFacts {
	f := mlops.RunFacts{Parameters: e.plan.Parameters, Metrics: map[string]map[string]float64{}, Skipped: map[string]bool{}}
	for name, step := range e.snapshot() {
		f.Metrics[name], f.Skipped[name] = step.Metrics, step.State == mlops.RunSkipped
	}
	return f
}
