package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// guard can refuse a change, inside the transaction that makes it.
type guard func(*store.Tx) error

// validator is a spec that can check itself.
type validator interface{ Validate(c *mlops.Checker) }

// check refuses a spec, or a name, that can never be right.
func check(name string, spec validator) error {
	c := mlops.NewChecker()
	mlops.PortableName().CheckName(c, mlops.At("name"), name)
	spec.Validate(c)
	return c.Err()
}

// create puts a spec in force for a new object, or for one that the acting
// owner has already, or that nobody has. Complete adds to the record what goes
// with the spec.
func create[S, T any](ctx context.Context, s *store.Store, t store.Table[S, T], id mlops.ID, spec S, allow guard, complete ...func(*store.Record[S, T])) (mlops.Change, error) {
	return change(ctx, s, func(tx *store.Tx) (mlops.Change, error) {
		return createTx(ctx, tx, t, id, spec, allow, complete)
	})
}

func createTx[S, T any](ctx context.Context, tx *store.Tx, t store.Table[S, T], id mlops.ID, spec S, allow guard, complete []func(*store.Record[S, T])) (mlops.Change, error) {
	r, err := t.GetTx(ctx, tx, id)
	switch {
	case mlops.CodeOf(err) == mlops.NotFound:
		r = store.Record[S, T]{ID: id, Created: time.Now()}
	case err != nil:
		return mlops.Change{}, err
	case r.Owner != "" && r.Owner != api.Owner(ctx):
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%s already exists and belongs to another configuration; import it, or choose another name", id))
	}
	return put(ctx, tx, t, r, spec, allow, complete)
}

// update puts a spec in force for an object that exists. The acting owner has
// it from now on: who changes an object by its ID has imported it.
func update[S, T any](ctx context.Context, s *store.Store, t store.Table[S, T], id mlops.ID, spec S, allow guard, complete ...func(*store.Record[S, T])) (mlops.Change, error) {
	return change(ctx, s, func(tx *store.Tx) (mlops.Change, error) {
		return updateTx(ctx, tx, t, id, spec, allow, complete)
	})
}

func updateTx[S, T any](ctx context.Context, tx *store.Tx, t store.Table[S, T], id mlops.ID, spec S, allow guard, complete []func(*store.Record[S, T])) (mlops.Change, error) {
	r, err := t.GetTx(ctx, tx, id)
	if err != nil {
		return mlops.Change{}, err
	}
	return put(ctx, tx, t, r, spec, allow, complete)
}

// change runs f in a write transaction and returns what it did, if it did.
func change(ctx context.Context, s *store.Store, f func(*store.Tx) (mlops.Change, error)) (c mlops.Change, err error) {
	err = s.Write(ctx, func(tx *store.Tx) (err error) {
		c, err = f(tx)
		return err
	})
	if err != nil {
		return mlops.Change{}, err
	}
	return c, nil
}

// put writes a record with a spec in force.
func put[S, T any](ctx context.Context, tx *store.Tx, t store.Table[S, T], r store.Record[S, T], spec S, allow guard, complete []func(*store.Record[S, T])) (mlops.Change, error) {
	if err := usable(r); err != nil {
		return mlops.Change{}, err
	}
	if err := allow(tx); err != nil {
		return mlops.Change{}, err
	}
	r.Owner = api.Owner(ctx)
	r.Wanted, r.WantedRevision = &spec, mlops.DigestOf(spec)
	r.Settle()
	for _, f := range complete {
		f(&r)
	}
	return mlops.Change{Ref: r.ID, Revision: r.Revision}, t.PutTx(ctx, tx, r)
}

// usable refuses an object that is on its way to being gone.
func usable[S, T any](r store.Record[S, T]) error {
	if r.Phase == mlops.PhaseDeleting {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is being deleted", r.ID))
	}
	return nil
}

// parent insists that the object that a spec's attribute refers to is there.
func parent[S, T any](ctx context.Context, tx *store.Tx, t store.Table[S, T], field string, id mlops.ID) error {
	r, err := t.GetTx(ctx, tx, id)
	if mlops.CodeOf(err) == mlops.NotFound {
		return mlops.InvalidField(field, "there is no %s", id)
	}
	if err != nil {
		return err
	}
	return usable(r)
}

// stays refuses a change that would move an object to another ID.
func stays(from, to mlops.ID) error {
	if from != to {
		return mlops.InvalidField("name", "%s cannot become %s", from, to)
	}
	return nil
}

// get takes one look through a noun's eyes.
func get[S, T any](ctx context.Context, t store.Table[S, T], id mlops.ID, observe func(store.Record[S, T]) mlops.Observed[S, T]) (mlops.Observed[S, T], error) {
	r, err := t.Get(ctx, id)
	if err != nil {
		return mlops.Observed[S, T]{}, err
	}
	return observe(r), nil
}

// list takes one look at all below an ID.
func list[S, T any](ctx context.Context, t store.Table[S, T], under mlops.ID, observe func(store.Record[S, T]) mlops.Observed[S, T]) ([]mlops.Observed[S, T], error) {
	records, err := t.List(ctx, under)
	if err != nil {
		return nil, err
	}
	out := make([]mlops.Observed[S, T], 0, len(records))
	for _, r := range records {
		out = append(out, observe(r))
	}
	return out, nil
}
