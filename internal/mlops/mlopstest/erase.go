package mlopstest

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// anyKind is a Kind whose types are erased, so that one rule is for all nouns.
type anyKind interface {
	mlops.Kind[any, any]
	mlops.Lister[any, any]
	mlops.Advancer

	lists() bool // whether List is the platform's
	// survey is the kind's Survey; ok tells whether it has one.
	survey(ctx context.Context, environment mlops.ID) (all []observed, ok bool, err error)
}

type erased[Spec, Status any] struct {
	kind mlops.Kind[Spec, Status]
}

func erase[Spec, Status any](kind mlops.Kind[Spec, Status]) anyKind {
	return erased[Spec, Status]{kind}
}

// Create is the kind's.
func (e erased[Spec, Status]) Create(ctx context.Context, spec any) (mlops.Change, error) {
	return e.kind.Create(ctx, as[Spec](spec))
}

// Get is the kind's.
func (e erased[Spec, Status]) Get(ctx context.Context, ref mlops.ID) (observed, error) {
	seen, err := e.kind.Get(ctx, ref)
	return eraseOne(seen), err
}

// Update is the kind's.
func (e erased[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec any) (mlops.Change, error) {
	return e.kind.Update(ctx, ref, as[Spec](spec))
}

// Delete is the kind's.
func (e erased[Spec, Status]) Delete(ctx context.Context, ref mlops.ID) error {
	return e.kind.Delete(ctx, ref)
}

// List is the kind's, if it has one.
func (e erased[Spec, Status]) List(ctx context.Context, parent mlops.ID) ([]observed, error) {
	lister, ok := e.kind.(mlops.Lister[Spec, Status])
	if !ok {
		return nil, fmt.Errorf("%T does not list", e.kind)
	}
	all, err := lister.List(ctx, parent)
	return eraseAll(all), err
}

func (e erased[Spec, Status]) survey(ctx context.Context, environment mlops.ID) ([]observed, bool, error) {
	surveyor, ok := e.kind.(mlops.Surveyor[Spec, Status])
	if !ok {
		return nil, false, nil
	}
	all, err := surveyor.Survey(ctx, environment)
	return eraseAll(all), true, err
}

// Advance is the kind's, if it has one.
func (e erased[Spec, Status]) Advance(ctx context.Context, ref mlops.ID) error {
	advancer, ok := e.kind.(mlops.Advancer)
	if !ok {
		return fmt.Errorf("%T says that a step is due, and takes none", e.kind)
	}
	return advancer.Advance(ctx, ref)
}

func (e erased[Spec, Status]) lists() bool {
	_, ok := e.kind.(mlops.Lister[Spec, Status])
	return ok
}

// as gives an erased value its type back. Another type is a mistake in a rule.
func as[T any](v any) T {
	typed, ok := v.(T)
	if !ok {
		panic(fmt.Sprintf("mlopstest: a rule took a %T for a %T", v, typed))
	}
	return typed
}

func eraseAll[Spec, Status any](all []mlops.Observed[Spec, Status]) []observed {
	out := make([]observed, 0, len(all))
	for _, seen := range all {
		out = append(out, eraseOne(seen))
	}
	return out
}

func eraseOne[Spec, Status any](seen mlops.Observed[Spec, Status]) observed {
	return observed{
		Ref: seen.Ref, Spec: seen.Spec, Status: seen.Status, Phase: seen.Phase,
		Revision: seen.Revision, Reason: seen.Reason, Native: seen.Native, Wait: seen.Wait, Due: seen.Due,
	}
}
