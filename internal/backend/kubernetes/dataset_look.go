package kubernetes

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type datasetObserved = mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]

// Get takes one look, at the record and at whether the bytes are still kept.
func (k datasetKind) Get(ctx context.Context, ref mlops.ID) (datasetObserved, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return datasetObserved{Ref: ref}, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return datasetObserved{Ref: ref}, err
	}
	return k.observe(s, seen), nil
}

// List returns the datasets of an environment, by one call for each page of them and one
// for each page of their runs.
func (k datasetKind) List(ctx context.Context, environment mlops.ID) ([]datasetObserved, error) {
	r, err := k.registryToList(ctx, environment)
	if r == nil || err != nil {
		return nil, err
	}
	all, err := r.client.Carriers(ctx, environment, mlops.NounDataset)
	if err != nil {
		return nil, err
	}
	holding, err := r.client.Holding(ctx, all...)
	if err != nil {
		return nil, err
	}
	out := []datasetObserved{}
	for _, c := range all {
		seen, err := newDatasetSeen(c, holding[c.ID])
		if err != nil {
			return nil, err
		}
		out = append(out, k.observe(carriage{r, c.Object}, seen))
	}
	return out, nil
}

// observe shows what the record says. Of a dataset whose bytes somebody deleted it shows
// none: nobody can read them, and an apply brings them back.
func (k datasetKind) observe(s carriage, seen datasetSeen) datasetObserved {
	out := datasetObserved{Ref: s.id, Status: seen.record.Status, Phase: mlops.PhaseReady, Native: s.native(seen.Carrier)}
	if seen.record.Spec == nil {
		out.Phase, out.Reason = mlops.PhaseFailed, "its creation was interrupted; apply it again"
		return out
	}
	out.Spec = *seen.record.Spec
	out.Spec.Description = seen.Description
	if out.Spec.Labels != nil {
		out.Spec.Labels = seen.Labels
	}
	out.Native["run_id"] = seen.record.Kept[len(seen.record.Kept)-1]
	if seen.lost {
		out.Reason = "somebody deleted the run " + out.Native["run_id"] + " in MLflow, which kept its bytes"
		out.Status.Digest, out.Status.URI = "", ""
		return out
	}
	out.Revision = datasetRevision(out.Spec, out.Status.Digest)
	return out
}
