package memory

import (
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// metricsOf is what a step is said to have measured.
func metricsOf(step mlops.Step) map[string]float64 {
	if slices.Contains(step.Outputs, mlops.MetricsOutput) {
		return map[string]float64{"accuracy": 0.9}
	}
	return nil
}

// skips decides the conditions of a run's steps: it says why those are skipped that
// are, by name. The error is why the run fails.
func skips(pipeline mlops.PipelineSpec, parameters map[string]string) (map[string]string, error) {
	skipped := map[string]string{}
	graph, err := pipeline.Graph()
	if err != nil {
		return nil, err
	}
	facts := mlops.RunFacts{Parameters: parameters, Metrics: map[string]map[string]float64{}, Skipped: map[string]bool{}}
	for _, step := range graph.Order() {
		reason, err := pipeline.WhySkipped(step, graph.Needs(step), facts)
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", step, err)
		}
		if reason != "" {
			skipped[step], facts.Skipped[step] = reason, true
			continue
		}
		facts.Metrics[step] = metricsOf(pipeline.Steps[step])
	}
	return skipped, nil
}
