package kubernetes

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Advance finishes a deletion whose jobs have gone.
func (k monitorKind) Advance(ctx context.Context, ref mlops.ID) error {
	return k.noun().Advance(ctx, ref, func(ctx context.Context, s scene, seen monitorSeen) error {
		if !isLeaving(seen.object) {
			return nil
		}
		return k.drop(ctx, s, seen)
	})
}

// drop removes a monitor's parts, so that nothing is started or told any more, and stops
// its jobs; the config map goes when all of these have gone, which Advance does.
func (k monitorKind) drop(ctx context.Context, s scene, seen monitorSeen) error {
	if err := k.sweep(ctx, s); err != nil {
		return err
	}
	jobs, err := s.monitorJobs(ctx)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		err := s.cluster.remove(ctx, seen.object)
		if isNotFound(err) {
			return nil
		}
		return err
	}
	if !isLeaving(seen.object) {
		if err := s.cluster.note(ctx, seen.object, noteLeaving, "true"); err != nil {
			return err
		}
	}
	for i := range jobs {
		if err := s.stop(ctx, &jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes the parts of a monitor beside its config map, also of one that is gone.
func (k monitorKind) sweep(ctx context.Context, s scene) error {
	return k.dismiss(ctx, s.cluster, s.id, s.monitorParts())
}
