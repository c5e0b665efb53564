package serving

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func replicaDir(endpointDir string) string { return filepath.Join(endpointDir, "replicas") }
func logDir(endpointDir string) string     { return filepath.Join(endpointDir, "logs") }
func recordFile(dir string) string         { return filepath.Join(dir, "replica.json") }

// prefix begins the names of a fleet's directories and logs. Neither part has a
// dot.
func (f *fleet) prefix() string { return f.launch.variant + "." + f.launch.content + "." }

func (f *fleet) newReplica() *replica {
	return f.replicaAt(f.prefix() + strings.ToLower(rand.Text()[:6]))
}

func (f *fleet) replicaAt(name string) *replica {
	return &replica{f: f, dir: filepath.Join(replicaDir(f.e.dir), name), log: filepath.Join(logDir(f.e.dir), name+".log")}
}

// adopt takes over the fleet's servers that an earlier engine started and that
// still run, and returns how many there are.
func (f *fleet) adopt() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.e.unowned() {
		if !strings.HasPrefix(name, f.prefix()) || len(f.replicas) >= int(f.bounds.high) {
			continue
		}
		r := f.replicaAt(name)
		if r.find() {
			f.e.log.Info("found a model server", "variant", f.launch.variant, "pid", r.adopted.PID(), "port", r.port)
			f.add(r)
		}
	}
	return len(f.replicas)
}

// find looks for the replica's process of an earlier engine.
func (r *replica) find() bool {
	var kept replicaRecord
	b, err := os.ReadFile(recordFile(r.dir))
	if err != nil || json.Unmarshal(b, &kept) != nil || kept.Port == 0 {
		return false
	}
	h, err := process.Recover(r.dir)
	if err != nil || ended(h) {
		return false
	}
	r.adopted, r.port = h, kept.Port
	return true
}

func (e *endpoint) own(dir string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.owned[filepath.Base(dir)] = true
}

func (e *endpoint) disown(dir string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.owned, filepath.Base(dir))
}

// unowned lists the replicas' directories that no replica has.
func (e *endpoint) unowned() []string {
	entries, err := os.ReadDir(replicaDir(e.dir))
	if err != nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for _, d := range entries {
		if !e.owned[d.Name()] {
			names = append(names, d.Name())
		}
	}
	return names
}

// sweep ends the servers that no fleet has taken over, and removes what is left
// of old ones.
func (e *endpoint) sweep(ctx context.Context) {
	for _, name := range e.unowned() {
		discard(ctx, filepath.Join(replicaDir(e.dir), name))
	}
	e.pruneLogs()
}

// discard ends the process that a directory knows, if there is one, and removes
// the directory.
func discard(ctx context.Context, dir string) {
	if h, err := process.Recover(dir); err == nil {
		h.Stop(ctx, 0)
	}
	_ = os.RemoveAll(dir) // tried again with the next sweep
}

// keptLogs is how many logs of servers that are no more are kept.
const keptLogs = 20

// pruneLogs removes the oldest logs of servers that are no more.
func (e *endpoint) pruneLogs() {
	entries, err := os.ReadDir(logDir(e.dir))
	if err != nil {
		return
	}
	e.mu.Lock()
	old := slices.DeleteFunc(entries, func(d os.DirEntry) bool {
		name, _, _ := strings.Cut(d.Name(), ".log")
		return e.owned[name]
	})
	e.mu.Unlock()
	slices.SortFunc(old, func(a, b os.DirEntry) int { return written(b).Compare(written(a)) })
	for _, d := range old[min(keptLogs, len(old)):] {
		_ = os.Remove(filepath.Join(logDir(e.dir), d.Name())) // tried again with the next sweep
	}
}

// sweep ends the servers of an environment's endpoints that are not in the
// store, and removes their directories.
func (s *Service) sweep(ctx context.Context, dir string, environment mlops.ID, known []record) {
	entries, err := os.ReadDir(layout.EndpointDir(dir, ""))
	if err != nil {
		return
	}
	for _, d := range entries {
		id := environment.Child(mlops.NounModelEndpoint, d.Name())
		if ctx.Err() != nil || slices.ContainsFunc(known, func(r record) bool { return r.ID == id }) {
			continue
		}
		s.Log.Warn("removing what is left of an endpoint that is gone", "endpoint", id)
		e := &endpoint{dir: layout.EndpointDir(dir, d.Name())}
		e.sweep(ctx)
		_ = os.RemoveAll(e.dir) // tried again at the next start
	}
}
