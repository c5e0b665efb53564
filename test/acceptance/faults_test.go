package acceptance

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// slowRun is a pipeline of three steps in a row. Each appends a line to a
// journal when it starts; the second waits for a file.
const slowRun = environment + `
variable "folder" { type = string }
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "p"
  steps = {
    first  = { command = ["sh", "-c", "echo started >>${var.folder}/first"] }
    second = { command = ["sh", "-c", "echo started >>${var.folder}/second; while [ ! -e ${var.folder}/go ]; do sleep 0.05; done; echo done >\"$MLOPS_OUTPUT_WORD\""], after = ["first"], outputs = ["word"] }
    third  = { command = ["sh", "-c", "echo started >>${var.folder}/third"], after = ["second"] }
  }
}
resource "mlops_pipeline_run" "r" {
  pipeline = mlops_pipeline.p.id
  triggers = { code = mlops_pipeline.p.version }
}
output "status" { value = mlops_pipeline_run.r.status }
`

// startSlowRun begins to apply slowRun, and returns when its second step runs.
func startSlowRun(t *testing.T) (w *tfcli.Workspace, folder string, apply *tfcli.Started) {
	t.Helper()
	w, folder = workspace(t, slowRun), t.TempDir()
	w.Setenv("TF_VAR_folder=" + folder)
	apply = w.Start("apply", "-auto-approve")
	appears(t, filepath.Join(folder, "second"))
	return w, folder, apply
}

