package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ErrNoRecord is in the error of an object that the provider did not make.
var ErrNoRecord = errors.New("it has no record of this provider: something else made it")

// Kept is what an object's record says of the object itself.
type Kept struct {
	ID      mlops.ID
	Owner   string
	Leaving bool // it was deleted, and is not gone yet
}

// Noun is what a backend says of one noun. Scene is where an object is and whom to
// ask of it; Seen is the object as a look finds it. All functions but Sweep are
// needed.
type Noun[Spec, Scene, Seen any] struct {
	Owner string                            // in whose name all of this happens
	Turns *Turns                            // shared by all that change the same objects
	Code  func(error) mlops.Code            // the backend's classifier
	ID    func(spec Spec) mlops.ID          // of the object that a spec describes
	Kept  func(seen Seen) Kept              //
	Admit func(context.Context, Spec) error // refuses a spec that can never be, or that refers to nothing
	// Scene says where an object would be. NotFound is an environment that is not there.
	Scene func(context.Context, mlops.ID) (Scene, error)
	// Look reads an object with its record. NotFound is one that is not there;
	// ErrNoRecord is in the error of one that something else made.
	Look func(context.Context, Scene) (Seen, error)
	// Add makes an object that was not there.
	Add func(context.Context, Scene, Spec) (mlops.Change, error)
	// Change brings one that is there to a spec.
	Change func(context.Context, Scene, Spec, Seen) (mlops.Change, error)
	// Drop removes it, or begins to. What is in use is a Conflict.
	Drop func(context.Context, Scene, Seen) error
	// Sweep removes what a deletion that was interrupted left of an object that is
	// gone. Nil where nothing can be left.
	Sweep func(context.Context, Scene) error
}

// Create makes an object, or brings its owner's own to the spec.
func (n Noun[Spec, Scene, Seen]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	s, unlock, err := n.begin(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := n.own(ctx, s)
	if n.is(err, mlops.NotFound) {
		made, errMade := n.Add(ctx, s, spec)
		if !n.is(errMade, mlops.AlreadyExists) {
			return made, errMade
		}
		old, err = n.own(ctx, s) // another was faster, or an answer was lost
	}
	if err != nil {
		return mlops.Change{}, err
	}
	return n.bring(ctx, s, spec, old)
}

// Update brings an object to a spec, in place.
func (n Noun[Spec, Scene, Seen]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if n.ID(spec) != ref {
		return mlops.Change{}, mlops.NewError(mlops.Invalid, fmt.Errorf("%s cannot become %s", ref, n.ID(spec)))
	}
	s, unlock, err := n.begin(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := n.Look(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	return n.bring(ctx, s, spec, old)
}

// Remove deletes an object, or begins to.
func (n Noun[Spec, Scene, Seen]) Remove(ctx context.Context, ref mlops.ID) error {
	s, err := n.Scene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := n.Turns.Take(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := n.Look(ctx, s)
	if err == nil {
		return n.Drop(ctx, s, seen)
	}
	if n.Sweep != nil && n.is(err, mlops.NotFound) {
		return errors.Join(err, n.Sweep(ctx, s))
	}
	return err
}

// Advance looks at an object in its turn, and has step take the next step of a change
// or of a deletion.
func (n Noun[Spec, Scene, Seen]) Advance(ctx context.Context, ref mlops.ID, step func(context.Context, Scene, Seen) error) error {
	s, err := n.Scene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := n.Turns.Take(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := n.Look(ctx, s)
	if err != nil {
		return err
	}
	return step(ctx, s, seen)
}

// begin admits a spec and waits for its object's turn.
func (n Noun[Spec, Scene, Seen]) begin(ctx context.Context, spec Spec) (s Scene, unlock func(), err error) {
	if err := n.Admit(ctx, spec); err != nil {
		return s, nil, err
	}
	if s, err = n.Scene(ctx, n.ID(spec)); err != nil {
		return s, nil, err
	}
	unlock, err = n.Turns.Take(ctx, string(n.ID(spec)))
	return s, unlock, err
}

// own looks at an object that is this owner's to bring to a spec. One that is
// somebody else's is AlreadyExists.
func (n Noun[Spec, Scene, Seen]) own(ctx context.Context, s Scene) (Seen, error) {
	seen, err := n.Look(ctx, s)
	switch {
	case errors.Is(err, ErrNoRecord):
		err = mlops.NewError(mlops.AlreadyExists, errors.New(mlops.Message(err)))
	case err == nil && n.Kept(seen).Owner != n.Owner:
		err = mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%q belongs to another configuration", n.Kept(seen).ID))
	}
	return seen, err
}

func (n Noun[Spec, Scene, Seen]) bring(ctx context.Context, s Scene, spec Spec, old Seen) (mlops.Change, error) {
	if n.Kept(old).Leaving {
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%q is being deleted", n.ID(spec)))
	}
	return n.Change(ctx, s, spec, old)
}

func (n Noun[Spec, Scene, Seen]) is(err error, code mlops.Code) bool {
	return err != nil && n.Code(err) == code
}
