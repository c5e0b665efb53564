package registry

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type seenDataset = mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]

// data keeps a table in a file of its own.
func (b bench) data(content string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "data.csv")
	b.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

// dataset makes the dataset d of a table.
func (b bench) dataset(content string, change func(*mlops.DatasetSpec)) mlops.DatasetSpec {
	b.Helper()
	s := mlops.DatasetSpec{Environment: b.environment(), Name: "d", URI: b.data(content)}
	if change != nil {
		change(&s)
	}
	b.the(b.Datasets().Create(b.ctx, s))
	return s
}

func (b bench) seen(id mlops.ID) seenDataset {
	b.Helper()
	o, err := b.Datasets().Get(b.ctx, id)
	b.must(err)
	return o
}

// versions are the numbers of a history.
func versions(s mlops.DatasetStatus) string {
	var out []string
	for _, v := range s.History {
		out = append(out, v.Version)
	}
	return strings.Join(out, " ")
}

// TestDatasetVersions proves that a number means the same bytes for ever, and that
// bytes are kept as long as they are in force.
func TestDatasetVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", nil)
	steps := []struct{ name, content, version, history string }{
		{"made", "a\n1\n", "1", "1"},
		{"same bytes", "a\n1\n", "1", "1"},
		{"other bytes", "a\n1\n2\n", "2", "2 1"},
		{"former bytes", "a\n1\n", "1", "2 1"},
		{"new bytes", "a\n1\n2\n3\n", "3", "3 2 1"},
	}
	for _, step := range steps {
		b.must(os.WriteFile(spec.URI, []byte(step.content), 0o600))
		c := b.the(b.Datasets().Update(b.ctx, spec.ID(), spec))
		o := b.seen(spec.ID())
		if o.Status.Version != step.version || versions(o.Status) != step.history || o.Phase != mlops.PhaseReady || o.Revision != c.Revision {
			b.Errorf("%s: version %s of %s, %s with %s", step.name, o.Status.Version, versions(o.Status), o.Phase, o.Revision)
		}
		if want := int64(strings.Count(step.content, "\n") - 1); o.Status.Rows != want {
			b.Errorf("%s: %d rows, want %d", step.name, o.Status.Rows, want)
		}
		path, err := artifact.Kept(o.Status.URI)
		b.must(err)
		if kept, err := os.ReadFile(path); err != nil || string(kept) != step.content || len(b.blobs()) != 1 {
			b.Errorf("%s: kept %q of %q, %v", step.name, kept, b.blobs(), err)
		}
	}
}

// TestDatasetIsACopy proves that what happens to the file afterwards is nothing to
// the dataset.
func TestDatasetIsACopy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", nil)
	b.must(os.Remove(spec.URI))
	o := b.seen(spec.ID())
	path, err := artifact.Kept(o.Status.URI)
	b.must(err)
	if digest, size, err := blob.Digest(path); digest != o.Status.Digest || size != o.Status.Size || err != nil {
		b.Errorf("kept %s of %d bytes, %v; the status says %s of %d", digest, size, err, o.Status.Digest, o.Status.Size)
	}
	_, err = b.Datasets().Update(b.ctx, spec.ID(), spec)
	b.wantCode(err, mlops.Invalid, "there is no file")
	if got := b.seen(spec.ID()); got.Status.Version != "1" {
		b.Errorf("version %s", got.Status.Version)
	}
}

// TestBytesChangeWhileCopied proves that digest, figures and bytes belong together
// whatever is written meanwhile.
func TestBytesChangeWhileCopied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	content := func(n int) []byte { return []byte("a\n" + strings.Repeat(fmt.Sprintf("%d\n", n), 100_000)) }
	spec := b.dataset(string(content(0)), nil)
	ctx, cancel := context.WithCancel(b.ctx)
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			_ = os.WriteFile(spec.URI, content(n%10), 0o600)
		}
	})
	for range 20 {
		_, err := b.Datasets().Update(b.ctx, spec.ID(), spec)
		if mlops.CodeOf(err) == mlops.Invalid {
			continue // cut in the header
		}
		b.must(err)
		o := b.seen(spec.ID())
		path, err := artifact.Kept(o.Status.URI)
		b.must(err)
		text, err := os.ReadFile(path)
		b.must(err)
		digest, _, err := blob.Digest(path)
		b.must(err)
		rows := int64(len(strings.Fields(string(text)))) - 1
		if digest != o.Status.Digest || int64(len(text)) != o.Status.Size || rows != o.Status.Rows {
			b.Errorf("kept %d rows with %s, the status says %d with %s", rows, digest, o.Status.Rows, o.Status.Digest)
		}
	}
	cancel()
	writing.Wait()
	if kept := b.blobs(); len(kept) != 1 {
		b.Errorf("kept %q", kept)
	}
}

