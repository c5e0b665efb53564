package mlopstest

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// TestSpot proves that a step on capacity that may be taken away leaves what any other
// leaves: its outputs to the steps behind it and to the run, metrics among them. It is
// retried, so that where steps are run for real it fails the first time, and finds
// what it saved the second time.
func (suite) TestSpot(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeaturePipelineSpot) {
		return
	}
	spec := l.runSpec(l.fresh())
	spec.Pipeline = l.create(pipelineNoun(), l.spotPipeline()).Ref
	status := as[mlops.PipelineRunStatus](l.create(pipelineRunNoun(), spec).Status)
	for _, output := range []string{"train.model", "train.metrics", "train.data", "copy.page"} {
		if status.Outputs[output] == "" {
			l.Errorf("the run has no output %s: %v", output, status.Outputs)
		}
	}
	if status.Metrics["accuracy"] != 0.9 {
		l.Errorf("the metrics are %v", status.Metrics)
	}
}

// spotPipeline trains on spot capacity, and copies the model elsewhere.
func (l *lab) spotPipeline() mlops.PipelineSpec {
	l.Helper()
	s := l.pipelineSpec(l.fresh())
	train := s.Steps["train"]
	train.Command = []string{"sh", "-c", `if ! test -e "$MLOPS_CHECKPOINTS/epoch"; then touch "$MLOPS_CHECKPOINTS/epoch"; exit 1; fi; ` + trainCommand}
	train.Compute, train.Retry = &mlops.Compute{CPU: 1, Spot: true}, &mlops.Retry{Attempts: 2}
	s.Steps["train"] = train
	s.Steps["copy"] = mlops.Step{
		Command: []string{"sh", "-c", `cp "$MLOPS_INPUT_MODEL" "$MLOPS_OUTPUT_PAGE"`},
		Inputs:  map[string]string{"model": "{{steps.train.outputs.model}}"}, Outputs: []string{"page"},
	}
	return l.world.Pipeline(s)
}
