package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Target is one noun on one opened backend. Its methods wait until what they
// started is done, or until ctx ends. They are safe for concurrent use.
//
// Every error is an *mlops.Error that names operation, object, backend and
// code, except that a cancelled ctx gives context.Canceled untouched. A ctx
// whose deadline passes gives code Timeout, with the last phase, its reason and
// the time spent in the message.
type Target[Spec, Status any] struct {
	Kind    mlops.Kind[Spec, Status]
	Code    func(error) mlops.Code // the backend's classifier
	Backend string                 // the backend's name, for messages
	Noun    mlops.Noun
	Reads   *Reads // shared by all targets of one provider instance; nil reads one by one
	// Capabilities is the backend's table. Rollouts that it calls emulated are
	// driven from here; without it, every change is the platform's own business.
	Capabilities mlops.Capabilities
	// Saw is told of each look at the object, for progress; nil tells nobody.
	Saw func(mlops.Observed[Spec, Status])
}

// The operations, as errors and logs name them.
const (
	opCreate = "create"
	opRead   = "read"
	opUpdate = "update"
	opDelete = "delete"
)

// Create brings an object into being and waits until it is ready.
//
// Record is called with the object's identity as soon as it is known: before
// the first look, and also when the call that starts the creation fails after
// the object may have come to exist. It is called again if a repeated call
// learns more, and must not block.
//
// A platform that gives up gives code Failed, with the object as it was last
// seen.
func (t Target[Spec, Status]) Create(ctx context.Context, spec Spec, record func(mlops.Change)) (mlops.Observed[Spec, Status], error) {
	w := t.begin(ctx, opCreate, subject(spec))
	defer t.changes(w.id)()

	change, err := t.start(ctx, record, func() (mlops.Change, error) { return t.Kind.Create(ctx, spec) })
	return t.finish(ctx, w, change, err)
}

// Read takes one look, which a look at other objects of the same parent may
// have answered a few seconds ago; what it returns may be shared and must not
// be modified. An object that is gone is code NotFound. A phase other than
// ready is no error.
func (t Target[Spec, Status]) Read(ctx context.Context, id mlops.ID) (mlops.Observed[Spec, Status], error) {
	if seen, ok := t.listed(ctx, id); ok {
		return presented(seen), nil
	}
	w := t.begin(ctx, opRead, id)
	seen, err := t.look(ctx, id)
	if err != nil {
		return seen, t.fault(ctx, w, err)
	}
	return presented(seen), nil
}

// List returns the objects under a parent, as Read would show them. A Kind that
// does not list is code Unsupported.
func (t Target[Spec, Status]) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	w := t.begin(ctx, opRead, parent)
	lister, ok := t.Kind.(mlops.Lister[Spec, Status])
	if !ok {
		return nil, t.wrap(ctx, w, mlops.NewError(mlops.Unsupported, fmt.Errorf("%s does not list its %ss", t.Backend, t.Noun.Words())))
	}
	var all []mlops.Observed[Spec, Status]
	err := t.persist(ctx, func() (err error) {
		all, err = lister.List(ctx, parent)
		return err
	})
	if err != nil {
		return nil, t.fault(ctx, w, err)
	}
	out := make([]mlops.Observed[Spec, Status], len(all))
	for i, seen := range all {
		out[i] = presented(seen)
	}
	return out, nil
}

// Update changes an object to spec and waits until that spec is in force.
// Record is called as for Create; for an immutable noun it may name a
// successor.
//
// An endpoint's change is taken step by step from here, where Capabilities calls
// the strategy of its rollout emulated. If ctx ends in between, the platform
// keeps the step; Read then shows the variants that were there before, and the
// next Update goes on, or goes back.
//
// If the platform went back to what it had, the error has code Failed and the
// object returned is the one in force.
func (t Target[Spec, Status]) Update(ctx context.Context, id mlops.ID, spec Spec, record func(mlops.Change)) (mlops.Observed[Spec, Status], error) {
	w := t.begin(ctx, opUpdate, id)
	defer t.changes(id)()

	if seen, driven, err := t.drive(ctx, w, spec, record); driven {
		return seen, err
	}
	change, err := t.start(ctx, record, func() (mlops.Change, error) { return t.Kind.Update(ctx, id, spec) })
	return t.finish(ctx, w, change, err)
}

// Delete removes an object and waits until it is gone. One that is gone already
// is success. While the object is in use the deletion is tried again, until
// ctx ends; the error then has code Conflict.
func (t Target[Spec, Status]) Delete(ctx context.Context, id mlops.ID) error {
	w := t.begin(ctx, opDelete, id)
	defer t.changes(id)()

	err := t.startDelete(ctx, w)
	if err == nil {
		_, err = t.settle(ctx, w, id, goneGoal[Spec, Status])
	}
	if err == nil || t.codeOf(ctx, err) == mlops.NotFound {
		return nil
	}
	return t.fault(ctx, w, err)
}

// start makes the call that begins a change, as often as passing faults demand.
// Repeating it is safe: Create and Update are idempotent.
func (t Target[Spec, Status]) start(ctx context.Context, record func(mlops.Change), call func() (mlops.Change, error)) (mlops.Change, error) {
	var change mlops.Change
	err := t.persist(ctx, func() error {
		got, err := call()
		if got.Ref != "" && got != change {
			change = got
			record(change)
		}
		return err
	})
	return change, err
}

// finish waits for a change that was started.
func (t Target[Spec, Status]) finish(ctx context.Context, w *watch, change mlops.Change, err error) (mlops.Observed[Spec, Status], error) {
	if change.Ref != "" {
		w.id = change.Ref
	}
	if err != nil {
		return mlops.Observed[Spec, Status]{}, t.fault(ctx, w, err)
	}
	seen, err := t.settle(ctx, w, change.Ref, readyGoal[Spec, Status](change.Revision))
	if err != nil {
		return seen, t.fault(ctx, w, err)
	}
	return seen, nil
}

// startDelete starts the deletion, again and again while the object is in use.
func (t Target[Spec, Status]) startDelete(ctx context.Context, w *watch) error {
	p := newPace()
	for {
		err := t.persist(ctx, func() error { return t.Kind.Delete(ctx, w.id) })
		if err == nil || t.codeOf(ctx, err) != mlops.Conflict {
			return err
		}
		w.blocked(ctx, err)
		if ended := rest(ctx, p.next(0)); errors.Is(ended, context.Canceled) {
			return ended
		} else if ended != nil {
			return w.stillInUse(err)
		}
	}
}

// look takes one look past passing faults.
func (t Target[Spec, Status]) look(ctx context.Context, id mlops.ID) (mlops.Observed[Spec, Status], error) {
	var seen mlops.Observed[Spec, Status]
	err := t.persist(ctx, func() (err error) {
		seen, err = t.Kind.Get(ctx, id)
		return err
	})
	if err == nil && t.Saw != nil {
		t.Saw(seen)
	}
	return seen, err
}

// changes makes the reads forget what they know of an object's environment,
// now and when the function that it returns is called: a list taken in between
// may show the object half-way.
func (t Target[Spec, Status]) changes(id mlops.ID) func() {
	t.Reads.forget(id)
	return func() { t.Reads.forget(id) }
}

// subject names what a creation is about: the object where its ID is known
// beforehand, else its parent.
func subject(spec any) mlops.ID {
	switch s := spec.(type) {
	case mlops.EnvironmentSpec:
		return s.ID
	case mlops.PipelineRunSpec:
		return s.Pipeline
	case mlops.ModelVersionSpec:
		return s.Model
	case interface{ ID() mlops.ID }:
		return s.ID()
	}
	return ""
}
