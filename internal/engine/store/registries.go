package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// PutRegistry writes the sealed token for the registry of an environment, which
// is there; an empty one takes it away.
func (tx *Tx) PutRegistry(ctx context.Context, environment mlops.ID, token string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO registries (environment, token) VALUES (?, ?)
		ON CONFLICT (environment) DO UPDATE SET token = excluded.token`, environment, token)
	return err
}

// RegistryToken returns the sealed token for the registry of an environment, or "".
func (s *Store) RegistryToken(ctx context.Context, environment mlops.ID) (token string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT token FROM registries WHERE environment = ?", environment).Scan(&token)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return token, err
}
