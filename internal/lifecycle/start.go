package lifecycle

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Start begins the creation of an object, as Create does, and returns without
// waiting until it is ready.
func (t Target[Spec, Status]) Start(ctx context.Context, spec Spec, record func(mlops.Change)) (mlops.Change, error) {
	w := t.begin(ctx, opCreate, subject(spec))
	defer t.changes(w.id)()

	change, err := t.start(ctx, record, func() (mlops.Change, error) { return t.Kind.Create(ctx, spec) })
	if err != nil {
		return change, t.fault(ctx, w, err)
	}
	return change, nil
}
