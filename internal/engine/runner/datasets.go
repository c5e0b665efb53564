package runner

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// freeze returns the datasets that a run reads, as they are now. It is in the
// transaction that accepts the run: whoever replaces the data afterwards sees the
// run, and leaves its bytes alone.
func (s *Service) freeze(ctx context.Context, tx *store.Tx, pipeline mlops.PipelineSpec) (map[string]store.RunDataset, error) {
	out := map[string]store.RunDataset{}
	for _, name := range pipeline.Datasets() {
		id := pipeline.Environment.Child(mlops.NounDataset, name)
		r, err := s.Store.Datasets().GetTx(ctx, tx, id)
		if mlops.CodeOf(err) == mlops.NotFound {
			return nil, mlops.NewError(mlops.Invalid, fmt.Errorf("the pipeline reads {{datasets.%s}}, and there is no %s", name, id))
		}
		if err != nil {
			return nil, err
		}
		if r.Phase != mlops.PhaseReady {
			return nil, mlops.NewError(mlops.Invalid, fmt.Errorf("the pipeline reads {{datasets.%s}}, and %s is %s: %s", name, id, r.Phase, r.Reason))
		}
		out[name] = store.RunDataset{ID: id, URI: r.Status.URI, Version: versionOf(r.Status)}
	}
	return out, nil
}

// versionOf is the version of a dataset that is in force.
func versionOf(s mlops.DatasetStatus) mlops.DatasetVersion {
	for _, v := range s.History {
		if v.Version == s.Version {
			return v
		}
	}
	return mlops.DatasetVersion{Version: s.Version, Digest: s.Digest, Rows: s.Rows, CreatedAt: s.CreatedAt}
}

// verify insists that the datasets that a step reads are what they were when the
// run was accepted: lineage says so.
func (e *execution) verify(step mlops.Step) error {
	for _, name := range (mlops.PipelineSpec{Steps: map[string]mlops.Step{"": step}}).Datasets() {
		d := e.plan.Datasets[name]
		path, err := artifact.Kept(d.URI)
		if err != nil {
			return err
		}
		digest, _, err := blob.Digest(path)
		if err != nil {
			return fmt.Errorf("the data of %s cannot be read: %w", d.ID, err)
		}
		if digest != d.Version.Digest {
			return fmt.Errorf("the data of %s, version %s, were changed where they are kept (%s): their digest is %s, not %s", d.ID, d.Version.Version, path, digest, d.Version.Digest)
		}
	}
	return nil
}