// TestRefusedData proves that data that break rules leave everything as it was.
func TestRefusedData(t *testing.T) {
	t.Parallel()
	few := func(s *mlops.DatasetSpec) { s.Checks = &mlops.DatasetChecks{MinRows: 2, OnFailure: "error"} }
	tests := []struct {
		name    string
		change  func(*mlops.DatasetSpec)
		content string
		code    mlops.Code
		words   []string
	}{
		{"checks", few, "a\n1\n", mlops.Failed, []string{"fewer than min_rows = 2"}},
		{"schema", func(s *mlops.DatasetSpec) { s.Schema = map[string]mlops.Column{"a": {Type: "integer"}} }, "a\nx\n1\n", mlops.Failed, []string{`"a" is to be of type integer`, `"x"`}},
		{"no table", nil, "a,b\n1\n", mlops.Invalid, []string{"line 2 has 1 fields"}},
		{"nothing", nil, "", mlops.Invalid, []string{"empty"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			spec := b.dataset("a\n1\n2\n", tc.change)
			before, kept := b.seen(spec.ID()), b.blobs()
			b.must(os.WriteFile(spec.URI, []byte(tc.content), 0o600))
			_, err := b.Datasets().Update(b.ctx, spec.ID(), spec)
			b.wantCode(err, tc.code, tc.words...)
			if diff := cmp.Diff(before, b.seen(spec.ID())); diff != "" {
				b.Errorf("the dataset (-before +after):\n%s", diff)
			}
			spec.Name = "other"
			_, err = b.Datasets().Create(b.ctx, spec)
			b.wantCode(err, tc.code, tc.words...)
			_, err = b.Datasets().Get(b.ctx, spec.ID())
			b.wantCode(err, mlops.NotFound)
			if diff := cmp.Diff(kept, b.blobs()); diff != "" {
				b.Errorf("bytes (-before +after):\n%s", diff)
			}
		})
	}
}

// TestWarnings proves that checks may only tell.
func TestWarnings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", func(s *mlops.DatasetSpec) { s.Checks = &mlops.DatasetChecks{MinRows: 2, OnFailure: "warn"} })
	o := b.seen(spec.ID())
	if diff := cmp.Diff([]string{"there are 1 rows, fewer than min_rows = 2"}, o.Status.Violations); diff != "" || o.Phase != mlops.PhaseReady {
		b.Errorf("%s; (-want +got):\n%s", o.Phase, diff)
	}
}

