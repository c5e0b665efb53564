package store

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Counts tells how many objects there are of each noun that has any.
func (s *Store) Counts(ctx context.Context) (counts map[mlops.Noun]int, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT noun, count(*) FROM objects GROUP BY noun")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	counts = map[mlops.Noun]int{}
	for rows.Next() {
		var noun mlops.Noun
		var n int
		if err := rows.Scan(&noun, &n); err != nil {
			return nil, err
		}
		counts[noun] = n
	}
	return counts, rows.Err()
}
