package registry

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// bench is a registry at work, in the name of us.
type bench struct {
	*testing.T
	*Registry

	ctx context.Context
}

// removals is a runner that has nothing to run: runs are rows of the store.
type removals struct{ store *store.Store }

func (r removals) Delete(ctx context.Context, run mlops.ID) error {
	return r.store.Runs().Delete(ctx, run, nil)
}

func (removals) PipelinesChanged() {}

func newBench(t *testing.T) bench {
	t.Helper()
	root := filepath.Join(t.TempDir(), "engine")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	l := layout.Layout{Root: root}
	s, err := store.Open(t.Context(), l.Database())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	g := New(Config{Store: s, Layout: l, Runs: removals{s}, Log: slog.New(slog.DiscardHandler), Keys: keys, Version: "test"})
	t.Cleanup(func() {
		g.servers.close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return bench{t, g, api.WithOwner(t.Context(), "us")}
}

// the returns the change of a call that must succeed.
func (b bench) the(c mlops.Change, err error) mlops.Change {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func (b bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b bench) wantCode(err error, want mlops.Code, words ...string) {
	b.Helper()
	if got := mlops.CodeOf(err); got != want {
		b.Errorf("code %q (%v), want %q", got, err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			b.Errorf("%q does not say %q", err, w)
		}
	}
}

func environmentSpec(name, directory string) mlops.EnvironmentSpec {
	s := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID("local", nil, name), Name: name, Stage: "dev",
		Target: mlops.Target{Backend: "local", Settings: mlops.Settings{}},
	}
	if directory != "" {
		s.Target.Settings["directory"] = directory
	}
	return s
}

// environment makes the environment e.
func (b bench) environment() mlops.ID {
	b.Helper()
	return b.the(b.Environments().Create(b.ctx, environmentSpec("e", ""))).Ref
}

// model makes the model m in it.
func (b bench) model() mlops.ID {
	b.Helper()
	return b.the(b.Models().Create(b.ctx, mlops.ModelSpec{Environment: b.environment(), Name: "m"})).Ref
}

// file keeps content in a file of its own.
func (b bench) file(content string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "model.bin")
	b.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (b bench) versionSpec(model mlops.ID, content string) mlops.ModelVersionSpec {
	b.Helper()
	return mlops.ModelVersionSpec{Model: model, ArtifactURI: b.file(content), Format: "sklearn", Approval: "approved"}
}

// run puts a run into the store.
func (b bench) run(id mlops.ID, owner string, change func(*runRecord)) {
	b.Helper()
	r := runRecord{ID: id, Owner: owner, Phase: mlops.PhaseReady, Spec: mlops.PipelineRunSpec{Pipeline: id.Parent()}}
	r.Revision, r.Status.State = mlops.DigestOf(r.Spec), mlops.RunSucceeded
	if change != nil {
		change(&r)
	}
	b.must(b.Store.Runs().Insert(b.ctx, r, nil))
}

// files lists the regular files below a directory.
func (b bench) files(dir string) []string {
	b.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		out = append(out, rel)
		return err
	})
	b.must(err)
	slices.Sort(out)
	return out
}

func (b bench) exists(path string) bool {
	b.Helper()
	_, err := os.Lstat(path)
	return err == nil
}

func TestUnknownEnvironment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.Models().Create(b.ctx, mlops.ModelSpec{Environment: "local/nowhere", Name: "m"})
	b.wantCode(err, mlops.Invalid, "local/nowhere")
}

func TestScheduleIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.Pipelines().Create(b.ctx, mlops.PipelineSpec{
		Environment: b.environment(), Name: "p", Steps: map[string]mlops.Step{"s": {Command: []string{"true"}}},
		Schedule: &mlops.Schedule{Cron: "0 0 31 2 *"},
	})
	b.wantCode(err, mlops.Invalid, "never fires")
}

// TestDeletingParentTakesNothing proves that nothing is made in what is being
// deleted.
func TestDeletingParentTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.environment()
	_, err := b.Store.Environments().Change(b.ctx, id, func(_ *store.Tx, r *environmentRecord) error {
		r.Phase = mlops.PhaseDeleting
		return nil
	})
	b.must(err)
	_, err = b.Models().Create(b.ctx, mlops.ModelSpec{Environment: id, Name: "m"})
	b.wantCode(err, mlops.Conflict, "being deleted")
	_, err = b.Environments().Create(b.ctx, environmentSpec("e", ""))
	b.wantCode(err, mlops.Conflict, "being deleted")
}

// TestPipelineTakesItsRuns proves that a pipeline is gone when its runs are, and
// not before, also when the engine ends in between.
func TestPipelineTakesItsRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := mlops.PipelineSpec{Environment: b.environment(), Name: "p", Steps: map[string]mlops.Step{"s": {Command: []string{"true"}}}}
	id := b.the(b.Pipelines().Create(b.ctx, spec)).Ref
	run := id.Child(mlops.NounPipelineRun, "r")
	b.run(run, "us", func(r *runRecord) { r.Phase = mlops.PhaseDeleting }) // slow to go
	b.must(b.Pipelines().Delete(b.ctx, id))
	if seen, err := b.Pipelines().Get(b.ctx, id); err != nil || seen.Phase != mlops.PhaseDeleting {
		b.Errorf("with a run left it is %s, %v", seen.Phase, err)
	}
	_, err := b.Pipelines().Update(b.ctx, id, spec)
	b.wantCode(err, mlops.Conflict)

	b.must(b.Start(b.ctx))
	b.must(b.Store.Runs().Delete(b.ctx, run, nil))
	for deadline := time.Now().Add(time.Minute); err == nil || mlops.CodeOf(err) != mlops.NotFound; _, err = b.Pipelines().Get(b.ctx, id) {
		if time.Now().After(deadline) {
			b.Fatal("the pipeline is still there")
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.must(b.Close(b.ctx))
}
