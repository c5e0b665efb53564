package client

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// preflightMost is the size up to which data are read at plan, in bytes.
const preflightMost = 256 << 20

// Datasets is the kind of datasets, which can tell digests and broken rules
// beforehand.
type Datasets struct {
	Kind[mlops.DatasetSpec, mlops.DatasetStatus]
}

// Datasets is the kind of datasets.
func (c *Client) Datasets() Datasets {
	return Datasets{Kind[mlops.DatasetSpec, mlops.DatasetStatus]{c, mlops.NounDataset}}
}

// Digest returns the digest that the bytes of a spec have now. It is "" while
// they are not there.
func (d Datasets) Digest(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	return d.client.plannedDigest(ctx, "uri", spec.URI, spec.Run, spec.Output)
}

// Preflight holds data that can be read now to their rules. Large ones are left
// to the apply, and so are those that are still to be made.
func (d Datasets) Preflight(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	at := mlops.At("uri")
	if spec.Run != "" {
		at = mlops.At("output")
	}
	path, err := d.path(ctx, spec)
	if err != nil || path == "" {
		return err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > preflightMost {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := table.Describe(ctx, path, table.FormatOf(spec, spec.URI), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		c.Add(at, "Not a table", "%s: %s.", filepath.Base(path), mlops.Message(err))
		return nil
	}
	if err != nil {
		return err
	}
	if broken := table.Refuse(spec, found); broken != "" {
		c.Add(at, "Data that break the rules", "%s: %s.", filepath.Base(path), broken)
	}
	return nil
}

// path is where the bytes of a spec are, "" while they are not there.
func (d Datasets) path(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	if spec.Run == "" {
		return artifact.Path("uri", d.client.options.folder, spec.URI)
	}
	run, err := d.client.PipelineRuns().Get(ctx, spec.Run)
	if mlops.CodeOf(err) == mlops.NotFound || err == nil && run.Status.State != mlops.RunSucceeded {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	key, err := run.Status.FindOutput(spec.Output)
	if err != nil {
		return "", &mlops.Error{Code: mlops.Invalid, Field: "output", Err: err}
	}
	return artifact.Kept(run.Status.Outputs[key])
}
