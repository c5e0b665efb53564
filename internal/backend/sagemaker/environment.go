package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// environmentKind is the kind of environments. The record, an SSM parameter, is
// written first and removed last: what exists is always known.
type environmentKind struct{ *backend }

// The parts that the provider makes for an environment that brings none.
const (
	partBucket = "bucket"
	partRole   = "role"
	partTopic  = "topic"
	partBudget = "budget"
)

// Create makes the environment's parts, or brings its owner's own to the spec.
func (k environmentKind) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	if err := k.admitEnvironment(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.Take(ctx, string(spec.ID))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := k.own(ctx, spec.ID)
	if err != nil && !k.is(err, mlops.NotFound) {
		return mlops.Change{}, err
	}
	change, err := k.bring(ctx, spec, old)
	if old != nil || !k.is(err, mlops.AlreadyExists) || change.Revision != "" {
		return change, err
	}
	// The record is there after all: its writing may have been repeated when the
	// answer was lost.
	if old, err = k.own(ctx, spec.ID); err != nil {
		return mlops.Change{}, err
	}
	return k.bring(ctx, spec, old)
}

// own reads the place of an environment that is this owner's to bring to a spec.
func (k environmentKind) own(ctx context.Context, id mlops.ID) (*place, error) {
	p, err := k.readPlace(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Record.Owner != k.options.Owner {
		return nil, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("environment %q belongs to another configuration", id))
	}
	return &p, nil
}

// Update brings an environment to a spec.
func (k environmentKind) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	if err := k.admitEnvironment(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	if spec.ID != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID))
	}
	unlock, err := k.registering.Take(ctx, string(ref))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := k.readPlace(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.bring(ctx, spec, &old)
}

// bring writes the record and then makes the parts what it says. Old is nil for
// an environment that is not there. While the record is not known to be written,
// the change has no revision.
func (k environmentKind) bring(ctx context.Context, spec mlops.EnvironmentSpec, old *place) (mlops.Change, error) {
	if old != nil && old.Deleting {
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("environment %q is being deleted", spec.ID))
	}
	c, err := k.in(ctx, spec.ID)
	if err != nil {
		return mlops.Change{}, err
	}
	next, err := k.plan(ctx, c, spec, old)
	if err != nil {
		return mlops.Change{}, err
	}
	change := mlops.Change{Ref: spec.ID, Revision: next.Record.Revision}
	if old != nil && old.inForce() && old.Applied == change.Revision {
		phase, _, err := k.whole(ctx, c, *old)
		if err != nil || phase == mlops.PhaseReady {
			return change, err
		}
		next.Effective = false // the role may be what is gone
	}
	if err := k.write(ctx, c, next, old == nil); err != nil {
		return mlops.Change{Ref: spec.ID}, err
	}
	return change, k.carryOut(ctx, c, next)
}

// carryOut makes the parts what the record says, and notes that they are.
func (k environmentKind) carryOut(ctx context.Context, c *clients, p place) error {
	if err := k.makeParts(ctx, c, p); err != nil {
		return err
	}
	if slices.Contains(p.Left, partBudget) {
		if err := k.dropBudget(ctx, c, p); err != nil && !k.is(err, mlops.NotFound) {
			return fmt.Errorf("%s: %w", partBudget, err)
		}
		p.Left = slices.DeleteFunc(p.Left, func(part string) bool { return part == partBudget })
	}
	p.Applied, p.Former = p.Record.Revision, ""
	return k.write(ctx, c, p, false)
}

// inForce reports whether the last change was carried out to its end.
func (p place) inForce() bool { return p.Applied == p.Record.Revision && p.Former == "" }

