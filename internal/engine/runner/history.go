package runner

import (
	"context"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// history lists the runs that a run succeeded in the same resource: those that
// it came after, and failed runs of the same requests. Nothing but the newest
// run leads to them, so they go with it. A run that has a successor is history
// itself, and goes alone.
func (s *Service) history(ctx context.Context, r record) ([]mlops.ID, error) {
	after := r.Observed().Spec.After
	if after == "" && tokenOf(r.ID.Name()) == r.ID.Name() {
		return nil, nil // the first run of its resource
	}
	all, err := s.Store.Runs().List(ctx, r.ID.Parent())
	if err != nil {
		return nil, err
	}
	if hasSuccessor(all, r.ID) {
		return nil, nil
	}
	tokens := map[string]bool{tokenOf(r.ID.Name()): true}
	if after != "" {
		tokens[tokenOf(after.Name())] = true
	}
	var past []mlops.ID
	for _, old := range slices.Backward(all) { // newest first: a run is seen before what it came after
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

func hasSuccessor(all []record, id mlops.ID) bool {
	return slices.ContainsFunc(all, func(r record) bool { return r.Observed().Spec.After == id })
}
