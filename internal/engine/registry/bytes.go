package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

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

// holds counts who needs bytes that no record tells of. Its zero value is ready.
type holds struct {
	mu    sync.Mutex
	count map[held]int
}

// held is bytes in an environment.
type held struct {
	environment mlops.ID
	digest      string
}

// hold counts one more, until it is released.
func (h *holds) hold(environment mlops.ID, digest string) (release func()) {
	add := func(n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.count == nil {
			h.count = map[held]int{}
		}
		at := held{environment, digest}
		if h.count[at] += n; h.count[at] == 0 {
			delete(h.count, at)
		}
	}
	add(1)
	return func() { add(-1) }
}

// in is the set of bytes of an environment that are held.
func (h *holds) in(environment mlops.ID) map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]bool{}
	for at := range h.count {
		if at.environment == environment {
			out[at.digest] = true
		}
	}
	return out
}

// importData keeps bytes, which nobody removes before release.
func (g *Registry) importData(ctx context.Context, path string, environment mlops.EnvironmentSpec) (b blob.Blob, release func(), err error) {
	g.bytes.RLock()
	defer g.bytes.RUnlock()
	b, err = blob.Import(ctx, path, layout.BlobDir(g.Layout.EnvironmentDir(environment)))
	if err != nil {
		return b, nil, err // what was imported for nothing is swept at the next start
	}
	return b, g.judged.hold(environment.ID, b.Digest), nil
}

// digests is the set of bytes that an environment's versions and datasets have,
// or that its unfinished runs read.
func (g *Registry) digests(ctx context.Context, environment mlops.ID) (map[string]bool, error) {
	versions, err := g.Store.Versions().List(ctx, environment)
	used := g.judged.in(environment)
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

// sweepEvery is how often bytes are looked for that nothing has.
const sweepEvery = time.Hour

// sweep removes, again and again, bytes that nothing has any more: former data that
// a run was reading when others took their place.
func (g *Registry) sweep(ctx context.Context) {
	every(ctx, sweepEvery, func() {
		if err := g.Sweep(ctx); err != nil && ctx.Err() == nil {
			g.Log.Error("remove bytes that nothing has", "error", err)
		}
	})
}

// Sweep removes the bytes that nothing has now.
func (g *Registry) Sweep(ctx context.Context) error {
	environments, err := g.Store.Environments().List(ctx, "")
	for _, e := range environments {
		if e.Phase == mlops.PhaseReady {
			g.bytes.Lock()
			err = errors.Join(err, g.sweepBytes(ctx, e.Spec))
			g.bytes.Unlock()
		}
	}
	return err
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