// letGo lets the second step of slowRun end.
func letGo(t *testing.T, folder string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAccEngineKilledDuringRun kills the engine while a step runs. The run is
// taken up where it was: no finished step runs again, and the step that ran on
// is not started twice.
func TestAccEngineKilledDuringRun(t *testing.T) {
	t.Parallel()
	w, folder, apply := startSlowRun(t)
	w.KillEngine()
	letGo(t, folder)
	if r := apply.Wait(); r.Code != 0 {
		w.Apply() // the waiting provider may have given up; the next apply takes the run up
	}
	w.PlanIsEmpty()
	if got := w.Output("status"); got != "succeeded" {
		t.Errorf("run %s", got)
	}
	for _, step := range []string{"first", "second", "third"} {
		if n := lines(t, filepath.Join(folder, step)); n != 1 {
			t.Errorf("step %s was started %d times", step, n)
		}
	}
	w.Destroy()
	w.NothingLeft()
}

// TestAccProviderKilledDuringRun kills the provider while it waits. Nothing is
// lost: the next apply adopts the run.
func TestAccProviderKilledDuringRun(t *testing.T) {
	t.Parallel()
	w, folder, apply := startSlowRun(t)
	if w.KillProviders(apply) == 0 {
		t.Fatal("there was no provider to kill")
	}
	if r := apply.Wait(); r.Code == 0 {
		t.Fatalf("apply succeeded without its provider:\n%s", r.Out)
	}
	letGo(t, folder)
	w.Apply()
	w.PlanIsEmpty()
	if n := lines(t, filepath.Join(folder, "second")); n != 1 {
		t.Errorf("the step was started %d times", n)
	}
	w.Destroy()
	w.NothingLeft()
}

// TestAccInterruptedApply presses Ctrl-C while a run is waited for.
func TestAccInterruptedApply(t *testing.T) {
	t.Parallel()
	w, folder, apply := startSlowRun(t)
	if err := unix.Kill(apply.PID(), unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	if r := apply.Wait(); r.Code == 0 {
		t.Fatalf("apply succeeded although it was interrupted:\n%s", r.Out)
	}
	letGo(t, folder)
	w.Apply()
	w.PlanIsEmpty()
}

// TestAccProviderKilledDuringCreate kills the provider while an endpoint is
// being made. The next apply finishes it under the same name.
func TestAccProviderKilledDuringCreate(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	mark := filepath.Join(t.TempDir(), "starting")
	w.Write("server.py", server("good", `open("`+mark+`", "a").write("x\n"); time.sleep(3)`))
	apply := w.Start("apply", "-auto-approve")
	appears(t, mark)
	if w.KillProviders(apply) == 0 {
		t.Fatal("there was no provider to kill")
	}
	apply.Wait()
	w.Apply()
	answers(t, w.Output("url"), "good")
	w.PlanIsEmpty()
	w.Destroy()
	w.NothingLeft()
}

// TestAccEngineKilledWhileServing kills the engine; the next use of the provider
// brings it back, and the endpoint with it, on the same URL.
func TestAccEngineKilledWhileServing(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	mark := filepath.Join(t.TempDir(), "starts")
	w.Write("server.py", server("good", `open("`+mark+`", "a").write("x\n")`))
	w.Apply()
	url := w.Output("url")
	w.KillEngine()
	w.PlanIsEmpty()
	answers(t, url, "good")
	if n := lines(t, mark); n != 1 {
		t.Errorf("the server was started %d times: it was not attached again", n)
	}
	w.Destroy()
	w.NothingLeft()
}

// TestAccTwoAppliesAtOnce starts two configurations on one engine directory
// that has no engine yet.
func TestAccTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	one := workspace(t, served)
	one.Write("server.py", server("good", ""))
	two := one.Beside(t)
	two.Write("main.tf", header+strings.ReplaceAll(served, `"acc"`, `"other"`))
	two.Write("server.py", server("good", ""))
	two.Init()
	a, b := one.Start("apply", "-auto-approve"), two.Start("apply", "-auto-approve")
	for _, r := range []struct{ out, name string }{{a.Wait().Out, "first"}, {b.Wait().Out, "second"}} {
		if !strings.Contains(r.out, "Apply complete!") {
			t.Errorf("%s apply:\n%s", r.name, r.out)
		}
	}
	engines := 0
	for _, line := range one.Processes() {
		if strings.Contains(line, " engine run") {
			engines++
		}
	}
	if engines != 1 {
		t.Errorf("%d engines run", engines)
	}
	two.Destroy()
	one.Destroy()
	one.NothingLeft()
}

// TestAccSameNameInAnotherConfiguration refuses to take over what another
// configuration made, and leaves it alone.
func TestAccSameNameInAnotherConfiguration(t *testing.T) {
	t.Parallel()
	one := workspace(t, environment)
	one.Apply()
	two := one.Beside(t)
	two.Write("main.tf", header+environment)
	two.Init()
	two.ApplyFails().Contains(t, "already exists", "import the object by its ID")
	one.PlanIsEmpty()
}

// TestAccEngineDirectoryCannotBeWritten puts a file where the directory should
// be.
func TestAccEngineDirectoryCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := workspace(t, environment)
	if err := os.WriteFile(w.Engine, []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.ApplyFails().Contains(t, w.Engine)
	if err := os.Remove(w.Engine); err != nil {
		t.Fatal(err)
	}
}

// TestAccDamagedStore refuses to work on a damaged store and leaves it alone.
func TestAccDamagedStore(t *testing.T) {
	t.Parallel()
	w := workspace(t, environment)
	w.Apply()
	w.StopEngine()
	db := filepath.Join(w.Engine, "engine.db")
	good, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	bad := []byte(strings.Repeat("this was a database once ", 1000))
	if err := os.WriteFile(db, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.Run("plan"); r.Code == 0 {
		t.Errorf("plan succeeded on a damaged store:\n%s", r.Out)
	} else {
		r.Contains(t, db, "not an intact database", "left as it is")
	}
	if now, err := os.ReadFile(db); err != nil || string(now) != string(bad) {
		t.Errorf("the damaged store was changed, %v", err)
	}
	if err := os.WriteFile(db, good, 0o600); err != nil {
		t.Fatal(err)
	}
	w.PlanIsEmpty()
}

// TestAccFullDisk runs the engine on a small file system. The apply fails and
// says so; with room again the next one succeeds.
func TestAccFullDisk(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	w.Write("server.py", server("good", ""))
	mountSmall(t, w.Engine)
	filler := filepath.Join(w.Engine, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	w.ApplyFails().Contains(t, "disk is full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.Apply()
	answers(t, w.Output("url"), "good")
	w.Destroy()
	w.StopEngine()
}

// mountSmall mounts a file system of a few MiB. It needs root, which a CI
// container has.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 && os.Getenv("CI") != "true" {
		t.Skip("mounting a small file system needs root")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// TestAccPortTaken names a port for the gateway that somebody else has.
func TestAccPortTaken(t *testing.T) {
	t.Parallel()
	w := workspace(t, environment)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	w.Setenv("MLOPS_LOCAL_PORT=" + port)
	w.ApplyFails().Contains(t, port, "in use")
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	w.Apply()
	w.PlanIsEmpty()
}
