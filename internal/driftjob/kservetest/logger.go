package kservetest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Logger is a logger in front of a model server, as it is in the pod of an
// InferenceService.
type Logger struct {
	URL string // which clients ask in place of the model server
	Dir string // what would be the bucket
}

// Service is an InferenceService whose requests are logged.
type Service struct {
	Namespace, Name string
	Endpoint        string // whose captures they are
	Batch           int    // how many records an object has; 1 is KServe's default
	Bucket          string // the folder in place of the bucket, in which all is below team
}

// Start has all that is asked of a model server logged until the test ends, as requests
// of a service of an endpoint. Batch is as in Service.
func Start(tb testing.TB, model, endpoint string, batch int) Logger {
	tb.Helper()
	return Service{Namespace: "churn-dev", Name: endpoint + "-main", Endpoint: endpoint, Batch: batch, Bucket: tb.TempDir()}.Start(tb, model)
}

// Start has all that is asked of the service's model server logged until the test ends.
func (s Service) Start(tb testing.TB, model string) Logger {
	tb.Helper()
	l := Logger{Dir: s.Bucket}
	cmd := exec.CommandContext(tb.Context(), program(tb), "--model", model, "--out", l.Dir, "--path", "captures/"+s.Endpoint,
		"--namespace", s.Namespace, "--service", s.Name, "--batch", strconv.Itoa(s.Batch))
	cmd.Stderr = tb.Output()
	stdin, err := cmd.StdinPipe() // whose end, also by this program's end, is the logger's
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // it is killed when the test's context ends
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("KServe's logger did not start: %v", err)
	}
	l.URL = strings.TrimSpace(line)
	return l
}

// program finds the logger in the user's cache, and builds it if need be.
func program(tb testing.TB) string {
	tb.Helper()
	_, source, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("this binary does not know where it was built from")
	}
	cmd := exec.CommandContext(tb.Context(), filepath.Join(filepath.Dir(source), "..", "..", "tools", "build.sh"), "kserve-logger")
	cmd.Stderr = os.Stderr // minutes pass when it builds
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("build KServe's logger: %v", err)
	}
	return strings.TrimSpace(string(out))
}
