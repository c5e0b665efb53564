package client

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
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
	return d.client.ModelVersions().Digest(ctx, mlops.ModelVersionSpec{ArtifactURI: spec.URI, Run: spec.Run, Output: spec.Output})
}

// Preflight holds data that can be read now to their rules. Large ones are left
// to the apply.
func (d Datasets) Preflight(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	if spec.URI == "" {
		return nil
	}
	path, err := artifact.Path(d.client.options.folder, spec.URI)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info.IsDir() || info.Size() > preflightMost) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := table.Describe(ctx, path, table.FormatOf(spec, path), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		c.Add(mlops.At("uri"), "Not a table", "%s.", mlops.Message(err))
		return nil
	}
	if err != nil {
		return err
	}
	if broken := table.Refuse(spec, found); broken != "" {
		c.Add(mlops.At("uri"), "Data that break the rules", "%s.", broken)
	}
	return nil
}
