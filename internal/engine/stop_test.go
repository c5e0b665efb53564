package engine_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// busy fills an engine: a run in progress and a model server.
func busy(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c := connect(t, o)
	environment := made(t, c.Environments(), environmentSpec("e"))
	pipeline := made(t, c.Pipelines(), sleeper("e"))
	if _, err := c.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: pipeline}); err != nil {
		t.Fatal(err)
	}
	model := made(t, c.Models(), mlops.ModelSpec{Environment: environment, Name: "m"})
	artifact := filepath.Join(t.TempDir(), "model.bin")
	if err := os.WriteFile(artifact, []byte("model"), 0o600); err != nil {
		t.Fatal(err)
	}
	version := made(t, c.ModelVersions().Kind, mlops.ModelVersionSpec{
		Model: model, ArtifactURI: artifact, Format: "custom", Approval: "approved", Command: []string{self(t), asModelServer},
	})
	made(t, c.ModelEndpoints().Kind, mlops.ModelEndpointSpec{
		Environment: environment, Name: "p", Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}},
	})
	await(t, "the step never started", func() bool { return stepProcess(t, o.Directory) != "" })
	return c
}

// TestStopLeavesNoProcess proves that all processes end with the engine, and
// that what it kept is taken up by the next.
func TestStopLeavesNoProcess(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	c := busy(t, o)
	if n := len(processesOf(t, o.Directory)); n < 3 {
		t.Fatalf("%d processes, want an engine, a step and a model server", n)
	}
	end(t, o)
	if left := processesOf(t, o.Directory); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	endpoint := mlops.ID("local/e/endpoints/p")
	await(t, "the endpoint does not serve again", func() bool {
		seen, err := c.ModelEndpoints().Get(t.Context(), endpoint)
		if err != nil {
			t.Fatal(err)
		}
		return seen.Status.Replicas["main"] == 1
	})
	await(t, "the step does not run again", func() bool { return stepProcess(t, o.Directory) != "" })
}

// TestStopAfterKill proves that "stop" also ends what a killed engine left.
func TestStopAfterKill(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	busy(t, o)
	kill(t, ensure(t, o).PID)
	if n := len(processesOf(t, o.Directory)); n < 2 {
		t.Fatalf("%d processes survive the engine, want a step and a model server", n)
	}
	if status, out := command(t, "stop", "-directory", o.Directory); status != 0 {
		t.Fatalf("status %d: %s", status, out)
	}
	if left := processesOf(t, o.Directory); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestDestroyLeavesNothing proves that no process and no file stays of what was
// made and deleted, but for the engine's own.
func TestDestroyLeavesNothing(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	c := busy(t, o)
	gone(t, c.ModelEndpoints().Kind, "local/e/endpoints/p")
	gone(t, c.ModelVersions().Kind, "local/e/models/m/versions/1")
	gone(t, c.Models(), "local/e/models/m")
	gone(t, c.Pipelines(), "local/e/pipelines/sleeper") // with its run
	gone(t, c.Environments(), "local/e")
	if left := processesOf(t, o.Directory); len(left) != 1 {
		t.Errorf("left: %q, want the engine alone", left)
	}
	end(t, o)
	want := []string{"engine.db", "engine.key", "engine.lock", "engine.log", "engine.start", "inference.port"}
	if diff := cmp.Diff(want, files(t, o.Directory)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// files lists what is below a directory, sorted.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		out = append(out, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// TestLostDirectory takes the directory of a busy engine away: nobody can stop
// it any more, so that it has to see for itself.
func TestLostDirectory(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	busy(t, o)
	if err := os.Rename(o.Directory, o.Directory+".away"); err != nil {
		t.Fatal(err)
	}
	await(t, "the engine goes on without its directory", func() bool { return len(processesOf(t, o.Directory)) == 0 })
}
