package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// find finds the bytes of a version that are not its server's own artifacts already:
// a file or a directory of this machine, or an output of a run.
func (k modelVersionKind) find(ctx context.Context, spec mlops.ModelVersionSpec) (mlflow.Found, error) {
	if spec.Run != "" {
		return k.fromRun(ctx, spec)
	}
	path, err := localPath(spec.ArtifactURI)
	if err != nil {
		return mlflow.Found{}, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return mlflow.Found{}, mlops.InvalidField("artifact_uri", "there is no file or directory %s", path)
	}
	return mlflow.Found{Path: path, Packages: spec.Packages, Metrics: spec.Metrics}, nil
}

// localPath is the path that a URI names on this machine. A relative one begins where
// the provider runs.
func localPath(uri string) (string, error) {
	const field = "artifact_uri"
	path, err := mlops.LocalPath(field, ".", uri)
	if mlops.CodeOf(err) == mlops.Unsupported {
		err = unreadable(field, uri)
	}
	return path, err
}

// unreadable refuses what the provider has no client for.
func unreadable(field, uri string) error {
	return &mlops.Error{Code: mlops.Unsupported, Field: field, Err: fmt.Errorf(
		"the provider does not read %s: a version takes a file or a directory of this machine, or an artifact of the environment's MLflow server (%s:/…); download it first", uri, mlflowScheme)}
}

// fromRun fetches the bytes that a run wrote, with the evidence of the run.
func (k modelVersionKind) fromRun(ctx context.Context, spec mlops.ModelVersionSpec) (mlflow.Found, error) {
	run, key, err := verbs.Output(ctx, k, spec.Run, spec.Output)
	if err != nil {
		return mlflow.Found{}, err
	}
	found := mlflow.Found{Lineage: run.Lineage}
	found.Packages, found.Metrics = run.Evidence(key, spec)
	directory, err := os.MkdirTemp("", "mlops-output-")
	if err != nil {
		return mlflow.Found{}, err
	}
	found.Release = func() { _ = os.RemoveAll(directory) } // the system clears it, should it be left
	if found.Path, err = k.fetchOutput(ctx, spec.Run, run.Outputs[key], directory); err != nil {
		found.Release()
		return mlflow.Found{}, err
	}
	return found, nil
}

// fetchOutput fetches an output, which Argo packs, from the MLflow server of the run's
// environment, and returns where its content is below a directory.
func (k modelVersionKind) fetchOutput(ctx context.Context, run mlops.ID, uri, directory string) (string, error) {
	p, err := k.place(ctx, run)
	if err != nil {
		return "", err
	}
	r, err := k.registry(ctx, p)
	if err != nil {
		return "", err
	}
	if r == nil || !strings.HasPrefix(uri, mlflowScheme+":") {
		return "", outputElsewhere(run.Environment(), uri)
	}
	packed, err := r.client.Download(ctx, uri, directory)
	if k.is(err, mlops.NotFound) {
		return "", mlops.InvalidField("output", "its bytes are gone: %w", err)
	}
	if err != nil || !strings.HasSuffix(uri, packedSuffix) {
		return packed, err
	}
	return unpackOutput(packed, filepath.Join(directory, "unpacked"))
}

// outputElsewhere refuses an output that the provider has no client for.
func outputElsewhere(environment mlops.ID, uri string) error {
	return &mlops.Error{Code: mlops.Unsupported, Field: "run", Err: fmt.Errorf(
		"the steps of %s write to %s, which the provider does not read: give the environment a registry.mlflow with a username, or without a token, and they write there", environment, uri)}
}

