package sagemaker

import (
	"context"
	"errors"
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

// endpointScene is what an endpoint's verbs need to know.
type endpointScene struct {
	c       *clients
	place   place
	account string
	id      mlops.ID
	name    string // native
}

// arn is the endpoint's ARN.
func (s endpointScene) arn() string {
	return s.c.arn("sagemaker", s.account, "endpoint/"+s.name)
}

func (k modelEndpointKind) scene(ctx context.Context, id mlops.ID) (endpointScene, error) {
	s := endpointScene{id: id, name: nativeName(id, maxName)}
	parsed, err := id.ParseAs(mlops.NounModelEndpoint)
	if err != nil {
		return s, invalid(err)
	}
	check := mlops.NewChecker()
	capabilities().NameRule(mlops.NounModelEndpoint).CheckName(check, mlops.At("name"), parsed.Name)
	if err := check.Err(); err != nil {
		return s, err
	}
	if s.place, err = k.place(ctx, id); err != nil {
		return s, err
	}
	if s.c, err = k.in(ctx, id); err != nil {
		return s, err
	}
	s.account, err = s.c.account(ctx)
	return s, err
}

// Create makes models and a configuration, and then the endpoint, which carries the
// record from its first moment.
func (k modelEndpointKind) Create(ctx context.Context, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	s, err := k.admit(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	old, err := k.endpointState(ctx, s)
	switch {
	case errors.Is(err, errNoRecord):
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("the endpoint %s exists: %w", s.name, err))
	case k.is(err, mlops.NotFound):
		old = endpointState{}
	case err != nil:
		return mlops.Change{}, err
	case old.record.Owner != k.options.Owner:
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("endpoint %q belongs to another configuration", s.id))
	}
	return k.change(ctx, s, old, spec)
}

// Update brings an endpoint to a spec. One that is busy takes the change up when it
// has settled.
func (k modelEndpointKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	s, err := k.scene(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	old, err := k.endpointState(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	if _, err := k.admit(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	return k.change(ctx, s, old, spec)
}

// change records what is asked for, and begins it where SageMaker is ready for it.
func (k modelEndpointKind) change(ctx context.Context, s endpointScene, old endpointState, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	if old.leaving() {
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%q is being deleted", s.id))
	}
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

// Get takes one look: at the endpoint and its tags.
func (k modelEndpointKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus], error) {
	seen := mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Ref: ref}
	s, err := k.scene(ctx, ref)
	if err != nil {
		return seen, err
	}
	state, err := k.endpointState(ctx, s)
	if err != nil {
		return seen, err
	}
	return state.observed(s), nil
}

// Advance takes the step that is due; see mlops.Advancer.
func (k modelEndpointKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	state, err := k.endpointState(ctx, s)
	if err != nil {
		return err
	}
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

// Delete begins the deletion. What cannot be removed while the endpoint is there
// follows by Advance; a mark on its configurations says so.
func (k modelEndpointKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	state, err := k.endpointState(ctx, s)
	switch {
	case k.is(err, mlops.NotFound):
		// An interrupted creation may have left parts behind.
		return errors.Join(err, k.sweepEndpoint(ctx, s))
	case errors.Is(err, errNoRecord):
		return mlops.NewError(mlops.Conflict, fmt.Errorf("the endpoint %s is left alone: %w", s.name, err))
	case err != nil:
		return err
	case state.leaving():
		return nil
	}
	if err := k.mayDeleteEndpoint(ctx, s, state); err != nil {
		return err
	}
	return k.dropEndpoint(ctx, s, state)
}

// mayDeleteEndpoint refuses what is protected, watched or busy. Nothing of an
// endpoint that never served is worth protecting.
func (k modelEndpointKind) mayDeleteEndpoint(ctx context.Context, s endpointScene, state endpointState) error {
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
