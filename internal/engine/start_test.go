package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestManyStartOne proves that of many that need an engine at once, as in two
// applies at the same time, one starts it and all use it.
func TestManyStartOne(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	engines, errs := make([]api.Engine, 8), make([]error, 8)
	var all sync.WaitGroup
	for i := range engines {
		all.Go(func() { engines[i], errs[i] = client.Ensure(t.Context(), o) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Error(err)
		}
		if engines[i].PID != engines[0].PID || engines[i].PID == 0 {
			t.Errorf("the engines are the processes %d and %d", engines[0].PID, engines[i].PID)
		}
	}
	if running := processesOf(t, o.Directory); len(running) != 1 {
		t.Errorf("there are %d engines: %q", len(running), running)
	}
}

// TestFoundAgain proves that an engine that was started for one caller serves
// the next.
func TestFoundAgain(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	if first, second := ensure(t, o), ensure(t, o); first.PID != second.PID {
		t.Errorf("process %d was followed by %d", first.PID, second.PID)
	}
}

// TestKilledEngineIsFollowed proves that nothing is lost with an engine that is
// killed, and that a client that knew it finds the next.
func TestKilledEngineIsFollowed(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	c := connect(t, o)
	id := made(t, c.Environments(), environmentSpec("e"))
	kill(t, ensure(t, o).PID)
	seen, err := c.Environments().Get(t.Context(), id)
	if err != nil || seen.Phase != mlops.PhaseReady {
		t.Errorf("after a kill the environment is %v, %v", seen, err)
	}
}

// TestUpgrade proves that an older engine makes room for a newer one, that a
// newer one serves older clients, and that what a run does outlives the change.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	older := inNewDirectory(t)
	older.Version, older.Executable = "1.2.3", named(t, "engine-1.2.3")
	newer := older
	newer.Version, newer.Executable = "1.10.0", named(t, "engine-1.10.0")

	c := connect(t, older)
	made(t, c.Environments(), environmentSpec("e"))
	pipeline := made(t, c.Pipelines(), sleeper("e"))
	run, err := c.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: pipeline})
	if err != nil {
		t.Fatal(err)
	}
	var step string
	await(t, "the step never started", func() bool { step = stepProcess(t, older.Directory); return step != "" })

	first := ensure(t, older)
	second := ensure(t, newer)
	if first.Version != "1.2.3" || second.Version != "1.10.0" || second.PID == first.PID {
		t.Errorf("%s (%d) was followed by %s (%d)", first.Version, first.PID, second.Version, second.PID)
	}
	if got := stepProcess(t, older.Directory); got != step {
		t.Errorf("the step was %q and is %q", step, got)
	}
	if third := ensure(t, older); third.PID != second.PID {
		t.Errorf("an older client replaced %d by %d", second.PID, third.PID)
	}
	gone(t, c.PipelineRuns(), run.Ref)
}

// named makes this test binary the engine of a version.
func named(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self(t), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// sleeper is a pipeline whose step goes on until it is ended.
func sleeper(environment string) mlops.PipelineSpec {
	return mlops.PipelineSpec{
		Environment: mlops.EnvironmentID("local", nil, environment), Name: "sleeper",
		Steps: map[string]mlops.Step{"sleep": {Command: []string{"sleep", "98765"}}},
	}
}

// stepProcess is the wrapper of the sleeper's step, "" while it does not run.
func stepProcess(t *testing.T, dir string) string {
	t.Helper()
	for _, line := range processesOf(t, dir) {
		if strings.Contains(line, "sleep 98765") {
			return line
		}
	}
	return ""
}

// TestIdleExit proves that an engine that was started for an environment does
// not stay when the last one is gone.
func TestIdleExit(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	o.IdleExit = 200 * time.Millisecond
	c := connect(t, o)
	id := made(t, c.Environments(), environmentSpec("e"))
	pid := ensure(t, o).PID
	time.Sleep(3 * o.IdleExit)
	if !alive(pid) {
		t.Fatal("the engine left an environment")
	}
	gone(t, c.Environments(), id)
	await(t, "the engine stays without an environment", func() bool { return !alive(pid) })
	if _, err := c.Environments().Get(t.Context(), id); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("get: %v", err)
	}
}

// TestSecondEngine proves that a directory has one engine, and that the other
// is told of it.
func TestSecondEngine(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	first := ensure(t, o)
	err := engine.Run(t.Context(), engine.Config{Directory: o.Directory, Version: "dev"})
	wantCode(t, err, mlops.Conflict, o.Directory, "already", "process")
	if again := ensure(t, o); again.PID != first.PID {
		t.Errorf("the second engine ended the first")
	}
}

// TestLookingStartsNothing proves that reads of a directory where no engine ever
// was make nothing.
func TestLookingStartsNothing(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	c := connect(t, o)
	_, err := c.Models().Get(t.Context(), "local/e/models/m")
	wantCode(t, err, mlops.NotFound)
	wantCode(t, c.Models().Delete(t.Context(), "local/e/models/m"), mlops.NotFound)
	if all, err := c.Models().List(t.Context(), "local/e"); err != nil || len(all) != 0 {
		t.Errorf("listed %v, %v", all, err)
	}
	if _, err := os.Stat(o.Directory); !os.IsNotExist(err) {
		t.Errorf("the directory is there: %v", err)
	}
}

// TestOtherSettings proves that an engine with another port or interpreter than
// asked for is replaced.
func TestOtherSettings(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	first := ensure(t, o)
	o.Python = "/usr/bin/python3"
	second := ensure(t, o)
	if second.PID == first.PID || second.Python != o.Python {
		t.Errorf("%+v was followed by %+v", first, second)
	}
	o.Python = "" // whichever
	if third := ensure(t, o); third.PID != second.PID {
		t.Errorf("an engine that suits was replaced")
	}
}

// TestLongPath proves that a directory whose path is too long for a socket is as
// good as another, and that nothing stays outside of it.
func TestLongPath(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	o.Directory = filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "engine")
	ensure(t, o)
	end(t, o)
	socket := layout.Layout{Root: o.Directory}.Socket()
	if strings.HasPrefix(socket, o.Directory) {
		t.Fatalf("%s is not too long", socket)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !os.IsNotExist(err) {
		t.Errorf("the socket's directory is still there: %v", err)
	}
}

// TestCancelledStart proves that a caller who gives up gets its own context's
// error, and that the next caller is not kept from starting.
func TestCancelledStart(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	if _, err := client.Ensure(ctx, o); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	ensure(t, o)
}
