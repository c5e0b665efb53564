package kubernetes

import (
	"cmp"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// nodeSkipped is the type of nodes of steps that were not started: by a condition that
// does not hold, or cannot be decided, or for a step that they need.
const nodeSkipped = "Skipped"

// conditions are what a run remembers of its pipeline's, in a spec that can decide
// them.
func (p runPipeline) conditions() mlops.PipelineSpec {
	spec := mlops.PipelineSpec{Parameters: map[string]mlops.Parameter{}, Steps: map[string]mlops.Step{}}
	for name, kind := range p.Types {
		spec.Parameters[name] = mlops.Parameter{Type: kind}
	}
	for name, s := range p.Steps {
		spec.Steps[name] = mlops.Step{When: s.When}
	}
	return spec
}

// decide decides the conditions of a step again, by what the run has: Argo tells how
// it ended and not of which values.
func (r seenRun) decide(step string, nodes map[string]nodeStatus) (reason string, err error) {
	f := mlops.RunFacts{Parameters: r.facts.Values, Metrics: map[string]map[string]float64{}}
	for name, n := range nodes {
		if f.Metrics[name], err = metricsOf(n); err != nil {
			return "", err
		}
	}
	return r.facts.Pipeline.conditions().WhySkipped(step, nil, f)
}

// skipped tells why steps were skipped, by step. Argo omits what comes after a skipped
// step, and what comes after one that failed, which is not skipped.
func (r seenRun) skipped(nodes map[string]nodeStatus) map[string]string {
	out, names := map[string]string{}, slices.Sorted(maps.Keys(nodes))
	var queue []string
	for _, name := range names {
		if n := nodes[name]; n.Phase == phaseSkipped {
			reason, _ := r.decide(name, nodes) // Argo could
			out[name] = cmp.Or(reason, n.Message)
			queue = append(queue, name)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		behind := nodes[queue[0]].Children
		for _, name := range names {
			n := nodes[name]
			if _, known := out[name]; known || n.Phase != phaseOmitted || !slices.Contains(behind, n.ID) {
				continue
			}
			out[name], _ = mlops.PipelineSpec{}.WhySkipped(name, queue[:1], mlops.RunFacts{Skipped: map[string]bool{queue[0]: true}})
			queue = append(queue, name)
		}
	}
	return out
}

// undecided is why a step's conditions could not be decided, "" of any other step.
func (r seenRun) undecided(step string, nodes map[string]nodeStatus) string {
	if n := nodes[step]; n.Type != nodeSkipped || n.Phase != phaseError {
		return ""
	}
	if _, err := r.decide(step, nodes); err != nil {
		return err.Error()
	}
	return ""
}
