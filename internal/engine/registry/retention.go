package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// retireEvery is how often what is over is looked for.
const retireEvery = time.Minute

type runRecord = store.Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

// retire removes what is over its retention, again and again.
func (g *Registry) retire(ctx context.Context) {
	every(ctx, retireEvery, func() {
		if err := g.Retire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			g.Log.Error("remove what is over its retention", "error", err)
		}
	})
}

// Retire removes the runs and captures that are over their environment's
// retention at a time. Runs that a configuration still declares stay, and so
// does the newest run of each pipeline that succeeded.
func (g *Registry) Retire(ctx context.Context, now time.Time) error {
	environments, err := g.Store.Environments().List(ctx, "")
	for _, e := range environments {
		r := e.Spec.Retention
		if r == nil || e.Phase != mlops.PhaseReady {
			continue
		}
		if r.Runs > 0 {
			err = errors.Join(err, g.retireRuns(ctx, e.ID, now.Add(-time.Duration(r.Runs))))
		}
		if r.Captures > 0 {
			err = errors.Join(err, retireCaptures(g.Layout.EnvironmentDir(e.Spec), now.Add(-time.Duration(r.Captures))))
		}
	}
	return err
}

func (g *Registry) retireRuns(ctx context.Context, environment mlops.ID, before time.Time) error {
	runs, err := g.Store.Runs().List(ctx, environment)
	if err != nil {
		return err
	}
	kept := declared(runs)
	var errs []error
	for _, r := range runs {
		over := r.Status.State.Ended() && r.Status.FinishedAt.Before(before)
		if !over || kept[r.ID] || r.Phase == mlops.PhaseDeleting {
			continue
		}
		if err := g.Runs.Delete(ctx, r.ID); err != nil && mlops.CodeOf(err) != mlops.NotFound {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// declared is the set of runs that retention leaves alone: those that have an
// owner and no successor, and each pipeline's newest that succeeded.
func declared(runs []runRecord) map[mlops.ID]bool {
	kept := map[mlops.ID]bool{}
	newest := map[mlops.ID]mlops.ID{}
	for _, r := range runs { // oldest first
		kept[r.ID] = r.Owner != ""
		if r.Status.State == mlops.RunSucceeded {
			newest[r.ID.Parent()] = r.ID
		}
	}
	for _, r := range runs {
		if after := r.Observed().Spec.After; after != "" {
			kept[after] = false
		}
	}
	for _, id := range newest {
		kept[id] = true
	}
	return kept
}

// retireCaptures removes captured requests file by file. The one that is being
// written stays until it is full.
func retireCaptures(environment string, before time.Time) error {
	all := layout.CaptureDir(environment, "")
	endpoints, err := names(all)
	for _, endpoint := range endpoints {
		err = errors.Join(err, retireFiles(filepath.Join(all, endpoint), before))
	}
	return err
}

func retireFiles(dir string, before time.Time) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || f.Name() == gateway.CaptureFile {
			continue // gone since, or not for us
		}
		if info.ModTime().Before(before) {
			errs = append(errs, remove(filepath.Join(dir, f.Name())))
		}
	}
	return errors.Join(errs...)
}
