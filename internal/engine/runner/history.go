package runner

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// history lists the runs that a run succeeded in the same resource: those that
// it came after, and failed runs of the same requests. Nothing but this run
// leads to them any more, so they go with it.
func (s *Service) history(ctx context.Context, r record) ([]mlops.ID, error) {
	after := r.Observed().Spec.After
	if after == "" && tokenOf(r.ID.Name()) == r.ID.Name() {
		return nil, nil // the first run of its resource
	}
	all, err := s.Store.Runs().List(ctx, r.ID.Parent())
	if err != nil {
		return nil, err
	}
	tokens := map[string]bool{tokenOf(r.ID.Name()): true}
	if after != "" {
		tokens[tokenOf(after.Name())] = true
	}
	var past []mlops.ID
	for i := len(all) - 1; i >= 0; i-- { // newest first: a run is seen before what it came after
		old := all[i]
		if old.ID == r.ID || old.Owner != r.Owner || old.Created.After(r.Created) || !tokens[tokenOf(old.ID.Name())] {
			continue
		}
		past = append(past, old.ID)
		if after := old.Observed().Spec.After; after != "" {
			tokens[tokenOf(after.Name())] = true
		}
	}
	return past, nil
}

// DeleteUnowned removes the runs of a pipeline that no configuration owns:
// those that its schedule started. It does not wait for them to be gone.
func (s *Service) DeleteUnowned(ctx context.Context, pipeline mlops.ID) error {
	all, err := s.Store.Runs().List(ctx, pipeline)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Owner != "" {
			continue
		}
		if err := s.Delete(ctx, r.ID); err != nil && mlops.CodeOf(err) != mlops.NotFound {
			return err
		}
	}
	return nil
}
