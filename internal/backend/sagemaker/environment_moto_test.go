package sagemaker

import (
	"bufio"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// moto is a simulation of AWS that is not ours. It has what environments are made
// of, but neither UpdateBudget, nor a SageMaker that looks at roles.
const moto = "moto[server]==5.2.5"

// serveMoto says where it listens, and ends with its standard input.
const serveMoto = `
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
`

// startMoto starts moto for a test and its subtests, and returns its URL.
func startMoto(t *testing.T) string {
	t.Helper()
	env, err := pyenvtest.Ensure(t.Context(), moto)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(env.Python(), "-c", serveMoto) // ended by its standard input, after the subtests
	cmd.Dir, cmd.Stderr = t.TempDir(), t.Output()      // where it logs each request
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(fmt.Errorf("moto does not start: %w", err))
	}
	return strings.TrimSpace(line)
}

// TestMoto holds environments and their files to a simulation of somebody else.
func TestMoto(t *testing.T) {
	t.Parallel()
	url := startMoto(t)
	t.Run("parts", func(t *testing.T) {
		t.Parallel()
		newEstate(t, url).partsLife()
	})
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		newStoreroom(t, url, "moto").filesLife()
	})
	t.Run("conformance", func(t *testing.T) {
		t.Parallel()
		mlopstest.Run(t, mlopstest.Harness{
			Factory: Factory(), Nouns: []mlops.Noun{mlops.NounEnvironment}, NewWorld: worldsOf(url),
		})
	})
}

// worldsOf keeps worlds of one account apart by their names.
func worldsOf(url string) func(*testing.T) mlopstest.World {
	var worlds atomic.Int32
	return func(*testing.T) mlopstest.World {
		return mlopstest.World{
			Prefix: fmt.Sprintf("w%d-", worlds.Add(1)),
			Scope:  []string{testRegion},
			Open: func(t *testing.T, owner string) mlops.Backend {
				t.Helper()
				return openAt(t, url, owner)
			},
		}
	}
}
