package sagemaker

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelEndpointKind is the kind of model endpoints. An endpoint is an endpoint of
// SageMaker, whose tags hold the record and how far a change has come; a
// configuration and a model for each variant, which cannot change and are named by
// their content; what scales it; and the alarms that guard its rollouts.
//
// A change is recorded first and then begun, since SageMaker takes none while an
// endpoint is busy; what follows it (the smoke test, scaling, removing what was
// replaced) is done step by step by Advance.
type modelEndpointKind struct{ *backend }

func (k modelEndpointKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	s, err := k.sceneOf(ctx, id, naming{mlops.NounModelEndpoint, maxName, "endpoint/"})
	s.blank = new(bool)
	return s, err
}

// Create makes models and a configuration, and then the endpoint, which carries the
// record from its first moment.
func (k modelEndpointKind) Create(ctx context.Context, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update brings an endpoint to a spec. One that is busy takes the change up when it
// has settled.
func (k modelEndpointKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

// Get takes one look: at the endpoint and its tags.
func (k modelEndpointKind) Get(ctx context.Context, ref mlops.ID) (endpointSeen, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return endpointSeen{Ref: ref}, err
	}
	change := k.looks.begin(ref)
	state, err := k.look(ctx, s)
	if err != nil {
		return endpointSeen{Ref: ref}, err
	}
	seen := state.observed(s)
	if seen.Due {
		k.looks.keep(ref, change, state)
	}
	return seen, nil
}

// Delete begins the deletion. What cannot be removed while the endpoint is there
// follows by Advance; a mark on its configurations says so.
func (k modelEndpointKind) Delete(ctx context.Context, ref mlops.ID) error {
	return remove(ctx, k, ref)
}

func (k modelEndpointKind) add(ctx context.Context, s scene, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return k.change(ctx, s, spec, endpointState{})
}

// change records what is asked for, and begins it where SageMaker is ready for it.
func (k modelEndpointKind) change(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, old endpointState) (mlops.Change, error) {
	defer k.looks.changed(s.id)
	change := mlops.Change{Ref: s.id, Revision: revisionOf(spec)}
	if old.holds(change.Revision) {
		return change, nil
	}
	if err := old.becomes(spec); err != nil {
		return mlops.Change{}, err
	}
	next, err := k.endpointPlan(ctx, s, old, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	if err := k.makeEndpointParts(ctx, s, next); err != nil {
		return mlops.Change{}, err
	}
	if old.tags[tagEndpointNext] == nextRemake {
		if err := k.remakeFrom(ctx, s, next.form.Config, next.tags); err != nil {
			return change, err
		}
	}
	if !old.exists {
		return change, k.createEndpoint(ctx, s, next, old)
	}
	fresh, err := k.writeEndpoint(ctx, s, old, next)
	if err != nil || next.tagsAlone || fresh.busy() {
		return change, err
	}
	return change, k.beginEndpoint(ctx, s, fresh)
}

// Advance takes the step that is due; see mlops.Advancer. What the look that called it
// due has seen is not asked for again.
func (k modelEndpointKind) Advance(ctx context.Context, ref mlops.ID) error {
	n := noun(k)
	n.Look = func(ctx context.Context, s scene) (endpointState, error) {
		if state, ok := k.looks.take(s.id); ok {
			return state, nil
		}
		return k.look(ctx, s)
	}
	return n.Advance(ctx, ref, k.advance)
}

func (k modelEndpointKind) advance(ctx context.Context, s scene, state endpointState) error {
	defer k.looks.changed(s.id)
	switch state.verdict().step {
	case endpointBegin:
		return k.beginEndpoint(ctx, s, state)
	case endpointShadow:
		return k.advanceShadow(ctx, s, state)
	case endpointSettle:
		return k.settleEndpoint(ctx, s, state)
	case endpointRemake:
		return k.remakeEndpoint(ctx, s, state)
	case endpointSweep:
		return k.sweepEndpoint(ctx, s)
	case endpointRest:
	}
	return nil
}

func (k modelEndpointKind) drop(ctx context.Context, s scene, state endpointState) error {
	defer k.looks.changed(s.id)
	if state.leaving() {
		return nil
	}
	if err := k.mayDeleteEndpoint(ctx, s, state); err != nil {
		return err
	}
	return k.dropEndpoint(ctx, s, state)
}

// sweep removes what an interrupted creation may have left behind.
func (k modelEndpointKind) sweep(ctx context.Context, s scene) error {
	defer k.looks.changed(s.id)
	return k.sweepEndpoint(ctx, s)
}

// mayDeleteEndpoint refuses what is protected, watched or busy. Nothing of an
// endpoint that never served is worth protecting.
func (k modelEndpointKind) mayDeleteEndpoint(ctx context.Context, s scene, state endpointState) error {
	if f := state.force(); f != nil && f.Spec.DeletionProtection {
		return &mlops.Error{
			Code: mlops.Invalid, Field: mlops.At("deletion_protection").String(),
			Err: fmt.Errorf("%s is protected; set deletion_protection = false and apply, then delete it", s.id),
		}
	}
	by, err := k.endpointWatcher(ctx, s)
	if err != nil {
		return err
	}
	if by != "" {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("%q is watched by %q; delete the monitor first", s.id, by))
	}
	if state.busy() {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("%q is %s; SageMaker deletes it when that has ended", s.id, state.status))
	}
	return nil
}

// settledStatus are the statuses in which SageMaker lets an endpoint be changed.
func settledStatus(status types.EndpointStatus) bool {
	switch status {
	case types.EndpointStatusInService, types.EndpointStatusFailed, types.EndpointStatusOutOfService, types.EndpointStatusUpdateRollbackFailed:
		return true
	case types.EndpointStatusCreating, types.EndpointStatusUpdating, types.EndpointStatusSystemUpdating, types.EndpointStatusRollingBack, types.EndpointStatusDeleting:
	}
	return false
}
