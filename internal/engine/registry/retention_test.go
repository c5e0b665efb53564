package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestRetention proves which runs and captures go when their time is over.
func TestRetention(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := environmentSpec("e", "")
	spec.Retention = &mlops.Retention{Runs: mlops.Duration(time.Hour), Captures: mlops.Duration(time.Hour)}
	b.the(b.Environments().Create(b.ctx, spec))
	now := time.Now()
	old := now.Add(-2 * time.Hour)
	ended := func(at time.Time, state mlops.RunState, after mlops.ID) func(*runRecord) {
		return func(r *runRecord) { r.Status.FinishedAt, r.Status.State, r.Spec.After = at, state, after }
	}
	const runs = "local/e/pipelines/p/runs/"
	b.run(runs+"scheduled", "", ended(old, mlops.RunSucceeded, ""))
	b.run(runs+"superseded", "us", ended(old, mlops.RunFailed, ""))
	b.run(runs+"declared", "us", ended(old, mlops.RunSucceeded, runs+"superseded"))
	b.run(runs+"newest", "", ended(old, mlops.RunSucceeded, ""))
	b.run(runs+"recent", "", ended(now, mlops.RunFailed, ""))
	b.run(runs+"running", "", func(r *runRecord) { r.Status.State = mlops.RunRunning })
	dir := layout.CaptureDir(b.Layout.EnvironmentDir(spec), "p")
	b.must(os.MkdirAll(dir, 0o700))
	for name, at := range map[string]time.Time{"capture-1.jsonl": old, "capture-2.jsonl": now, gateway.CaptureFile: old} {
		b.must(errors.Join(os.WriteFile(filepath.Join(dir, name), nil, 0o600), os.Chtimes(filepath.Join(dir, name), at, at)))
	}
	b.must(b.Retire(b.ctx, now))

	left, err := b.Store.Runs().List(b.ctx, "local/e")
	b.must(err)
	names := []string{}
	for _, r := range left {
		names = append(names, r.ID.Name())
	}
	if diff := cmp.Diff([]string{"declared", "newest", "recent", "running"}, names); diff != "" {
		b.Errorf("runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"capture-2.jsonl", gateway.CaptureFile}, b.files(dir)); diff != "" {
		b.Errorf("captures (-want +got):\n%s", diff)
	}
}
