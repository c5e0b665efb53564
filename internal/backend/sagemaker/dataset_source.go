package sagemaker

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetSource is where data come from, and the evidence that comes with them.
type datasetSource struct {
	outside

	digest  string
	size    int64
	lineage *mlops.Lineage
}

// datasetSource finds the data of a spec, which must be one file.
func (k datasetKind) datasetSource(ctx context.Context, s scene, spec mlops.DatasetSpec) (datasetSource, error) {
	var found datasetSource
	var err error
	if spec.Run == "" {
		found.outside, err = k.outsideAt(ctx, s.c, "uri", spec.URI)
	} else {
		run, output, errRun := verbs.Output(ctx, k, spec.Run, spec.Output)
		if errRun != nil {
			return found, errRun
		}
		found.lineage = run.Lineage
		found.outside, err = k.outsideAt(ctx, s.c, "output", run.Outputs[output])
	}
	if err != nil {
		return found, err
	}
	found.digest, found.size, err = found.outside.digest(ctx, s.files)
	switch {
	case k.is(err, mlops.NotFound):
		return found, mlops.InvalidField(found.field, "there is nothing at %s", found.uri)
	case err == nil && !found.single:
		return found, mlops.InvalidField(found.field, "%s is a directory; a dataset is one file", found.local+found.uri)
	}
	return found, err
}

// fetched returns a path at which the bytes can be read until done.
func (f datasetSource) fetched(ctx context.Context, files fileStore) (path string, done func() error, err error) {
	if f.local != "" {
		return f.local, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "mlops-dataset-*")
	if err != nil {
		return "", nil, err
	}
	done = func() error { return os.RemoveAll(dir) }
	path, err = files.download(ctx, f.uri, dir)
	if err != nil {
		return "", nil, errors.Join(err, done())
	}
	return path, done, nil
}

// Digest returns the digest that the data of a spec have now. It is "" while they
// are not there.
func (k datasetKind) Digest(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	return k.plannedDigest(ctx, spec.Environment, "uri", spec.URI, spec.Run, spec.Output)
}

// Preflight holds a file of this machine to its rules. What is in S3 is left to the
// apply.
func (k datasetKind) Preflight(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	if spec.URI == "" || strings.HasPrefix(spec.URI, "s3://") {
		return ctx.Err()
	}
	path, err := localPath("uri", spec.URI)
	if err != nil {
		c.Add(mlops.At("uri"), "Data out of reach", "%s.", mlops.Message(err))
		return nil
	}
	return dataset.Preflight(ctx, spec, path, c)
}
