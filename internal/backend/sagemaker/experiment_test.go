package sagemaker

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestExperimentTracks proves that the runs of the pipelines that name an experiment
// are shown by it and by SageMaker, newest first, and that others are not.
func TestExperimentTracks(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	experiment := made(t, r.Experiments(), mlops.ExperimentSpec{Environment: r.environment, Name: "trees", Labels: map[string]string{"team": "größe 🚀"}})
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "tracked", Experiment: experiment.Ref,
		Parameters: map[string]mlops.Parameter{"x": {Type: "number", Default: new("1.5")}},
		Steps:      map[string]mlops.Step{"s": {Command: []string{"sh", "-c", `echo '{"x": {{params.x}}}' > {{outputs.metrics}}`}, Outputs: []string{"metrics"}}},
	}
	made(t, r.Pipelines(), spec)
	first := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	second := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Parameters: map[string]string{"x": "2.5"}})
	other := spec
	other.Name, other.Experiment = "other", ""
	made(t, r.Pipelines(), other)
	made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: other.ID()})
	seen, err := r.Experiments().Get(t.Context(), experiment.Ref)
	r.must(err)
	type tried struct {
		Run mlops.ID
		X   float64
	}
	var got []tried
	for _, run := range seen.Status.Runs {
		got = append(got, tried{run.Run, run.Metrics["x"]})
	}
	if diff := cmp.Diff([]tried{{second.Ref, 2.5}, {first.Ref, 1.5}}, got); diff != "" || seen.Status.Total != 2 {
		t.Errorf("%d runs: %s", seen.Status.Total, diff)
	}
	if err := r.Experiments().Delete(t.Context(), experiment.Ref); r.Code(err) != mlops.Conflict {
		t.Errorf("deleting what a pipeline names: %v", err)
	}
}

// TestExperimentTakesItsTrialsAlong proves that what SageMaker keeps below an
// experiment does not keep it from being deleted.
func TestExperimentTakesItsTrialsAlong(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	experiment := made(t, r.Experiments(), mlops.ExperimentSpec{Environment: r.environment, Name: "trees"})
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	native := sdk.String(experiment.Native["name"])
	_, err = c.sagemaker.CreateTrial(t.Context(), &sagemaker.CreateTrialInput{TrialName: sdk.String("trial"), ExperimentName: native})
	r.must(err)
	_, err = c.sagemaker.CreateTrialComponent(t.Context(), &sagemaker.CreateTrialComponentInput{TrialComponentName: sdk.String("part")})
	r.must(err)
	_, err = c.sagemaker.AssociateTrialComponent(t.Context(), &sagemaker.AssociateTrialComponentInput{TrialName: sdk.String("trial"), TrialComponentName: sdk.String("part")})
	r.must(err)
	r.must(r.Experiments().Delete(t.Context(), experiment.Ref))
	if _, err := c.sagemaker.DescribeExperiment(t.Context(), &sagemaker.DescribeExperimentInput{ExperimentName: native}); r.Code(err) != mlops.NotFound {
		t.Errorf("the experiment: %v", err)
	}
	if _, err := c.sagemaker.DescribeTrial(t.Context(), &sagemaker.DescribeTrialInput{TrialName: sdk.String("trial")}); r.Code(err) != mlops.NotFound {
		t.Errorf("its trial: %v", err)
	}
}
