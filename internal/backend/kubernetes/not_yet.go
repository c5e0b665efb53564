package kubernetes

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// notYet is the kind of a noun that this backend does not have: there is none, and
// none can be made.
type notYet[Spec, Status any] struct{ noun mlops.Noun }

func (k notYet[Spec, Status]) refusal() error {
	return mlops.NewError(mlops.Unsupported, fmt.Errorf("there is no %s on %s yet", k.noun.Words(), name))
}

// Create is refused.
func (k notYet[Spec, Status]) Create(ctx context.Context, _ Spec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	return mlops.Change{}, k.refusal()
}

// Get is refused.
func (k notYet[Spec, Status]) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	if err := ctx.Err(); err != nil {
		return mlops.Observed[Spec, Status]{Ref: ref}, err
	}
	return mlops.Observed[Spec, Status]{Ref: ref}, k.refusal()
}

// Update is refused.
func (k notYet[Spec, Status]) Update(ctx context.Context, _ mlops.ID, spec Spec) (mlops.Change, error) {
	return k.Create(ctx, spec)
}

// Delete is refused.
func (k notYet[Spec, Status]) Delete(ctx context.Context, ref mlops.ID) error {
	_, err := k.Get(ctx, ref)
	return err
}
