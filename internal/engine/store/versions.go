package store

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// NextVersion gives the next number to a version of a model, counting from 1.
// A number is never given twice, whatever becomes of its version.
func (tx *Tx) NextVersion(ctx context.Context, model mlops.ID) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO version_numbers (model, last) VALUES (?, 1)
		ON CONFLICT (model) DO UPDATE SET last = last + 1 RETURNING last`, model).Scan(&n)
	return n, err
}
