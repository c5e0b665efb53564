package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetSource is where data are on this machine, and the evidence that comes with
// them.
type datasetSource struct {
	field   string // attribute that names them
	file    string
	release func() // lets go of the file
	digest  string
	size    int64
	lineage *mlops.Lineage

	evidence mlflow.Evidence // of an artifact of the server
}

// datasetSource finds the data of a spec, which must be one file: of this machine, of
// the environment's MLflow server, or what a run wrote.
func (k datasetKind) datasetSource(ctx context.Context, spec mlops.DatasetSpec) (datasetSource, error) {
	found := datasetSource{field: "uri", release: func() {}}
	var err error
	switch {
	case spec.Run != "":
		found, err = k.written(ctx, spec)
	case mlflow.IsArtifact(spec.URI):
		found, err = k.fetched(ctx, spec)
	default:
		found.file, err = dataFile(spec.URI)
	}
	if err != nil {
		return found, err
	}
	if found.digest, found.size, err = digestOfData(found); err != nil {
		found.release()
	}
	return found, err
}

// digestOfData is the digest of what must be one file.
func digestOfData(found datasetSource) (string, int64, error) {
	info, err := os.Stat(found.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", 0, mlops.InvalidField(found.field, "there is no file %s", found.file)
	case err != nil:
		return "", 0, err
	case info.IsDir():
		return "", 0, mlops.InvalidField(found.field, "%s is a directory; a dataset is one file", found.file)
	}
	return mlops.ContentDigest(found.file)
}

// dataFile is the path that a URI of data names on this machine.
func dataFile(uri string) (string, error) {
	path, err := localPath(uri)
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok {
		return path, err
	}
	out := *e
	out.Field = "uri"
	if e.Code == mlops.Unsupported {
		out.Err = fmt.Errorf("the provider does not read %s: give a file of this machine, or an artifact of the environment's MLflow server (%s:/…)", uri, mlflowScheme)
	}
	return path, &out
}

// scratch is a directory that is removed when it is let go of.
func (s *datasetSource) scratch() (string, error) {
	directory, err := os.MkdirTemp("", "mlops-dataset-")
	s.release = func() { _ = os.RemoveAll(directory) } // the system clears it, should it be left
	return directory, err
}

// fetched brings an artifact of the environment's server here.
func (k datasetKind) fetched(ctx context.Context, spec mlops.DatasetSpec) (datasetSource, error) {
	found := datasetSource{field: "uri"}
	s, err := k.scene(ctx, spec.ID())
	if err != nil {
		return found, err
	}
	if found.evidence, err = s.client.Evidence(ctx, spec.URI); err != nil {
		return found, err
	}
	directory, err := found.scratch()
	if err != nil {
		return found, err
	}
	found.file, err = s.client.Download(ctx, spec.URI, directory)
	if err == nil {
		return found, nil
	}
	found.release()
	if k.is(err, mlops.NotFound) {
		err = mlops.InvalidField(found.field, "%w", err)
	}
	return found, err
}

// written brings what a run wrote here, with the evidence of the run.
func (k datasetKind) written(ctx context.Context, spec mlops.DatasetSpec) (datasetSource, error) {
	found := datasetSource{field: "output"}
	run, key, err := verbs.Output(ctx, k, spec.Run, spec.Output)
	if err != nil {
		return found, err
	}
	found.lineage = run.Lineage
	directory, err := found.scratch()
	if err != nil {
		return found, err
	}
	if found.file, err = modelVersionKind(k).fetchOutput(ctx, spec.Run, run.Outputs[key], directory); err != nil {
		found.release()
	}
	return found, err
}

// Digest returns the digest that the data of a spec have now. It is "" while they are
// not there. What a run wrote stays as it is: it is not fetched again to be told.
func (k datasetKind) Digest(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	switch {
	case spec.Run != "":
		seen, err := k.Get(ctx, spec.ID())
		if err != nil || seen.Spec.Run != spec.Run || seen.Spec.Output != spec.Output {
			return "", unlessNotThere(modelVersionKind(k), err)
		}
		return seen.Status.Digest, nil
	case mlflow.IsArtifact(spec.URI):
		return k.digestOfArtifact(ctx, spec)
	}
	path, err := dataFile(spec.URI)
	if err != nil {
		return "", err
	}
	digest, _, err := mlops.ContentDigest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return digest, err
}

// digestOfArtifact is that of an artifact of the environment's server, which may be made
// by the same apply. One that is as it was taken is not fetched again to be told.
func (k datasetKind) digestOfArtifact(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	if r, err := k.registryToList(ctx, spec.Environment); r == nil || err != nil {
		return "", unlessNotThere(modelVersionKind(k), err)
	}
	if known, err := k.unchanged(ctx, spec); known != "" || err != nil {
		return known, err
	}
	found, err := k.fetched(ctx, spec)
	if k.is(err, mlops.Invalid) {
		return "", nil // it is still to be made
	}
	if err != nil {
		return "", err
	}
	defer found.release()
	digest, _, err := digestOfData(found)
	return digest, err
}

// unchanged is the digest of the data in force, if there is evidence that they are what
// an artifact is now, else "".
func (k datasetKind) unchanged(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	s, err := k.scene(ctx, spec.ID())
	if err != nil {
		return "", err
	}
	carrier, err := s.look(ctx)
	if k.is(err, mlops.NotFound) || errors.Is(err, verbs.ErrNoRecord) {
		return "", nil // it is still to be made
	}
	if err != nil {
		return "", err
	}
	seen, err := newDatasetSeen(carrier, nil)
	if err != nil || seen.record.Spec == nil || seen.record.Spec.URI != spec.URI || seen.record.Evidence.Run == "" {
		return "", err
	}
	now, err := s.client.Evidence(ctx, spec.URI)
	if err != nil || !now.Proves(seen.record.Evidence) {
		return "", err
	}
	return seen.record.Status.Digest, nil
}

// Forewarn tells of data that could not be read when the run is over; see
// mlops.Forewarner.
func (k datasetKind) Forewarn(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	return modelVersionKind(k).forewarnOutput(ctx, spec.Environment, c)
}

// Preflight refuses data that could never be read, or break their rules, and a dataset
// in an environment without a registry; see mlops.Preflighter. What is not a file of this
// machine is left to the apply.
func (k datasetKind) Preflight(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	if err := k.preflightCarried(ctx, c, spec.Environment, spec.ID(), mlops.NounDataset); err != nil {
		return err
	}
	if err := modelVersionKind(k).preflightRun(ctx, spec.Run, c); err != nil || spec.Run != "" {
		return err
	}
	if spec.URI == "" || mlflow.IsArtifact(spec.URI) {
		return nil
	}
	path, err := dataFile(spec.URI)
	if err != nil {
		c.Add(mlops.At("uri"), "Data out of reach", "%s.", mlops.Message(err))
		return nil
	}
	return dataset.Preflight(ctx, spec, path, c)
}