// Digest returns the digest that the bytes of a spec have now; see mlops.Planner. What
// a run wrote is known once it is registered: a plan fetches none of it.
func (k modelVersionKind) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if spec.Run == "" && !strings.HasPrefix(spec.ArtifactURI, mlflowScheme+":") {
		return digestOfFile(spec.ArtifactURI)
	}
	if spec.Model == "" { // not known yet
		return "", nil
	}
	r, err := k.registryToList(ctx, spec.Model)
	if r == nil || err != nil {
		return "", err
	}
	if spec.Run == "" {
		digest, err := k.of(r).Digest(ctx, spec)
		return digest, unlessNotThere(k, err)
	}
	all, err := k.of(r).List(ctx, spec.Model)
	if err != nil {
		return "", err
	}
	for _, v := range all {
		if v.Spec.Run == spec.Run && v.Spec.Output == spec.Output {
			return v.Status.Digest, nil
		}
	}
	return "", nil
}

// digestOfFile is the digest of a file or a directory, "" where it is still to be
// made.
func digestOfFile(uri string) (string, error) {
	path, err := localPath(uri)
	if err != nil {
		return "", err
	}
	digest, _, err := mlops.ContentDigest(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return digest, err
}

// unlessNotThere forgets that what is asked of is still to be made.
func unlessNotThere(k modelVersionKind, err error) error {
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

// Preflight refuses bytes that could never be read, and a version in an environment
// without a registry; see mlops.Preflighter.
func (k modelVersionKind) Preflight(ctx context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	mlflow.CheckVersion(c, spec)
	if spec.ArtifactURI != "" && !strings.HasPrefix(spec.ArtifactURI, mlflowScheme+":") {
		if _, err := localPath(spec.ArtifactURI); err != nil {
			c.Add(mlops.At("artifact_uri"), "Not a place of bytes", "%s.", mlops.Message(err))
		}
	}
	if err := k.preflightRun(ctx, spec.Run, c); err != nil || spec.Model == "" {
		return err
	}
	_, err := k.preflightRegistry(ctx, c, spec.Model, mlops.NounModelVersion)
	return err
}

// preflightRun refuses a run whose steps write where the provider cannot read.
func (k modelVersionKind) preflightRun(ctx context.Context, run mlops.ID, c *mlops.Checker) error {
	if run == "" {
		return nil
	}
	if run.Backend() != name {
		c.Add(mlops.At("run"), "A run of another backend", "%s is not on %s: register a version where the run is, and promote that.", run, name)
		return nil
	}
	err := k.readsFrom(ctx, run)
	if k.is(err, mlops.Unsupported) {
		c.Add(mlops.At("run"), outOfReach, "%s.", mlops.Message(err))
		return nil
	}
	return err
}

// outOfReach is what a plan calls an output that the provider has no client for.
const outOfReach = "Not a place of bytes"

// readsFrom is Unsupported where the steps of an ID's environment write to a place that
// the provider does not read.
func (k modelVersionKind) readsFrom(ctx context.Context, id mlops.ID) error {
	p, _, err := k.planned(ctx, id)
	if err != nil {
		return unlessNotThere(k, err)
	}
	if at, err := artifactsOf(p.layout); err == nil && at.mlflow == nil {
		return outputElsewhere(p.spec.ID, at.storage.URI)
	}
	return nil
}

// Forewarn tells of bytes out of reach while the run is still to be made, which only
// then is known to be of this environment or of another; see mlops.Forewarner. After the
// run it would have trained for nothing.
func (k modelVersionKind) Forewarn(ctx context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	return k.forewarnOutput(ctx, spec.Model, c)
}

// forewarnOutput is Forewarn for what keeps an output of a run, or is in what does.
func (k modelVersionKind) forewarnOutput(ctx context.Context, keeper mlops.ID, c *mlops.Checker) error {
	if c.Known(mlops.At("run")) || keeper.Backend() != name || !c.Known(mlops.At("model"), mlops.At("environment")) {
		return nil
	}
	err := k.readsFrom(ctx, keeper)
	if k.is(err, mlops.Unsupported) {
		c.Warn(mlops.At("output"), outOfReach, "If the run is one of %s, its output could not be kept when it is over: %s.", keeper.Environment(), mlops.Message(err))
		return nil
	}
	return err
}
