package local

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// engineKind is what is used of the engine's client for each noun. Finding and
// starting the engine is the client's.
type engineKind[Spec, Status any] interface {
	mlops.Kind[Spec, Status]
	mlops.Lister[Spec, Status]
}

// specification is what every spec can do.
type specification interface {
	mlops.Validator
	mlops.FeatureUser
}

// kind is one noun. It refuses what can be known to be wrong before an engine
// is started for it.
type kind[Spec specification, Status any] struct {
	engineKind[Spec, Status]

	noun   mlops.Noun
	nameOf func(Spec) string // nil for a noun that is numbered
}

// Create starts the creation; see mlops.Kind.
func (k kind[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	if err := k.check(spec); err != nil {
		return mlops.Change{}, err
	}
	return k.engineKind.Create(ctx, spec)
}

// Update starts a change; see mlops.Kind.
func (k kind[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if err := k.check(spec); err != nil {
		return mlops.Change{}, err
	}
	return k.engineKind.Update(ctx, ref, spec)
}

// check refuses what the spec alone shows to be impossible.
func (k kind[Spec, Status]) check(spec Spec) error {
	c := mlops.NewChecker()
	if k.nameOf != nil {
		capabilities().NameRule(k.noun).CheckName(c, mlops.At("name"), k.nameOf(spec))
	}
	spec.Validate(c)
	if err := c.Err(); err != nil {
		return err
	}
	capabilities().CheckFeatures(c, name, spec)
	err := c.Err()
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		e.Code = mlops.Unsupported
	}
	return err
}
