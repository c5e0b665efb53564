package promtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// patience is how long a program may take to start, and something to come true, on a
// machine that is busy with other tests.
const patience = time.Minute

// tool returns the path of a program, which is built if need be.
func tool(t testing.TB, module, program string) string {
	t.Helper()
	_, source, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("this binary does not know where it was built from")
	}
	build := filepath.Join(filepath.Dir(source), "..", "..", "..", "tools", "build.sh")
	cmd := exec.CommandContext(t.Context(), build, module)
	cmd.Stderr = os.Stderr // minutes pass when it builds
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build %s: %v", module, err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), program)
}

// file writes a file of the test's and returns its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// leash ends a program when its own input does: with the test, or with the test binary
// however that ends. An asynchronous command's input is /dev/null, so the program
// never sees it.
const leash = `"$@" & read -r _; kill -KILL $!`

// listening is how the programs say where they listen.
var listening = regexp.MustCompile(`msg="Listening on".* address=(\S+)`)

// serve starts a program that listens on a port of its choice, and returns its URL.
func serve(t testing.TB, path string, args ...string) string {
	t.Helper()
	return "http://" + launch(t, listening, path, args...)[0]
}

// launch starts a program, and returns what it says of itself when it is there.
func launch(t testing.TB, says *regexp.Regexp, path string, args ...string) []string {
	t.Helper()
	log := &journal{}
	// The context of the test ends before its cleanup does.
	cmd := exec.Command("sh", append([]string{"-c", leash, "promtest", path}, args...)...) //nolint:noctx // see above
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, cmd, input, log) })
	var at []string
	Eventually(t, filepath.Base(path)+" to listen", func() error {
		if at = says.FindStringSubmatch(log.text()); at == nil {
			return fmt.Errorf("it says\n%s", log.text())
		}
		return nil
	})
	return at[1:]
}

// end ends a program, and shows what it said where the test failed.
func end(t testing.TB, cmd *exec.Cmd, input io.Closer, log *journal) {
	t.Helper()
	if err := input.Close(); err != nil {
		t.Errorf("end %s: %v", cmd, err)
	}
	_ = cmd.Wait() // it was killed
	if t.Failed() {
		t.Logf("%s said:\n%s", cmd, log.text())
	}
}

// journal is what a program writes, which may be read meanwhile.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write keeps what a program says.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// Eventually waits until something is so; the test fails if it never is, with what it
// was last.
func Eventually(t testing.TB, what string, is func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = is()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("waited %s for %s: %v", patience, what, last)
	}
}
