package driftjob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// run makes the check, and says what was found in every way that was asked for. Its
// error is why the check could not be made, or not be told of.
func (j job) run(ctx context.Context) error {
	spec, failure := j.spec()
	if j.id == "" {
		j.id = spec.ID()
	}
	x := checks.New(j.id, spec, j.now)
	if failure == nil {
		failure = j.gather(ctx, x, spec)
	}
	if ctx.Err() != nil {
		return errors.New("it was ended before the check was made")
	}
	if failure != nil {
		x.Break(failure)
	}
	report := x.Report(notMade(spec))
	if failure != nil && report.State != mlops.MonitorBroken { // there was no spec, and thus no check
		report.State, report.Reason = mlops.MonitorBroken, mlops.Message(failure)
	}
	err := j.tell(ctx, report, spec.OnViolation)
	if report.State == mlops.MonitorBroken {
		err = errors.Join(errors.New(report.Reason), err)
	}
	return err
}

// spec reads the monitor. What this program does not know of it could be a check, so
// it is refused.
func (j job) spec() (spec mlops.MonitorSpec, err error) {
	text, err := os.ReadFile(j.monitor)
	if err != nil {
		return spec, fmt.Errorf("read the monitor: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&spec); err != nil {
		return mlops.MonitorSpec{}, fmt.Errorf("read the monitor: %w; is this program of the version of who wrote it?", err)
	}
	if !slices.ContainsFunc(spec.Checks(), isMade) {
		return spec, errors.New("the monitor has no check that is made of captures")
	}
	return spec, nil
}

// isMade reports whether a kind of check is one of this program's. Health is
// Prometheus's.
func isMade(kind string) bool { return kind != "health" && kind != "explainability" }

// notMade reports a check that was asked for and has no computation here.
func notMade(spec mlops.MonitorSpec) map[string]mlops.CheckReport {
	if spec.Explainability == nil {
		return nil
	}
	return map[string]mlops.CheckReport{"explainability": {
		State: mlops.MonitorBroken, Reason: "it is not computed on this platform", Features: []mlops.FeatureReport{},
	}}
}

// gather gives an examination all that it is of.
func (j job) gather(ctx context.Context, x *checks.Examination, spec mlops.MonitorSpec) error {
	if spec.Baseline != nil {
		base, err := j.readBaseline(ctx, spec)
		if err != nil {
			return err
		}
		x.Compare(base)
	}
	r := reading{endpoint: spec.Endpoint.Name(), since: x.Since(), until: x.Until(), take: x.Take}
	if spec.ModelQuality != nil {
		truth, err := j.openTruth()
		if err != nil {
			return fmt.Errorf("read the ground truth: %w", err)
		}
		if r.damaged, err = x.ReadTruth(ctx, truth); err != nil {
			return err
		}
	}
	err := r.read(ctx, j.captures)
	for _, note := range r.notes() {
		x.Note(note)
	}
	return err
}

func (j job) openTruth() (checks.Truth, error) {
	if j.truth == "" {
		return checks.Truth{IsAbsent: true}, nil
	}
	return checks.OpenTruth(j.truth)
}

// tell writes the files, and pushes the figures.
func (j job) tell(ctx context.Context, report mlops.MonitorReport, consequence *mlops.OnViolation) error {
	var starting []string
	for _, kind := range mlops.MonitorChecks() {
		if report.Checks[kind].State == mlops.MonitorViolated && consequence.Starts(kind) {
			starting = append(starting, kind)
		}
	}
	err := errors.Join(
		write(j.report, reduced(report, mostReport)),
		write(j.verdict, []byte(report.State)),
		write(j.violated, []byte(strings.Join(starting, ","))),
	)
	if j.push != "" {
		err = errors.Join(err, push(ctx, j.push, report))
	}
	return err
}

func write(path string, text []byte) error {
	if path == "" {
		return nil
	}
	return os.WriteFile(path, text, 0o600)
}
