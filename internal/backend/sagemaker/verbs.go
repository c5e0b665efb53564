package sagemaker

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// scene is what a noun's verbs need to know of an object of it: where it is, by
// which names, and whom to ask. Whether it is there, a look tells.
type scene struct {
	c     *clients
	place place
	files *store // the environment's bucket
	id    mlops.ID
	name  string // native
	arn   string
}

// naming is how a noun's objects are called on AWS.
type naming struct {
	noun    mlops.Noun
	longest int    // name, in characters; zero for a noun that is no object there
	arn     string // what stands before the name in SageMaker's ARN: "experiment/"
}

// sceneOf finds the place of an object. An environment that is not there, or a name
// that nothing can have, is NotFound.
func (b *backend) sceneOf(ctx context.Context, id mlops.ID, n naming) (scene, error) {
	s := scene{id: id}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(n.noun); err != nil {
		return s, invalid(err)
	}
	var err error
	if s.place, err = b.place(ctx, id); err != nil {
		return s, err
	}
	if s.c, err = b.in(ctx, id); err != nil {
		return s, err
	}
	s.files = &store{b, s.c.s3, s.place}
	if n.longest > 0 {
		s.name = nativeName(id, n.longest)
	}
	if n.arn != "" {
		s.arn = s.c.arn("sagemaker", s.place.Account, n.arn+s.name)
	}
	return s, nil
}

// sibling is the ARN of another of SageMaker's resources in the same account.
func (s scene) sibling(resource string) string {
	return s.c.arn("sagemaker", s.place.Account, resource)
}

// recorded is an object as a look finds it.
type recorded interface {
	// kept is the record that it carries.
	kept() record
	// leaving reports whether it was deleted, and is not gone yet.
	leaving() bool
}

// verbs is what a noun says of itself, for create, update and remove to be
// its four verbs. What those do for every noun alike: they refuse what cannot be,
// let one change of an object happen at a time, leave what others made alone, and
// adopt what an interrupted creation made.
type verbs[Spec identified, Scene any, Seen recorded] interface {
	// admit refuses a spec that can never be, or that refers to nothing.
	admit(ctx context.Context, spec Spec) error
	// scene says where an object would be.
	scene(ctx context.Context, id mlops.ID) (Scene, error)
	// look reads an object with its record. NotFound is one that is not there;
	// errNoRecord is in the error of one that something else made.
	look(ctx context.Context, s Scene) (Seen, error)
	// add makes an object that was not there.
	add(ctx context.Context, s Scene, spec Spec) (mlops.Change, error)
	// change brings one that is there to a spec.
	change(ctx context.Context, s Scene, spec Spec, old Seen) (mlops.Change, error)
	// drop removes it, or begins to. What is in use is a Conflict.
	drop(ctx context.Context, s Scene, seen Seen) error

	shared() *backend
}

// identified is a spec that knows its ID.
type identified interface{ ID() mlops.ID }

// shared is what a kind has of the backend.
func (b *backend) shared() *backend { return b }

// create makes an object, or brings its owner's own to the spec.
func create[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], spec Spec) (mlops.Change, error) {
	b := k.shared()
	s, unlock, err := begin(ctx, k, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := own(ctx, k, s)
	if b.is(err, mlops.NotFound) {
		made, errMade := k.add(ctx, s, spec)
		if !b.is(errMade, mlops.AlreadyExists) {
			return made, errMade
		}
		old, err = own(ctx, k, s) // another was faster, or an answer was lost
	}
	if err != nil {
		return mlops.Change{}, err
	}
	return bring(ctx, k, s, spec, old)
}

// update brings an object to a spec, in place.
func update[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], ref mlops.ID, spec Spec) (mlops.Change, error) {
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	s, unlock, err := begin(ctx, k, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := k.look(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	return bring(ctx, k, s, spec, old)
}

// begin admits a spec and waits for its object's turn.
func begin[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], spec Spec) (s Scene, unlock func(), err error) {
	if err := k.admit(ctx, spec); err != nil {
		return s, nil, err
	}
	if s, err = k.scene(ctx, spec.ID()); err != nil {
		return s, nil, err
	}
	unlock, err = k.shared().registering.lock(ctx, string(spec.ID()))
	return s, unlock, err
}

// own looks at an object that is this owner's to bring to a spec. One that is
// somebody else's is AlreadyExists.
func own[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], s Scene) (Seen, error) {
	seen, err := k.look(ctx, s)
	switch {
	case errors.Is(err, errNoRecord):
		err = mlops.NewError(mlops.AlreadyExists, errors.New(mlops.Message(err)))
	case err == nil && seen.kept().Owner != k.shared().options.Owner:
		err = mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%q belongs to another configuration", seen.kept().ID))
	}
	return seen, err
}

func bring[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], s Scene, spec Spec, old Seen) (mlops.Change, error) {
	if old.leaving() {
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%q is being deleted", spec.ID()))
	}
	return k.change(ctx, s, spec, old)
}

// remove deletes an object, or begins to.
func remove[Spec identified, Scene any, Seen recorded](ctx context.Context, k verbs[Spec, Scene, Seen], ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := k.shared().registering.lock(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := k.look(ctx, s)
	if err == nil {
		return k.drop(ctx, s, seen)
	}
	if w, ok := k.(sweeper[Scene]); ok && k.shared().is(err, mlops.NotFound) {
		return errors.Join(err, w.sweep(ctx, s))
	}
	return err
}

// sweeper is a noun whose object may be gone before all of its parts are, if a
// deletion was interrupted.
type sweeper[Scene any] interface {
	sweep(ctx context.Context, s Scene) error
}

// viewer is what a noun says of itself for show.
type viewer[Spec, Status, Scene, Seen any] interface {
	scene(ctx context.Context, id mlops.ID) (Scene, error)
	look(ctx context.Context, s Scene) (Seen, error)
	// observe says in the contract's words what a look found.
	observe(ctx context.Context, s Scene, seen Seen) (mlops.Observed[Spec, Status], error)
}

// show takes one look at an object.
func show[Spec, Status, Scene, Seen any](ctx context.Context, k viewer[Spec, Status, Scene, Seen], ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	none := mlops.Observed[Spec, Status]{Ref: ref}
	s, err := k.scene(ctx, ref)
	if err != nil {
		return none, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return none, err
	}
	return k.observe(ctx, s, seen)
}

// holder is a noun that knows which objects of it an environment may hold.
type holder[Spec, Status any] interface {
	mlops.Kind[Spec, Status]

	within(ctx context.Context, c *clients, p place) ([]mlops.ID, error)
	shared() *backend
}

// listAll looks at the objects of a noun in an environment: none in one that is not
// there, and none that is deleted meanwhile.
func listAll[Spec, Status any](ctx context.Context, k holder[Spec, Status], environment mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	all := []mlops.Observed[Spec, Status]{}
	b := k.shared()
	p, err := b.place(ctx, environment)
	if b.is(err, mlops.NotFound) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := b.in(ctx, environment)
	if err != nil {
		return nil, err
	}
	ids, err := k.within(ctx, c, p)
	if err != nil {
		return nil, err
	}
	found := make([]*mlops.Observed[Spec, Status], len(ids))
	err = each(ctx, ids, func(ctx context.Context, i int, id mlops.ID) error {
		one, err := k.Get(ctx, id)
		if err == nil {
			found[i] = &one
		}
		if b.is(err, mlops.NotFound) {
			return nil
		}
		return err
	})
	for _, one := range found {
		if one != nil {
			all = append(all, *one)
		}
	}
	return all, err
}
