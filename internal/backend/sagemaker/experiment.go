package sagemaker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// experimentKind is the kind of experiments: SageMaker experiments, with the
// record in their tags. Pipelines make a trial in them for each run.
type experimentKind struct{ *backend }

// maxExperimentName is the longest name of an experiment.
const maxExperimentName = 120

func (k experimentKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, naming{mlops.NounExperiment, maxExperimentName, "experiment/"})
}

// Create makes the experiment, or brings its owner's own to the spec.
func (k experimentKind) Create(ctx context.Context, spec mlops.ExperimentSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update brings an experiment to a spec.
func (k experimentKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ExperimentSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

// Get reads the record, and the runs of the pipelines that track theirs here.
func (k experimentKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	return show(ctx, k, ref)
}

// Delete removes the experiment with its trials. One that a pipeline names is a
// Conflict.
func (k experimentKind) Delete(ctx context.Context, ref mlops.ID) error { return remove(ctx, k, ref) }

// Preflight refuses what an experiment has no room for; see mlops.Preflighter.
func (k experimentKind) Preflight(ctx context.Context, spec mlops.ExperimentSpec, c *mlops.Checker) error {
	return k.preflightTags(ctx, c, spec)
}

func (k experimentKind) admit(_ context.Context, spec mlops.ExperimentSpec) error {
	return capabilities().Admit(name, mlops.NounExperiment, spec.Name, spec)
}

func (k experimentKind) look(ctx context.Context, s scene) (tagged, error) {
	if _, err := s.c.sagemaker.DescribeExperiment(ctx, &sagemaker.DescribeExperimentInput{ExperimentName: &s.name}); err != nil {
		return tagged{}, err
	}
	return s.tagged(ctx)
}

func (k experimentKind) add(ctx context.Context, s scene, spec mlops.ExperimentSpec) (mlops.Change, error) {
	r, tags, err := k.stamp(s, spec, spec.Labels, record{})
	if err != nil {
		return mlops.Change{}, err
	}
	_, err = s.c.sagemaker.CreateExperiment(ctx, &sagemaker.CreateExperimentInput{
		ExperimentName: &s.name, Description: nativeDescription(spec.Description), Tags: sagemakerTags(tags),
	})
	return r.change(), err
}

func (k experimentKind) change(ctx context.Context, s scene, spec mlops.ExperimentSpec, old tagged) (mlops.Change, error) {
	r, tags, err := k.stamp(s, spec, spec.Labels, old.record)
	if err != nil || old.carries(r, tags) {
		return r.change(), err
	}
	if _, err := s.c.sagemaker.UpdateExperiment(ctx, &sagemaker.UpdateExperimentInput{ExperimentName: &s.name, Description: nativeDescription(spec.Description)}); err != nil {
		return r.change(), err
	}
	return r.change(), retagSagemaker(ctx, s.c, s.arn, old.tags, tags)
}

func (k experimentKind) observe(ctx context.Context, s scene, e tagged) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	seen := mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{
		Ref: s.id, Phase: mlops.PhaseReady, Revision: e.record.Revision, Native: map[string]string{"arn": s.arn, "name": s.name},
	}
	err := e.record.into(&seen.Spec)
	if err != nil {
		return seen, err
	}
	seen.Status.CreatedAt = e.record.Created
	runs, err := verbs.TrackedRuns(ctx, k, s.id)
	verbs.ShowTracked(&seen.Status, runs)
	return seen, err
}

func (k experimentKind) drop(ctx context.Context, s scene, _ tagged) error {
	if err := verbs.Untracked(ctx, k, s.id); err != nil {
		return err
	}
	if err := k.dropTrials(ctx, s); err != nil {
		return err
	}
	_, err := s.c.sagemaker.DeleteExperiment(ctx, &sagemaker.DeleteExperimentInput{ExperimentName: &s.name})
	return err
}

// dropTrials removes the trials, which go only when nothing is in them.
func (k experimentKind) dropTrials(ctx context.Context, s scene) error {
	trials := sagemaker.NewListTrialsPaginator(s.c.sagemaker, &sagemaker.ListTrialsInput{ExperimentName: &s.name})
	var names []*string
	for trials.HasMorePages() {
		page, err := trials.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.TrialSummaries {
			names = append(names, t.TrialName)
		}
	}
	for _, trial := range names {
		if err := k.dropTrial(ctx, s.c, trial); err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	return nil
}

func (k experimentKind) dropTrial(ctx context.Context, c *clients, trial *string) error {
	parts := sagemaker.NewListTrialComponentsPaginator(c.sagemaker, &sagemaker.ListTrialComponentsInput{TrialName: trial})
	for parts.HasMorePages() {
		page, err := parts.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, part := range page.TrialComponentSummaries {
			if _, err := c.sagemaker.DisassociateTrialComponent(ctx, &sagemaker.DisassociateTrialComponentInput{TrialName: trial, TrialComponentName: part.TrialComponentName}); err != nil {
				return err
			}
		}
	}
	_, err := c.sagemaker.DeleteTrial(ctx, &sagemaker.DeleteTrialInput{TrialName: trial})
	return err
}
