package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// removeBytes removes bytes that nothing in an environment has any more. The
// caller holds g.bytes for writing.
func (g *Registry) removeBytes(ctx context.Context, environment mlops.ID, digest string) error {
	used, err := g.digests(ctx, environment)
	if err != nil || used[digest] {
		return err
	}
	e, err := g.Store.Environments().Get(ctx, environment)
	if err != nil {
		return err
	}
	return blob.Remove(layout.BlobDir(g.Layout.EnvironmentDir(e.Spec)), digest)
}

// digests is the set of bytes that an environment's versions and datasets have.
func (g *Registry) digests(ctx context.Context, environment mlops.ID) (map[string]bool, error) {
	versions, err := g.Store.Versions().List(ctx, environment)
	used := map[string]bool{}
	for _, v := range versions {
		used[v.Status.Digest] = true
	}
	if err != nil {
		return used, err
	}
	datasets, err := g.Store.Datasets().List(ctx, environment)
	for _, d := range datasets {
		used[d.Status.Digest] = true
	}
	if err != nil {
		return used, err
	}
	reading, err := g.Store.ReadingRuns(ctx, environment)
	for _, d := range reading {
		used[d.Version.Digest] = true
	}
	return used, err
}

// sweepBytes removes what interrupted imports left. No import may be under way.
func (g *Registry) sweepBytes(ctx context.Context, environment mlops.EnvironmentSpec) error {
	used, err := g.digests(ctx, environment.ID)
	if err != nil {
		return err
	}
	dir := layout.BlobDir(g.Layout.EnvironmentDir(environment))
	kept, err := names(filepath.Join(dir, "sha256"))
	for _, hex := range kept {
		if digest := "sha256:" + hex; !used[digest] {
			err = errors.Join(err, blob.Remove(dir, digest))
		}
	}
	stages, errStages := names(dir)
	err = errors.Join(err, errStages)
	for _, name := range stages {
		if strings.HasPrefix(name, "import-") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
		}
	}
	return err
}

// names lists a directory, which may not be there.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, err
}
