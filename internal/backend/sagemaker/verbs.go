package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
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
	// blank, where it is not nil, is set by a look that found nothing of the object at
	// all: neither itself nor what a former one of its name may have left.
	blank *bool
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

// governed is what a noun says of itself, for create, update and remove to be
// its four verbs; see verbs.Noun.
type governed[Spec identified, Scene any, Seen recorded] interface {
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

// noun is how a kind's verbs are carried out.
func noun[Spec identified, Scene any, Seen recorded](k governed[Spec, Scene, Seen]) verbs.Noun[Spec, Scene, Seen] {
	b := k.shared()
	n := verbs.Noun[Spec, Scene, Seen]{
		Owner: b.options.Owner, Turns: &b.registering, Code: b.Code, ID: Spec.ID, Kept: keptIn[Seen],
		Admit: k.admit, Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop,
	}
	if w, ok := k.(sweeper[Scene]); ok {
		n.Sweep = w.sweep
	}
	return n
}

// keptIn is what verbs need of an object's record.
func keptIn[Seen recorded](seen Seen) verbs.Kept {
	r := seen.kept()
	return verbs.Kept{ID: r.ID, Owner: r.Owner, Leaving: seen.leaving()}
}

// create makes an object, or brings its owner's own to the spec.
func create[Spec identified, Scene any, Seen recorded](ctx context.Context, k governed[Spec, Scene, Seen], spec Spec) (mlops.Change, error) {
	return noun(k).Create(ctx, spec)
}

// update brings an object to a spec, in place.
func update[Spec identified, Scene any, Seen recorded](ctx context.Context, k governed[Spec, Scene, Seen], ref mlops.ID, spec Spec) (mlops.Change, error) {
	return noun(k).Update(ctx, ref, spec)
}

// remove deletes an object, or begins to.
func remove[Spec identified, Scene any, Seen recorded](ctx context.Context, k governed[Spec, Scene, Seen], ref mlops.ID) error {
	return noun(k).Remove(ctx, ref)
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
