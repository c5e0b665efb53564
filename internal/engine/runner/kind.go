package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type record = store.Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

// Create starts a run. The same request (pipeline, its version, parameters,
// triggers, After) finds the run it started before, unless that has failed:
// then it starts another.
func (s *Service) Create(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	owner := api.Owner(ctx)
	if spec.Detached {
		owner = ""
	}
	return s.create(ctx, spec, owner, nil)
}

// create is Create for an owner, with something to write in the transaction
// that accepts a new run.
func (s *Service) create(ctx context.Context, spec mlops.PipelineRunSpec, owner string, also func(*store.Tx) error) (mlops.Change, error) {
	plan, err := s.plan(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	name := token(spec, plan.Pipeline.Version())
	for n := 1; ; {
		id := spec.Pipeline.Child(mlops.NounPipelineRun, attemptName(name, n))
		r, err := s.Store.Runs().Get(ctx, id)
		switch {
		case mlops.CodeOf(err) == mlops.NotFound:
			err = s.insert(ctx, id, owner, spec, plan, also)
			if mlops.CodeOf(err) == mlops.AlreadyExists {
				continue // the same request came in twice at once: look again
			}
			return mlops.Change{Ref: id, Revision: mlops.DigestOf(spec)}, err
		case err != nil:
			return mlops.Change{}, err
		case r.Owner != "" && r.Owner != owner:
			return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("run %s already exists and belongs to another configuration; make this one different by a trigger", id))
		case r.Phase == mlops.PhaseFailed || r.Phase == mlops.PhaseDeleting:
			n++
		default:
			return s.adopt(ctx, r, owner)
		}
	}
}

// plan checks a request against its pipeline and freezes what it would do, but for
// the data that it reads.
func (s *Service) plan(ctx context.Context, spec mlops.PipelineRunSpec) (store.RunPlan, error) {
	if err := mlops.Check(spec); err != nil {
		return store.RunPlan{}, err
	}
	p, err := s.Store.Pipelines().Get(ctx, spec.Pipeline)
	if err != nil {
		return store.RunPlan{}, err
	}
	if err := notLeaving(p); err != nil {
		return store.RunPlan{}, err
	}
	pipeline := p.Observed().Spec
	for name, step := range pipeline.Steps {
		if step.Image != "" {
			return store.RunPlan{}, mlops.NewError(mlops.Unsupported, fmt.Errorf("step %q has an image; this engine runs scripts and commands as processes, with packages in a virtual environment", name))
		}
	}
	if _, err := pipeline.Graph(); err != nil {
		return store.RunPlan{}, mlops.NewError(mlops.Invalid, err)
	}
	values, err := pipeline.Resolve(spec.Parameters)
	return store.RunPlan{Pipeline: pipeline, Parameters: values}, err
}

// notLeaving refuses a pipeline that is being deleted: its runs would never end.
func notLeaving(p store.Record[mlops.PipelineSpec, mlops.PipelineStatus]) error {
	if p.Phase == mlops.PhaseDeleting {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("pipeline %s is being deleted", p.ID))
	}
	return nil
}

// insert accepts a new run.
func (s *Service) insert(ctx context.Context, id mlops.ID, owner string, spec mlops.PipelineRunSpec, plan store.RunPlan, also func(*store.Tx) error) error {
	dir, err := s.directory(ctx, id)
	if err != nil {
		return err
	}
	plan.Directory = dir
	r := record{
		ID: id, Owner: owner, Wanted: &spec, WantedRevision: mlops.DigestOf(spec), Phase: mlops.PhasePending,
		Status: queued(id, plan.Pipeline), Created: time.Now(),
	}
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		p, err := s.Store.Pipelines().GetTx(ctx, tx, spec.Pipeline)
		if err != nil {
			return err
		}
		if err := notLeaving(p); err != nil {
			return err
		}
		if plan.Datasets, err = s.freeze(ctx, tx, plan.Pipeline); err != nil {
			return err
		}
		if err := s.Store.Runs().InsertTx(ctx, tx, r); err != nil {
			return err
		}
		if err := track(ctx, tx, plan, r); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.OpenRun(ctx, id, &plan)
	})
	poke(s.wake)
	return err
}

// directory is where a run's files are.
func (s *Service) directory(ctx context.Context, run mlops.ID) (string, error) {
	env, err := s.Store.Environments().Get(ctx, run.Environment())
	if err != nil {
		return "", err
	}
	return layout.RunDir(s.Layout.EnvironmentDir(env.Observed().Spec), run.Parent().Name(), run.Name()), nil
}

// adopt answers for a run that exists, and gives one of nobody an owner.
func (s *Service) adopt(ctx context.Context, r record, owner string) (mlops.Change, error) {
	if r.Owner != owner {
		_, err := s.Store.Runs().Change(ctx, r.ID, func(_ *store.Tx, r *record) error {
			r.Owner = owner
			return nil
		})
		if err != nil {
			return mlops.Change{}, err
		}
	}
	return mlops.Change{Ref: r.ID, Revision: revision(r)}, nil
}

// revision is that of the one spec that a run ever has.
func revision(r record) string {
	if r.Revision != "" {
		return r.Revision
	}
	return r.WantedRevision
}

// Get takes one look at a run.
func (s *Service) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus], error) {
	r, err := s.Store.Runs().Get(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{}, err
	}
	return s.observe(ctx, r)
}

// List returns the runs under a pipeline or an environment, oldest first.
func (s *Service) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus], error) {
	records, err := s.Store.Runs().List(ctx, parent)
	if err != nil {
		return nil, err
	}
	out := make([]mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus], 0, len(records))
	for _, r := range records {
		o, err := s.observe(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// Update asks for a run with these inputs. If ref has them, and has not failed,
// it is left alone; else a successor is started, and ref stays as history.
func (s *Service) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	r, err := s.Store.Runs().Get(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	inForce := r.Observed().Spec
	if !sameInputs(inForce, spec) {
		spec.After = ref
		return s.Create(ctx, spec)
	}
	if r.Phase == mlops.PhaseFailed {
		spec.After = inForce.After
		return s.Create(ctx, spec)
	}
	return s.adopt(ctx, r, api.Owner(ctx))
}

// Delete cancels a run if it is under way and removes it and its files, with
// the runs that it followed in the same resource.
func (s *Service) Delete(ctx context.Context, ref mlops.ID) error {
	r, err := s.Store.Runs().Get(ctx, ref)
	if err != nil {
		return err
	}
	doomed, err := s.history(ctx, r)
	if err != nil {
		return err
	}
	doomed = append(doomed, ref)
	err = s.Store.Write(ctx, func(tx *store.Tx) error {
		for _, id := range doomed {
			if err := s.condemn(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	for _, id := range doomed {
		s.breakOff(id, errDeleted)
	}
	poke(s.wake)
	return err
}

// condemn notes that a run is to be removed.
func (s *Service) condemn(ctx context.Context, tx *store.Tx, id mlops.ID) error {
	r, err := s.Store.Runs().GetTx(ctx, tx, id)
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil // removed since
	}
	if err != nil {
		return err
	}
	if err := tx.EndTracked(ctx, id); err != nil {
		return err
	}
	r.Phase, r.Reason = mlops.PhaseDeleting, ""
	if err := s.Store.Runs().PutTx(ctx, tx, r); err != nil {
		return err
	}
	return tx.OpenRun(ctx, id, nil)
}
