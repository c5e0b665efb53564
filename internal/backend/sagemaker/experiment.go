package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// experimentKind is the kind of experiments: SageMaker experiments, with the
// record in their tags. Pipelines make a trial in them for each run.
type experimentKind struct{ *backend }

// maxExperimentName is the longest name of an experiment.
const maxExperimentName = 120

// experimentScene is what an experiment's verbs need to know.
type experimentScene struct {
	c         *clients
	place     place
	id        mlops.ID
	name, arn string
}

func (b *backend) experimentScene(ctx context.Context, id mlops.ID) (experimentScene, error) {
	s := experimentScene{id: id, name: nativeName(id, maxExperimentName)}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(mlops.NounExperiment); err != nil {
		return s, invalid(err)
	}
	var err error
	if s.place, err = b.place(ctx, id); err != nil {
		return s, err
	}
	s.c, err = b.in(ctx, id)
	if err == nil {
		s.arn = s.c.arn("sagemaker", s.place.Account, "experiment/"+s.name)
	}
	return s, err
}

// look reads the record from the experiment's tags.
func (s experimentScene) look(ctx context.Context) (record, map[string]string, error) {
	if _, err := s.c.sagemaker.DescribeExperiment(ctx, &sagemaker.DescribeExperimentInput{ExperimentName: &s.name}); err != nil {
		return record{}, nil, err
	}
	tags, err := sagemakerTagsOf(ctx, s.c, s.arn)
	if err != nil {
		return record{}, nil, err
	}
	r, err := recordOf(tags)
	if err != nil {
		err = invalid(fmt.Errorf("the experiment %s: %w", s.name, err))
	}
	return r, tags, err
}

// Create makes the experiment, or brings its owner's own to the spec.
func (k experimentKind) Create(ctx context.Context, spec mlops.ExperimentSpec) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounExperiment, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := k.experimentScene(ctx, spec.ID())
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.lock(ctx, string(s.id))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, tags, err := s.look(ctx)
	switch {
	case errors.Is(err, errNoRecord):
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, errors.New(mlops.Message(err)))
	case k.is(err, mlops.NotFound):
		return k.putExperiment(ctx, s, spec, record{}, nil)
	case err != nil:
		return mlops.Change{}, err
	case old.Owner != k.options.Owner:
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("experiment %q belongs to another configuration", s.id))
	}
	return k.putExperiment(ctx, s, spec, old, tags)
}

// Update brings an experiment to a spec.
func (k experimentKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ExperimentSpec) (mlops.Change, error) {
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	if err := capabilities().Admit(name, mlops.NounExperiment, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := k.experimentScene(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.lock(ctx, string(ref))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, tags, err := s.look(ctx)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.putExperiment(ctx, s, spec, old, tags)
}

// putExperiment makes the experiment where there are no tags yet, or writes other
// ones.
func (k experimentKind) putExperiment(ctx context.Context, s experimentScene, spec mlops.ExperimentSpec, old record, have map[string]string) (mlops.Change, error) {
	r, err := k.newRecord(s.id, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	change := mlops.Change{Ref: s.id, Revision: r.Revision}
	if have != nil {
		if old.Revision == r.Revision && old.Owner == r.Owner {
			return change, nil
		}
		r.Created = old.Created
	}
	pieces, err := r.tags()
	if err != nil {
		return mlops.Change{}, err
	}
	tags := k.tagsFor(s.place.spec, spec.Labels, pieces)
	if have == nil {
		_, err = s.c.sagemaker.CreateExperiment(ctx, &sagemaker.CreateExperimentInput{
			ExperimentName: &s.name, Description: nativeDescription(spec.Description), Tags: sagemakerTags(tags),
		})
		return change, err
	}
	if _, err := s.c.sagemaker.UpdateExperiment(ctx, &sagemaker.UpdateExperimentInput{ExperimentName: &s.name, Description: nativeDescription(spec.Description)}); err != nil {
		return change, err
	}
	return change, retagSagemaker(ctx, s.c, s.arn, have, tags)
}

// Get reads the record, and the runs of the pipelines that track theirs here.
func (k experimentKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	seen := mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{Ref: ref}
	s, err := k.experimentScene(ctx, ref)
	if err != nil {
		return seen, err
	}
	r, _, err := s.look(ctx)
	if err != nil {
		return seen, err
	}
	if err := r.into(&seen.Spec); err != nil {
		return seen, err
	}
	seen.Phase, seen.Revision, seen.Native = mlops.PhaseReady, r.Revision, map[string]string{"arn": s.arn, "name": s.name}
	seen.Status.CreatedAt = r.Created
	seen.Status.Runs, err = k.trackedRuns(ctx, ref)
	seen.Status.Total = int64(len(seen.Status.Runs))
	if len(seen.Status.Runs) > mlops.MaxExperimentRuns {
		seen.Status.Runs = seen.Status.Runs[:mlops.MaxExperimentRuns]
	}
	return seen, err
}

// trackedRuns lists the runs of the pipelines that name an experiment, newest
// first.
func (k experimentKind) trackedRuns(ctx context.Context, experiment mlops.ID) ([]mlops.ExperimentRun, error) {
	pipelines, err := pipelineKind(k).List(ctx, experiment.Environment())
	if err != nil {
		return nil, err
	}
	all := []mlops.ExperimentRun{}
	for _, p := range pipelines {
		if p.Spec.Experiment != experiment {
			continue
		}
		runs, err := pipelineRunKind(k).List(ctx, p.Ref)
		if err != nil && !k.is(err, mlops.NotFound) {
			return nil, err
		}
		for _, r := range runs {
			all = append(all, mlops.ExperimentRun{
				Run: r.Ref, State: r.Status.State, Parameters: filled(r.Spec.Parameters), Metrics: r.Status.Metrics,
				StartedAt: r.Status.StartedAt, FinishedAt: r.Status.FinishedAt,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b mlops.ExperimentRun) int { return b.StartedAt.Compare(a.StartedAt) })
	return all, nil
}

// Delete removes the experiment with its trials. One that a pipeline names is a
// Conflict.
func (k experimentKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, err := k.experimentScene(ctx, ref)
	if err != nil {
		return err
	}
	if _, _, err := s.look(ctx); err != nil {
		return err
	}
	pipelines, err := pipelineKind(k).List(ctx, ref.Environment())
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		if p.Spec.Experiment == ref {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s tracks its runs in %s", p.Ref, ref))
		}
	}
	if err := k.dropTrials(ctx, s); err != nil {
		return err
	}
	_, err = s.c.sagemaker.DeleteExperiment(ctx, &sagemaker.DeleteExperimentInput{ExperimentName: &s.name})
	return err
}

// dropTrials removes the trials, which go only when nothing is in them.
func (k experimentKind) dropTrials(ctx context.Context, s experimentScene) error {
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
