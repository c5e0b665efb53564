package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type experimentObserved = mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]

// experimentKind is the kind of experiments: those of the environment's MLflow server,
// with the record in their tags. What the steps of a pipeline log goes there by itself.
type experimentKind struct{ *backend }

// experimentRecord is what an experiment carries.
type experimentRecord struct {
	Spec    mlops.ExperimentSpec `json:"spec"`
	Created time.Time            `json:"created"`
}

// experimentSeen is an experiment as a look finds it.
type experimentSeen struct {
	mlflow.Carrier

	record experimentRecord
}

// newExperimentSeen reads the record. Description and labels are MLflow's to say: they
// can be changed there.
func newExperimentSeen(c mlflow.Carrier) (experimentSeen, error) {
	seen := experimentSeen{Carrier: c}
	if err := json.Unmarshal(c.Record, &seen.record); err != nil {
		return seen, fmt.Errorf("the record of %s cannot be read: %w", c.Object, err)
	}
	return seen, nil
}

// spec is the one that is in force.
func (e experimentSeen) spec() mlops.ExperimentSpec {
	spec := e.record.Spec
	spec.Description = e.Description
	if spec.Labels != nil {
		spec.Labels = e.Labels
	}
	return spec
}

// Experiments returns the kind of experiments.
func (b *backend) Experiments() mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return experimentKind{b}
}

// noun is how the verbs are carried out.
func (k experimentKind) noun() verbs.Noun[mlops.ExperimentSpec, carriage, experimentSeen] {
	return verbs.Noun[mlops.ExperimentSpec, carriage, experimentSeen]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:   mlops.ExperimentSpec.ID,
		Kept: func(e experimentSeen) verbs.Kept { return verbs.Kept{ID: e.Object, Owner: e.Owner} },
		Admit: func(ctx context.Context, spec mlops.ExperimentSpec) error {
			return k.admitCarried(ctx, spec.ID(), mlops.NounExperiment, spec)
		},
		Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop,
		Sweep: func(ctx context.Context, s carriage) error { return s.client.Sweep(ctx, s.id) },
	}
}

// Create makes the experiment, or brings its owner's own to the spec. One that somebody
// deleted in MLflow comes back with its runs.
func (k experimentKind) Create(ctx context.Context, spec mlops.ExperimentSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update brings an experiment to a spec.
func (k experimentKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ExperimentSpec) (mlops.Change, error) {
	return k.noun().Update(ctx, ref, spec)
}

// Delete puts the experiment into MLflow's trash, with its runs. One that a pipeline
// names is a Conflict.
func (k experimentKind) Delete(ctx context.Context, ref mlops.ID) error {
	return k.noun().Remove(ctx, ref)
}

func (k experimentKind) scene(ctx context.Context, id mlops.ID) (carriage, error) {
	return k.carriageOf(ctx, id, mlops.NounExperiment)
}

func (k experimentKind) look(ctx context.Context, s carriage) (experimentSeen, error) {
	found, err := s.look(ctx)
	if err != nil {
		return experimentSeen{}, err
	}
	return newExperimentSeen(found)
}

// content is what an experiment is to carry.
func (k experimentKind) content(spec mlops.ExperimentSpec, created time.Time) mlflow.Content {
	return mlflow.Content{
		Object: spec.ID(), Owner: k.options.Owner, Record: experimentRecord{spec, created}, Description: spec.Description, Labels: spec.Labels,
	}
}

func (k experimentKind) add(ctx context.Context, s carriage, spec mlops.ExperimentSpec) (mlops.Change, error) {
	_, err := s.client.Carry(ctx, k.content(spec, now()))
	if err != nil && !k.is(err, mlops.Unavailable) {
		return mlops.Change{}, err
	}
	return mlops.Change{Ref: s.id, Revision: revisionOf(spec)}, err // an answer that was lost may have been a success
}

func (k experimentKind) change(ctx context.Context, s carriage, spec mlops.ExperimentSpec, old experimentSeen) (mlops.Change, error) {
	_, err := s.client.Bring(ctx, old.Carrier, k.content(spec, old.record.Created))
	return mlops.Change{Ref: s.id, Revision: revisionOf(spec)}, err
}

func (k experimentKind) drop(ctx context.Context, s carriage, seen experimentSeen) error {
	if err := verbs.Untracked(ctx, k, s.id); err != nil {
		return err
	}
	return s.client.Discard(ctx, seen.Carrier)
}

// Get takes one look, at the experiment and at the runs of the pipelines that name it.
func (k experimentKind) Get(ctx context.Context, ref mlops.ID) (experimentObserved, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return experimentObserved{Ref: ref}, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return experimentObserved{Ref: ref}, err
	}
	return k.observe(ctx, s, seen)
}

// List returns the experiments of an environment.
func (k experimentKind) List(ctx context.Context, environment mlops.ID) ([]experimentObserved, error) {
	r, err := k.registryToList(ctx, environment)
	if r == nil || err != nil {
		return nil, err
	}
	all, err := r.client.Carriers(ctx, environment, mlops.NounExperiment)
	if err != nil {
		return nil, err
	}
	out := []experimentObserved{}
	for _, c := range all {
		seen, err := newExperimentSeen(c)
		if err != nil {
			return nil, err
		}
		one, err := k.observe(ctx, carriage{r, c.Object}, seen)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (k experimentKind) observe(ctx context.Context, s carriage, seen experimentSeen) (experimentObserved, error) {
	out := experimentObserved{Ref: s.id, Spec: seen.spec(), Phase: mlops.PhaseReady, Native: s.native(seen.Carrier)}
	out.Revision, out.Status.CreatedAt = revisionOf(out.Spec), seen.record.Created
	runs, err := verbs.TrackedRuns(ctx, k, s.id)
	verbs.ShowTracked(&out.Status, runs)
	return out, err
}

// Preflight refuses an experiment that the environment has no server for, or whose name
// is taken there; see mlops.Preflighter.
func (k experimentKind) Preflight(ctx context.Context, spec mlops.ExperimentSpec, c *mlops.Checker) error {
	return k.preflightCarried(ctx, c, spec.ID(), mlops.NounExperiment)
}
