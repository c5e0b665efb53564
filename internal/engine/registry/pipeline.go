package registry

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// finishEvery is how often a pipeline that is being deleted is looked at again
// while its runs are on their way out.
const finishEvery = 50 * time.Millisecond

// Pipelines is the kind of pipelines.
type Pipelines struct{ *Registry }

type pipelineRecord = store.Record[mlops.PipelineSpec, mlops.PipelineStatus]

// Create puts the spec in force.
func (p *Pipelines) Create(ctx context.Context, spec mlops.PipelineSpec) (mlops.Change, error) {
	if err := checkPipeline(spec); err != nil {
		return mlops.Change{}, err
	}
	defer p.Runs.PipelinesChanged()
	return create(ctx, p.Store, p.Store.Pipelines(), spec.ID(), spec, p.inPlace(ctx, spec))
}

// Update puts the spec in force for runs that start from now on.
func (p *Pipelines) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineSpec) (mlops.Change, error) {
	if err := checkPipeline(spec); err != nil {
		return mlops.Change{}, err
	}
	if err := stays(ref, spec.ID()); err != nil {
		return mlops.Change{}, err
	}
	defer p.Runs.PipelinesChanged()
	return update(ctx, p.Store, p.Store.Pipelines(), ref, spec, p.inPlace(ctx, spec))
}

// inPlace insists that what a pipeline belongs to is there. The data that it reads
// need not be, until it runs.
func (p *Pipelines) inPlace(ctx context.Context, spec mlops.PipelineSpec) guard {
	return func(tx *store.Tx) error {
		if err := p.inEnvironment(ctx, spec.Environment)(tx); err != nil || spec.Experiment == "" {
			return err
		}
		return parent(ctx, tx, p.Store.Experiments(), "experiment", spec.Experiment)
	}
}

// inEnvironment insists that a spec's environment is there.
func (g *Registry) inEnvironment(ctx context.Context, id mlops.ID) guard {
	return func(tx *store.Tx) error {
		return parent(ctx, tx, g.Store.Environments(), "environment", id)
	}
}

// Get takes one look.
func (p *Pipelines) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	return get(ctx, p.Store.Pipelines(), ref, observePipeline)
}

// List returns the pipelines below an ID.
func (p *Pipelines) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	return list(ctx, p.Store.Pipelines(), under, observePipeline)
}

// Delete removes the pipeline and its runs, which are cancelled if need be. The
// pipeline is gone when they are.
func (p *Pipelines) Delete(ctx context.Context, ref mlops.ID) error {
	r, err := p.Store.Pipelines().Change(ctx, ref, func(_ *store.Tx, r *pipelineRecord) error {
		r.Phase = mlops.PhaseDeleting
		return nil
	})
	if err != nil {
		return err
	}
	p.Runs.PipelinesChanged()
	gone, err := p.finishPipeline(ctx, r.ID)
	if err == nil && !gone {
		select {
		case p.deleting <- struct{}{}:
		default: // the finisher was told already
		}
	}
	return err
}

// finishPipeline removes a pipeline that is being deleted, if its runs are gone,
// else has them removed.
func (g *Registry) finishPipeline(ctx context.Context, id mlops.ID) (gone bool, err error) {
	runs, err := g.Store.Runs().List(ctx, id)
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		if r.Phase == mlops.PhaseDeleting {
			continue
		}
		if err := g.Runs.Delete(ctx, r.ID); err != nil && mlops.CodeOf(err) != mlops.NotFound {
			return false, err
		}
	}
	err = g.Store.Pipelines().Delete(ctx, id, func(tx *store.Tx, _ pipelineRecord) error { return vacant(ctx, tx, id) })
	switch mlops.CodeOf(err) {
	case mlops.Conflict:
		return false, nil
	case mlops.NotFound: // another deletion was faster
		return true, nil
	}
	return err == nil, err
}

// finishPipelines finishes deletions as they become possible.
func (g *Registry) finishPipelines(ctx context.Context) {
	for {
		left, err := g.finishAll(ctx)
		if err != nil && ctx.Err() == nil {
			g.Log.Error("remove pipelines", "error", err)
		}
		var again <-chan time.Time
		if left > 0 {
			again = time.After(finishEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-g.deleting:
		case <-again:
		}
	}
}

// finishAll has a try at every pipeline that is being deleted, and counts those
// that are left.
func (g *Registry) finishAll(ctx context.Context) (left int, err error) {
	pipelines, err := g.Store.Pipelines().List(ctx, "")
	if err != nil {
		return 1, err
	}
	for _, p := range pipelines {
		if p.Phase != mlops.PhaseDeleting {
			continue
		}
		gone, err := g.finishPipeline(ctx, p.ID)
		if err != nil {
			return 1, err
		}
		if !gone {
			left++
		}
	}
	return left, nil
}

func observePipeline(r pipelineRecord) mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus] {
	o := r.Observed()
	o.Status.Version = o.Spec.Version()
	return o
}

func checkPipeline(spec mlops.PipelineSpec) error {
	if err := check(spec.Name, spec); err != nil {
		return err
	}
	if spec.Schedule == nil {
		return nil
	}
	if _, err := schedule.Parse(*spec.Schedule); err != nil {
		return mlops.InvalidField("schedule", "%w", err)
	}
	return nil
}
