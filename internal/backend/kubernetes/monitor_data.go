package kubernetes

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// jobInputs are the data that a job compares with.
type jobInputs struct {
	artifacts []argoArtifact // by the flags that they are given to
	status    mlops.BaselineStatus
}

// inputs finds a monitor's baseline and truth. What the baseline's format is, where the
// spec leaves that to what it names, is filled into the spec, which the job reads.
func (k monitorKind) inputs(ctx context.Context, s scene, spec *mlops.MonitorSpec) (jobInputs, error) {
	in := jobInputs{status: mlops.BaselineStatus{Features: []string{}}}
	at, err := artifactsOf(s.layout)
	if err != nil {
		at = artifacts{layout: s.layout}
	}
	if spec.Baseline != nil {
		uri, err := k.baselineURI(ctx, spec, &in.status)
		if err != nil {
			return in, err
		}
		one, err := at.input(inputBaseline, uri)
		if err != nil {
			return in, &mlops.Error{Code: mlops.Invalid, Field: "baseline", Err: err}
		}
		in.artifacts = append(in.artifacts, one)
	}
	if q := spec.ModelQuality; q != nil {
		one, err := at.input(inputTruth, q.GroundTruth)
		if err != nil {
			return in, &mlops.Error{Code: mlops.Invalid, Field: "model_quality.ground_truth_uri", Err: err}
		}
		one.Optional = true // it comes later
		in.artifacts = append(in.artifacts, one)
	}
	return in, nil
}

// baselineURI is where a baseline's bytes are now: of a dataset, those of its present
// version.
func (k monitorKind) baselineURI(ctx context.Context, spec *mlops.MonitorSpec, status *mlops.BaselineStatus) (string, error) {
	b := *spec.Baseline
	status.Features = slices.Concat([]string{}, b.Features)
	switch {
	case b.Dataset != "":
		seen, err := k.datasets.Get(ctx, b.Dataset)
		if err != nil {
			return "", fmt.Errorf("baseline.dataset: %w", err)
		}
		if b.Format == "" {
			b.Format = seen.Spec.Format
		}
		spec.Baseline, status.Digest, status.Rows = &b, seen.Status.Digest, seen.Status.Rows
		return seen.Status.URI, nil
	case b.Run != "":
		seen, err := k.PipelineRuns().Get(ctx, b.Run)
		if err != nil {
			return "", fmt.Errorf("baseline.run: %w", err)
		}
		key, err := seen.Status.FindOutput(b.Output)
		if err != nil {
			return "", &mlops.Error{Code: mlops.Invalid, Field: "baseline.output", Err: err}
		}
		return seen.Status.Outputs[key], nil
	}
	return b.URI, nil
}

// input is data that Argo fetches for a job, as it is: the file keeps its name, by which
// its format is known.
func (a artifacts) input(flag, uri string) (argoArtifact, error) {
	if err := checkFetched(uri); err != nil {
		return argoArtifact{}, err
	}
	at, err := a.locate(uri)
	if err != nil {
		return argoArtifact{}, err
	}
	return argoArtifact{Name: flag, Path: path.Join(inputFolder, flag, fileOf(uri)), Archive: asItIs(), argoLocation: at}, nil
}

// checkFetched refuses a URI that Argo would take for something else.
func checkFetched(uri string) error {
	if strings.Contains(uri, "{{") {
		return fmt.Errorf("%q has two braces, which Argo Workflows takes for a reference of its own; rename it", uri)
	}
	return nil
}

// fileOf is the name of what a URI leads to.
func fileOf(uri string) string {
	if u, err := url.Parse(uri); err == nil {
		uri = u.Path
	}
	if name := path.Base(uri); name != "." && name != "/" {
		return name
	}
	return "data"
}

// bucket is that of the environment's storage, and the folder in it.
func (l layout) bucket() (bucket, below string) {
	_, rest, _ := strings.Cut(l.storage.URI, "://")
	bucket, below, _ = strings.Cut(rest, "/")
	return bucket, below
}
