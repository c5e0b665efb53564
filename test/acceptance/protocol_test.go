package acceptance

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// TestAccLog reads the CLI's log: what the SDK says of each request is in it,
// and what the provider says of its own work.
func TestAccLog(t *testing.T) {
	t.Parallel()
	w := workspace(t, environment)
	path := filepath.Join(t.TempDir(), "log")
	w.Setenv("TF_LOG=trace")
	w.Setenv("TF_LOG_PATH=" + path)
	w.Apply()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Received request", "tf_rpc=ApplyResourceChange", "tf_provider_addr=registry.terraform.io/terraform-mlops/mlops", "@module=mlops"} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

// TestAccDebug attaches the CLI to a provider that somebody else started, and
// that an interrupt ends.
func TestAccDebug(t *testing.T) {
	t.Parallel()
	first := workspace(t, "")
	w := first.Beside(t)
	cmd := exec.CommandContext(t.Context(), tfcli.New(t).Provider, "-debug")
	cmd.Env = append(os.Environ(), "MLOPS_LOCAL_DIRECTORY="+w.Engine)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Setenv(reattachment(t, bufio.NewScanner(out)))
	w.Write("main.tf", header+environment)
	w.Init()
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the provider ended with %v", err)
	}
	if r := w.Run("plan"); r.Code == 0 {
		t.Errorf("the CLI was attached to another provider:\n%s", r.Out)
	}
}

// reattachment is the setting that a provider tells people to make, as a shell
// would make it.
func reattachment(t *testing.T, said *bufio.Scanner) string {
	t.Helper()
	for said.Scan() {
		if setting := strings.TrimSpace(said.Text()); strings.HasPrefix(setting, "TF_REATTACH_PROVIDERS=") {
			return strings.ReplaceAll(setting, "'", "")
		}
	}
	t.Fatalf("the provider does not say how to attach: %v", said.Err())
	return ""
}

// TestAccByHand runs the provider as if it were a program for people.
func TestAccByHand(t *testing.T) {
	t.Parallel()
	workspace(t, "") // or skip
	cmd := exec.CommandContext(t.Context(), tfcli.New(t).Provider)
	out, err := cmd.CombinedOutput()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != 1 || !strings.Contains(string(out), "Terraform and OpenTofu run it") {
		t.Errorf("it ended with %v and said %q", err, out)
	}
}
