package sagemaker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// versionSource is where a version's bytes come from, and the evidence that comes
// with them.
type versionSource struct {
	outside

	digest   string
	size     int64
	packages []string
	metrics  map[string]float64
	lineage  *mlops.Lineage
}

// versionSource finds the bytes of a spec, which must be there.
func (k modelVersionKind) versionSource(ctx context.Context, s scene, spec mlops.ModelVersionSpec) (versionSource, error) {
	found := versionSource{packages: spec.Packages, metrics: spec.Metrics}
	var err error
	if spec.Run == "" {
		found.outside, err = k.outsideAt(ctx, s.c, "artifact_uri", spec.ArtifactURI)
	} else {
		err = k.fromRun(ctx, s.c, spec, &found)
	}
	if err != nil {
		return found, err
	}
	files, err := k.store(ctx, s.id)
	if err != nil {
		return found, err
	}
	found.digest, found.size, err = found.outside.digest(ctx, files)
	if k.is(err, mlops.NotFound) {
		err = mlops.InvalidField(found.field, "there is nothing at %s", found.uri)
	}
	return found, err
}

// fromRun finds the bytes and the evidence in a run that has succeeded.
func (k modelVersionKind) fromRun(ctx context.Context, c *clients, spec mlops.ModelVersionSpec, found *versionSource) error {
	run, output, err := verbs.Output(ctx, k, spec.Run, spec.Output)
	if err != nil {
		return err
	}
	if found.outside, err = k.outsideAt(ctx, c, "output", run.Outputs[output]); err != nil {
		return err
	}
	found.lineage = run.Lineage
	found.packages, found.metrics = run.Evidence(output, spec)
	return nil
}

// asked are the packages that a version asks for; an MLflow model lists its own,
// where the version names none.
func (f versionSource) asked(ctx context.Context, files fileStore, spec mlops.ModelVersionSpec) ([]string, error) {
	if spec.Format != "mlflow" || len(f.packages) > 0 || f.single {
		return f.packages, nil
	}
	const list = "requirements.txt"
	path := filepath.Join(f.local, list)
	if f.local == "" {
		dir, err := os.MkdirTemp("", "mlops-version-*")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }() // the system clears it, should it be left
		if path, err = files.download(ctx, strings.TrimSuffix(f.uri, "/")+"/"+list, dir); mlops.CodeOf(err) == mlops.NotFound {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the server says so, should it miss anything
	}
	return listedPackages(string(text)), err
}

// Digest returns the digest that the bytes of a spec have now. It is "" while they
// are not there: the run has not succeeded, or the file is still to be made.
func (k modelVersionKind) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	return k.plannedDigest(ctx, spec.Model, "artifact_uri", spec.ArtifactURI, spec.Run, spec.Output)
}

// plannedDigest is the digest of a file, of objects, or of a run's output; "" while
// it is not known.
func (b *backend) plannedDigest(ctx context.Context, near mlops.ID, field, uri string, run mlops.ID, output string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if run != "" {
		return b.outputDigest(ctx, near, run, output)
	}
	if !strings.HasPrefix(uri, "s3://") {
		path, err := localPath(field, uri)
		if err != nil {
			return "", err
		}
		digest, _, err := mlops.ContentDigest(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return digest, nil
	}
	return b.objectDigest(ctx, near, uri)
}

// objectDigest is the digest of objects that may not be there, near an environment
// that may not be.
func (b *backend) objectDigest(ctx context.Context, near mlops.ID, uri string) (string, error) {
	files, err := b.store(ctx, near)
	if b.is(err, mlops.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	digest, _, err := files.digest(ctx, uri)
	if b.is(err, mlops.NotFound) {
		return "", nil
	}
	return digest, err
}

// outputDigest takes the digest of a run's output from its evidence, or from the
// bytes.
func (b *backend) outputDigest(ctx context.Context, near, id mlops.ID, word string) (string, error) {
	run, err := (pipelineRunKind{b}).Get(ctx, id)
	if b.is(err, mlops.NotFound) || err == nil && run.Status.State != mlops.RunSucceeded {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	key, err := run.Status.FindOutput(word)
	if err != nil {
		return "", mlops.InvalidField("output", "%w", err)
	}
	step, output, _ := strings.Cut(key, ".")
	if l := run.Status.Lineage; l != nil && strings.HasPrefix(l.Steps[step].Outputs[output], "sha256:") {
		return l.Steps[step].Outputs[output], nil
	}
	return b.objectDigest(ctx, near, run.Status.Outputs[key])
}

// Preflight refuses what cannot be served where it is to be, as far as the
// environment is there already; see mlops.Preflighter.
func (k modelVersionKind) Preflight(ctx context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	checkVersionOverrides(c, spec)
	checkCompleteVersion(ctx, c, spec)
	region, err := regionOf(spec.Model)
	if err != nil {
		return ctx.Err() // the model is not known yet
	}
	if _, known := frameworkAccounts()[region]; !known && spec.Image == "" && spec.Format != "custom" {
		c.AddIf(mlops.At("format"), []mlops.Path{mlops.At("format"), mlops.At("image")}, "No image known", "SageMaker's images that serve %q are not known to be in %s; give image.", spec.Format, region)
	}
	checkVersionImage(c, spec)
	p, err := k.place(ctx, spec.Model)
	if k.is(err, mlops.NotFound) {
		return nil
	}
	if err == nil {
		checkIsolated(c, p, spec)
	}
	return err
}
