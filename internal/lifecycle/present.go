package lifecycle

import (
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// presented is an object as callers get to see it.
func presented[Spec, Status any](seen mlops.Observed[Spec, Status]) mlops.Observed[Spec, Status] {
	e, ok := any(seen).(endpointSeen)
	if !ok || e.Spec.Transition == nil {
		return seen
	}
	out, _ := any(present(e)).(mlops.Observed[Spec, Status])
	return out
}

// present shows an endpoint in the middle of a rollout that is driven from here:
// with the variants that the user had, so that a plan shows the change, and with
// how far the rollout is. What really serves is in the status.
func present(seen endpointSeen) endpointSeen {
	left := seen.Spec.Transition
	if left == nil {
		return seen
	}
	stages := seen.Spec.Rollout.Stages()
	step := max(min(int(left.Step), len(stages)-1), 0)
	seen.Spec.Variants, seen.Spec.Transition = left.From, nil
	if len(stages) == 0 {
		seen.Reason = "a rollout was interrupted"
		return seen
	}
	title := titleOf(seen.Spec.Rollout, stages, step)
	seen.Reason = fmt.Sprintf("a rollout is at %s: unless another apply drives it, it was interrupted there, and the next apply goes on, or goes back", title)
	seen.Status.Rollout = &mlops.RolloutStatus{
		Revision: seen.Revision, Strategy: seen.Spec.Rollout.Strategy, State: mlops.RolloutRunning,
		Step: int64(step) + 1, Steps: int64(len(stages)), Percent: stages[step],
		Candidate: map[string]mlops.Serving{}, Reason: seen.Reason,
	}
	for _, name := range mixtureOf(left.From, left.To).fresh() {
		seen.Status.Rollout.Candidate[name] = seen.Status.Serving[name]
	}
	return seen
}
