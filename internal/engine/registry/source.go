package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// source is where a version's bytes come from, and the evidence that comes with
// them.
type source struct {
	path     string
	packages []string
	metrics  map[string]float64
	lineage  *mlops.Lineage
}

// status is what is kept of a version but for its number and time.
func (s source) status(b blob.Blob) mlops.ModelVersionStatus {
	return mlops.ModelVersionStatus{
		Digest: b.Digest, URI: artifact.URI(b.Path), Size: b.Size,
		Metrics: s.metrics, Packages: s.packages, Lineage: s.lineage,
	}
}

// source finds the bytes of a spec.
func (g *Registry) source(ctx context.Context, spec mlops.ModelVersionSpec) (source, error) {
	if spec.Run == "" {
		path, err := bytesAt("artifact_uri", api.Folder(ctx), spec.ArtifactURI)
		return source{path: path, packages: spec.Packages, metrics: spec.Metrics}, err
	}
	run, err := g.Store.Runs().Get(ctx, spec.Run)
	if mlops.CodeOf(err) == mlops.NotFound {
		return source{}, mlops.InvalidField("run", "there is no run %s", spec.Run)
	}
	if err != nil {
		return source{}, err
	}
	return fromRun(run.Status, spec)
}

// fromRun finds the bytes and the evidence in a run that has succeeded.
func fromRun(run mlops.PipelineRunStatus, spec mlops.ModelVersionSpec) (source, error) {
	key, err := run.OutputToKeep(spec.Run, spec.Output)
	if err != nil {
		return source{}, err
	}
	path, err := bytesAt("output", "", run.Outputs[key])
	s := source{path: path, lineage: run.Lineage}
	s.packages, s.metrics = run.Evidence(key, spec)
	return s, err
}

// bytesAt returns the path of an artifact that is there. A relative one is in a
// folder.
func bytesAt(field, folder, uri string) (string, error) {
	path, err := artifact.Path(field, folder, uri)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", mlops.InvalidField(field, "there is no file or directory %s", path)
	}
	return path, nil
}