// Get looks at the record, and whether the bucket and the role are still there. A
// change that was interrupted is shown by the former spec.
func (k environmentKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	seen := mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{Ref: ref}
	if _, err := ref.ParseAs(mlops.NounEnvironment); err != nil {
		return seen, invalid(err)
	}
	p, err := k.readPlace(ctx, ref)
	if err != nil {
		return seen, err
	}
	c, err := k.in(ctx, ref)
	if err != nil {
		return seen, err
	}
	seen.Spec, seen.Revision = p.spec, p.Record.Revision
	seen.Status.CreatedAt = p.Record.Created
	seen.Native = p.native(c)
	seen.Phase, seen.Reason, seen.Due = mlops.PhaseReady, "", false
	switch {
	case p.Deleting:
		seen.Phase, seen.Reason, seen.Due = mlops.PhaseDeleting, "its parts are being removed", true
	case p.Applied == "":
		seen.Phase, seen.Reason = mlops.PhaseFailed, "its creation was interrupted; apply again"
	case p.Applied == p.Record.Revision && p.Former != "":
		seen.Phase, seen.Reason = mlops.PhaseFailed, "its repair was interrupted; apply again"
	case !p.inForce():
		seen.Revision, seen.Reason = p.Applied, "the last change was interrupted; apply again"
		seen.Spec, err = p.former()
	case !p.Effective:
		seen.Phase, seen.Reason, seen.Due = mlops.PhasePending, "the role "+p.Role+" is not in effect yet", true
	default:
		seen.Phase, seen.Reason, err = k.whole(ctx, c, p)
	}
	return seen, err
}

// turn waits for an environment's turn to be changed, and reads its record anew.
func (k environmentKind) turn(ctx context.Context, ref mlops.ID) (p place, c *clients, unlock func(), err error) {
	unlock, err = k.registering.Take(ctx, string(ref))
	if err != nil {
		return p, nil, nil, err
	}
	if p, err = k.readPlace(ctx, ref); err == nil {
		c, err = k.in(ctx, ref)
	}
	if err != nil {
		unlock()
	}
	return p, c, unlock, err
}

// Advance takes the next step: proves the role, or removes more.
func (k environmentKind) Advance(ctx context.Context, ref mlops.ID) error {
	p, c, unlock, err := k.turn(ctx, ref)
	if err != nil {
		return err
	}
	defer unlock()
	switch {
	case p.Deleting:
		return k.removeStep(ctx, c, p)
	case p.Effective || !p.inForce():
		return nil
	}
	effective, err := k.probeRole(ctx, c, p)
	if err != nil || !effective {
		return err
	}
	p.Effective = true
	return k.write(ctx, c, p, false)
}

// Delete starts to remove what the provider made. An environment that is
// protected is Invalid, one with anything in it a Conflict.
func (k environmentKind) Delete(ctx context.Context, ref mlops.ID) error {
	p, c, unlock, err := k.turn(ctx, ref)
	if err != nil {
		return err
	}
	defer unlock()
	if !p.Deleting {
		if p.spec.DeletionProtection && p.Applied != "" { // half an environment is not worth it
			return mlops.InvalidField("deletion_protection", "%q is protected; set deletion_protection = false and apply, then delete it", ref)
		}
		if err := k.vacant(ctx, c, p); err != nil {
			return err
		}
		p.Deleting = true
		if err := k.write(ctx, c, p, false); err != nil {
			return err
		}
	}
	return k.removeStep(ctx, c, p)
}

// admitEnvironment refuses what can never be.
func (k environmentKind) admitEnvironment(ctx context.Context, spec mlops.EnvironmentSpec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := capabilities().Admit(name, mlops.NounEnvironment, spec.Name, spec); err != nil {
		return err
	}
	region, err := regionOf(spec.ID)
	if err != nil {
		return err
	}
	check := mlops.NewChecker()
	k.checkTags(check, spec, spec)
	checkTarget(check, spec.Target.Settings, region)
	checkBudget(check, spec.Budget)
	return check.Err()
}

// Preflight refuses what only AWS does not take; see mlops.Preflighter.
func (k environmentKind) Preflight(_ context.Context, spec mlops.EnvironmentSpec, c *mlops.Checker) error {
	k.checkTags(c, spec, spec)
	region, err := regionOf(spec.ID)
	if err != nil {
		return nil //nolint:nilerr // the ID is not known yet
	}
	checkTarget(c, spec.Target.Settings, region)
	checkBudget(c, spec.Budget)
	return nil
}

// vacant insists that nothing is in an environment: neither nouns, nor objects in
// its bucket that the provider did not put there.
func (k environmentKind) vacant(ctx context.Context, c *clients, p place) error {
	who, err := k.tenant(ctx, c, p)
	what := string(who)
	if err == nil && what == "" && p.made(partBucket) && p.Applied != "" {
		what, err = k.foreignObject(ctx, c, p)
	}
	if err != nil || what == "" {
		return err
	}
	return mlops.NewError(mlops.Conflict, errors.New(string(p.Record.ID)+" is not empty: "+what+" is in it"))
}
