package monitors

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// CheckNow makes a check, whatever the schedule says, and returns its report. A
// monitor that is not in force is a Conflict.
func (s *Service) CheckNow(ctx context.Context, monitor mlops.ID) (mlops.MonitorReport, error) {
	defer s.lock(monitor)()
	r, err := s.table.Get(ctx, monitor)
	if err != nil {
		return mlops.MonitorReport{}, err
	}
	if r.Revision == "" {
		return mlops.MonitorReport{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%s is not in force: %s", monitor, r.Reason))
	}
	report := s.examine(ctx, r)
	if ctx.Err() != nil {
		return report, ctx.Err() // the engine closes: no finding
	}
	return report, s.conclude(ctx, &report)
}

// examine makes a report. What goes wrong is in it.
func (s *Service) examine(ctx context.Context, r record) mlops.MonitorReport {
	x := checks.New(r.ID, r.Spec, s.now())
	if checks.ReadsCaptures(r.Spec) {
		if err := s.gather(ctx, x, r); err != nil {
			x.Break(err)
		}
	}
	others := map[string]mlops.CheckReport{}
	if r.Spec.Health != nil {
		others["health"] = s.health(ctx, r, x.Until().Add(-checks.Window(r.Spec)))
	}
	return x.Report(others)
}

// gather reads the window.
func (s *Service) gather(ctx context.Context, x *checks.Examination, r record) error {
	endpoint, err := s.Store.Endpoints().Get(ctx, r.Spec.Endpoint)
	if err != nil {
		return err
	}
	if !captures(endpoint.Observed().Spec) {
		x.Silence(fmt.Sprintf("%s captures nothing any more; give it capture = {}", r.Spec.Endpoint))
		return nil
	}
	base, err := s.baseline(ctx, r)
	if err != nil {
		return err
	}
	x.Compare(base)
	environment, err := s.environmentDir(ctx, r.Spec.Endpoint)
	if err != nil {
		return err
	}
	return s.read(ctx, x, r.Spec, layout.CaptureDir(environment, r.Spec.Endpoint.Name()))
}

// read reads the truth and then the captures of the window.
func (s *Service) read(ctx context.Context, x *checks.Examination, spec mlops.MonitorSpec, captures string) error {
	var damaged int64
	if q := spec.ModelQuality; q != nil {
		truth, err := openTruth(captures, *q, x.Since())
		if err != nil {
			return fmt.Errorf("read the ground truth: %w", err)
		}
		if damaged, err = x.ReadTruth(ctx, truth); err != nil {
			return err
		}
	}
	broken, err := readCaptures(ctx, captures, x.Since(), x.Take)
	if damaged += broken; damaged > 0 {
		x.Note(fmt.Sprintf("%d lines could not be read and were passed over", damaged))
		s.Log.Warn("captured lines are damaged", "monitor", spec.ID(), "lines", damaged)
	}
	return err
}

// openTruth opens what has the labels: a file or folder of the check's own, or what was
// posted to the endpoint since a time.
func openTruth(captures string, check mlops.ModelQualityCheck, from time.Time) (checks.Truth, error) {
	if check.GroundTruth == "" {
		files, err := openFiles(captures, gateway.GroundTruthFile, from)
		return checks.Truth{Files: files}, err
	}
	path, err := artifact.Path("model_quality.ground_truth_uri", "", check.GroundTruth)
	if err != nil {
		return checks.Truth{}, err
	}
	return checks.OpenTruth(path)
}

// sinceOr is when a state began.
func sinceOr(before mlops.MonitorStatus, state mlops.MonitorState, now time.Time) time.Time {
	if before.State == state && !before.Since.IsZero() {
		return before.Since
	}
	return now
}
