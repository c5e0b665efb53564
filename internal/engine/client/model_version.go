package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Versions is the kind of model versions, which can tell digests beforehand.
type Versions struct {
	Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
}

// ModelVersions is the kind of model versions.
func (c *Client) ModelVersions() Versions {
	return Versions{Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{c, mlops.NounModelVersion}}
}

// Digest returns the digest that the bytes of a spec have now. It is "" while
// they are not there: the run has not succeeded, or the file is still to be
// made.
func (v Versions) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	return v.client.plannedDigest(ctx, "artifact_uri", spec.ArtifactURI, spec.Run, spec.Output)
}

// plannedDigest is the digest of a file that an attribute names, or of a run's output;
// "" while it is not known.
func (c *Client) plannedDigest(ctx context.Context, field, uri string, run mlops.ID, output string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if run != "" {
		return c.outputDigest(ctx, run, output)
	}
	path, err := artifact.Path(field, c.options.folder, uri)
	if err != nil {
		return "", err
	}
	digest, _, err := blob.Digest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return digest, err
}

// Export copies the bytes that the engine keeps of a version: it is on this
// machine. Whether they are those that were registered is the caller's to check.
func (v Versions) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	seen, err := v.Get(ctx, ref)
	if err != nil {
		return "", err
	}
	path, err := artifact.Kept(seen.Status.URI)
	if err != nil {
		return "", err
	}
	exported, err := blob.Export(ctx, path, directory)
	if errors.Is(err, fs.ErrNotExist) {
		err = mlops.NewError(mlops.Invalid, fmt.Errorf("the bytes of %s are gone from %s", ref, path))
	}
	return exported, err
}

// outputDigest finds the digest of a run's output in the run's evidence.
func (c *Client) outputDigest(ctx context.Context, id mlops.ID, word string) (string, error) {
	run, err := c.PipelineRuns().Get(ctx, id)
	if mlops.CodeOf(err) == mlops.NotFound || err == nil && run.Status.State != mlops.RunSucceeded {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	key, err := run.Status.FindOutput(word)
	if err != nil {
		return "", &mlops.Error{Code: mlops.Invalid, Field: "output", Err: err}
	}
	if run.Status.Lineage == nil {
		return "", nil
	}
	step, output, _ := strings.Cut(key, ".")
	return run.Status.Lineage.Steps[step].Outputs[output], nil
}