// TestDatasetSources proves where data may come from.
func TestDatasetSources(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	environment := b.environment()
	output := artifact.URI(b.data("a\n1\n"))
	run := environment.Child(mlops.NounPipeline, "p").Child(mlops.NounPipelineRun, "r")
	lineage := &mlops.Lineage{PipelineVersion: "v", Parameters: map[string]string{}, Steps: map[string]mlops.StepLineage{}}
	b.run(run, "us", func(r *runRecord) {
		r.Status.Outputs, r.Status.Lineage = map[string]string{"prepare.train": output}, lineage
	})
	unfinished := run.Parent().Child(mlops.NounPipelineRun, "unfinished")
	b.run(unfinished, "us", func(r *runRecord) { r.Status.State = mlops.RunRunning })
	folder := b.TempDir()
	link := filepath.Join(folder, "link.csv")
	b.must(os.Symlink(b.data("a\n1\n"), link))
	tests := []struct {
		name string
		spec mlops.DatasetSpec
		code mlops.Code
		word string
		from *mlops.Lineage
	}{
		{"output of a run", mlops.DatasetSpec{Run: run, Output: "train"}, "", "", lineage},
		{"output of a run, with its step", mlops.DatasetSpec{Run: run, Output: "prepare.train", Format: "csv"}, "", "", lineage},
		{"URI of a run's output", mlops.DatasetSpec{URI: output}, "", "", lineage},
		{"any file", mlops.DatasetSpec{URI: artifact.URI(b.data("a\n1\n"))}, "", "", nil},
		{"no such output", mlops.DatasetSpec{Run: run, Output: "test"}, mlops.Invalid, `no output "test"`, nil},
		{"no such run", mlops.DatasetSpec{Run: run.Parent().Child(mlops.NounPipelineRun, "x"), Output: "train"}, mlops.Invalid, "there is no run", nil},
		{"unfinished run", mlops.DatasetSpec{Run: unfinished, Output: "train"}, mlops.Invalid, "is running", nil},
		{"directory", mlops.DatasetSpec{URI: folder, Format: "csv"}, mlops.Invalid, "a dataset is one file", nil},
		{"link", mlops.DatasetSpec{URI: link}, mlops.Invalid, "symbolic link", nil},
		{"no such file", mlops.DatasetSpec{URI: filepath.Join(folder, "x.csv")}, mlops.Invalid, "there is no file", nil},
		{"another machine's", mlops.DatasetSpec{URI: "s3://bucket/x.csv"}, mlops.Unsupported, "download", nil},
	}
	for i, tc := range tests {
		tc.spec.Environment, tc.spec.Name = environment, fmt.Sprintf("d%d", i)
		_, err := b.Datasets().Create(b.ctx, tc.spec)
		if tc.code != "" {
			b.wantCode(err, tc.code, tc.word)
			continue
		}
		if err != nil {
			b.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(tc.from, b.seen(tc.spec.ID()).Status.Lineage); diff != "" {
			b.Errorf("%s: lineage (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestDatasetInUse proves that data stay while something refers to them, and that
// their bytes stay while a run reads them.
func TestDatasetInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", nil)
	pipeline := mlops.PipelineSpec{Environment: spec.Environment, Name: "p", Steps: map[string]mlops.Step{
		"s": {Command: []string{"wc", "{{inputs.d}}"}, Inputs: map[string]string{"d": "{{datasets.d}}"}},
	}}
	b.the(b.Pipelines().Create(b.ctx, pipeline))
	b.wantCode(b.Datasets().Delete(b.ctx, spec.ID()), mlops.Conflict, "pipelines/p reads")
	b.must(b.Pipelines().Delete(b.ctx, pipeline.ID()))

	monitor := mlops.MonitorSpec{
		Endpoint: spec.Environment.Child(mlops.NounModelEndpoint, "e"), Name: "m", DataDrift: &mlops.DriftCheck{},
		Schedule: mlops.Schedule{Cron: "0 0 * * *"}, Baseline: &mlops.Baseline{Dataset: spec.ID()},
	}
	_, err := b.Store.Monitors().Accept(b.ctx, monitor.ID(), "us", monitor, nil) // not settled yet
	b.must(err)
	b.wantCode(b.Datasets().Delete(b.ctx, spec.ID()), mlops.Conflict, "monitors/m compares")
	b.must(b.Store.Monitors().Delete(b.ctx, monitor.ID(), nil))

	run := pipeline.ID().Child(mlops.NounPipelineRun, "r")
	b.run(run, "us", nil)
	o := b.seen(spec.ID())
	plan := &store.RunPlan{Datasets: map[string]store.RunDataset{"d": {ID: spec.ID(), URI: o.Status.URI, Version: o.Status.History[0]}}}
	b.must(b.Store.Write(b.ctx, func(tx *store.Tx) error { return tx.OpenRun(b.ctx, run, plan) }))
	b.must(os.WriteFile(spec.URI, []byte("a\n2\n"), 0o600))
	b.the(b.Datasets().Update(b.ctx, spec.ID(), spec))
	if kept := b.blobs(); len(kept) != 2 {
		b.Errorf("what a run reads is gone: %q", kept)
	}
	b.must(b.Datasets().Delete(b.ctx, spec.ID()))
	if kept := b.blobs(); len(kept) != 1 {
		b.Errorf("kept %q", kept)
	}
	b.must(b.Store.Write(b.ctx, func(tx *store.Tx) error { return tx.CloseRun(b.ctx, run) }))
	release := b.judged.hold(spec.Environment, o.Status.Digest)
	b.must(b.Sweep(b.ctx))
	if kept := b.blobs(); len(kept) != 1 {
		b.Errorf("what is looked at was swept: %q", kept)
	}
	release()
	b.must(b.Sweep(b.ctx))
	if kept := b.blobs(); len(kept) != 0 {
		b.Errorf("left: %q", kept)
	}
}

// TestSharedBytes proves that a dataset and a version of the same bytes do not take
// them from each other.
func TestSharedBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", nil)
	model := b.the(b.Models().Create(b.ctx, mlops.ModelSpec{Environment: spec.Environment, Name: "m"})).Ref
	version := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "a\n1\n"))).Ref
	b.must(b.ModelVersions().Delete(b.ctx, version))
	if kept := b.blobs(); len(kept) != 1 {
		b.Errorf("the dataset's bytes are gone: %q", kept)
	}
	release := b.judged.hold(spec.Environment, b.seen(spec.ID()).Status.Digest)
	b.must(b.Datasets().Delete(b.ctx, spec.ID()))
	if kept := b.blobs(); len(kept) != 1 {
		b.Errorf("what is looked at is gone: %q", kept)
	}
	release()
	if held := b.judged.in(spec.Environment); len(held) != 0 {
		b.Errorf("still held: %v", held)
	}
}

func TestDatasetOfAnotherOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.dataset("a\n1\n", nil)
	spec.URI = b.data("a\n2\n")
	kept := b.blobs()
	_, err := b.Datasets().Create(api.WithOwner(b.ctx, "them"), spec)
	b.wantCode(err, mlops.AlreadyExists)
	if diff := cmp.Diff(kept, b.blobs()); diff != "" {
		b.Errorf("bytes (-before +after):\n%s", diff)
	}
	spec.Environment = "local/nowhere"
	_, err = b.Datasets().Create(b.ctx, spec)
	b.wantCode(err, mlops.Invalid, "local/nowhere")
}
