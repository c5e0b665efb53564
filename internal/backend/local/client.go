package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// engineKind is what is used of the engine's client for each noun. Finding and
// starting the engine is the client's.
type engineKind[Spec, Status any] interface {
	mlops.Kind[Spec, Status]
	mlops.Lister[Spec, Status]
}

// kind is one noun. It refuses what can be known to be wrong before an engine
// is started for it.
type kind[Spec mlops.Spec, Status any] struct {
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
	own := ""
	if k.nameOf != nil {
		own = k.nameOf(spec)
	}
	return capabilities().Admit(name, k.noun, own, spec)
}
