package engine_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// command runs "engine" with arguments and returns its status and all it said.
func command(t *testing.T, args ...string) (status int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self(t), append([]string{"engine"}, args...)...)
	b, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	tests := []struct {
		name   string
		args   []string
		status int
		words  string
	}{
		{"nothing", nil, 2, "Usage: terraform-provider-mlops engine"},
		{"help", []string{"help"}, 0, "stop the engine with all its processes"},
		{"typo", []string{"stats"}, 2, `Did you mean "status"?`},
		{"help of a command", []string{"run", "-help"}, 0, "-idle-exit"},
		{"unknown flag", []string{"stop", "-force"}, 2, "-force"},
		{"too many", []string{"status", "now"}, 2, "takes no arguments"},
		{"status of none", []string{"status", "-directory", empty}, 3, "No engine runs in " + empty},
		{"json status of none", []string{"status", "-json", "-directory", empty}, 3, "null"},
		{"stop of none", []string{"stop", "-directory", empty}, 0, "No engine runs in " + empty},
		{"run in a file", []string{"run", "-directory", "/dev/null/x"}, 1, "Error: the engine's directory cannot be made"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, out := command(t, tt.args...)
			if status != tt.status || !strings.Contains(out, tt.words) {
				t.Errorf("status %d, want %d; it said:\n%s", status, tt.status, out)
			}
		})
	}
	if made := files(t, empty); len(made) > 0 {
		t.Errorf("looking and stopping made %q", made)
	}
}

func TestStatusOfARunningEngine(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	made(t, connect(t, o).Environments(), environmentSpec("e"))
	_, text := command(t, "status", "-json", "-directory", o.Directory)
	var e api.Engine
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if e.PID != ensure(t, o).PID || e.Objects[mlops.NounEnvironment] != 1 || e.Directory != o.Directory {
		t.Errorf("status is %+v", e)
	}
	if status, text := command(t, "status", "-directory", o.Directory); status != 0 || !strings.Contains(text, e.Inference) {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := command(t, "stop", "-directory", o.Directory); status != 0 || !strings.Contains(text, "has stopped") {
		t.Errorf("status %d: %s", status, text)
	}
	if alive(e.PID) {
		t.Error("it is still there")
	}
}
