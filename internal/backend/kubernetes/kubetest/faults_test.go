package kubetest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// TestFaults breaks a cluster of its own: a server that is killed keeps what it said
// that it has, and a paused one answers again.
func TestFaults(t *testing.T) {
	t.Parallel()
	var fragile kubetest.Cluster
	t.Cleanup(func() {
		if err := fragile.Close(); err != nil {
			t.Error(err)
		}
	})
	fragile.Start(t)
	namespace := fragile.Namespace(t)
	ref := kubetest.Ref{Resource: "configmaps", Namespace: namespace, Name: "x"}
	fragile.Apply(t, namespace, "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}}")

	fragile.StopAPIServer(t)
	if err := fragile.Access().Get(t.Context(), ref); err == nil {
		t.Error("a server that is stopped answers")
	}
	fragile.StartAPIServer(t)
	if got := kubetest.Text(fragile.Get(t, ref), "data", "a"); got != "b" {
		t.Errorf("after a restart the object has %q", got)
	}

	resume := fragile.PauseEtcd(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := fragile.Access().Get(ctx, ref); err == nil {
		t.Error("an object was read while etcd was paused")
	}
	resume()
	fragile.Get(t, ref)
}

// victim is set for a test binary that is to be killed.
const victim = "KUBETEST_VICTIM"

// runVictim starts a cluster, says where, and waits to be killed.
func runVictim() int {
	var c kubetest.Cluster
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: "Victim",
		F: func(t *testing.T) {
			t.Helper()
			c.Start(t)
			fmt.Println("victim", filepath.Dir(c.Kubeconfig()))
			select {}
		},
	}}, nil, nil)
	return 0
}

// TestKilled proves that nothing is left of a cluster whose test binary was killed.
func TestKilled(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.timeout=5m")
	cmd.Env = append(os.Environ(), victim+"=1")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	directory := ""
	for lines := bufio.NewScanner(output); directory == "" && lines.Scan(); {
		directory, _ = strings.CutPrefix(lines.Text(), "victim ")
		if directory == lines.Text() {
			directory = ""
		}
	}
	if directory == "" {
		t.Fatal("the victim did not start")
	}
	if running(t.Context(), t, directory) == 0 {
		t.Fatal("nothing runs")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := os.Stat(directory)
		return os.IsNotExist(err) && running(ctx, t, directory) == 0, nil
	})
	if err != nil {
		t.Errorf("left of %s: %d processes", directory, running(t.Context(), t, directory))
	}
}

// running counts the processes that were told of a directory.
func running(ctx context.Context, t *testing.T, directory string) int {
	t.Helper()
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(out), directory)
}
