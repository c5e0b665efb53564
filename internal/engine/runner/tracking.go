package runner

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// track writes how a run stands into its experiment: the one that the pipeline had
// when the run was accepted.
func track(ctx context.Context, tx *store.Tx, plan store.RunPlan, r record) error {
	return tx.Track(ctx, plan.Pipeline.Experiment, mlops.ExperimentRun{
		Run: r.ID, State: r.Status.State, Parameters: plan.Parameters, Metrics: r.Status.Metrics,
		StartedAt: r.Status.StartedAt, FinishedAt: r.Status.FinishedAt,
	})
}
