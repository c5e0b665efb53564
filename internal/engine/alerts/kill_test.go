//go:build unix

package alerts

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// childDir names the directory of the engine that the test binary is to be, if it
// is to be one: something that a test can kill.
const childDir = "MLOPS_TEST_ALERTS_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := beEngine(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// beEngine accepts alerts, and prints a line for each, until it is killed. It
// delivers them meanwhile.
func beEngine(ctx context.Context, dir string) error {
	st, err := store.Open(ctx, filepath.Join(dir, "engine.db"))
	if err != nil {
		return err
	}
	keys, err := secret.Open(dir)
	if err != nil {
		return err
	}
	s := New(Config{Store: st, Keys: keys, Log: slog.New(slog.DiscardHandler)})
	if err := s.Start(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		m := Message{Monitor: monitor, Endpoint: endpoint, State: mlops.MonitorViolated, Text: strconv.Itoa(n)}
		if err := st.Write(ctx, func(tx *store.Tx) error { return s.Enqueue(ctx, tx, m, true) }); err != nil {
			return err
		}
		s.Wake()
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
}

// TestKilledEngine: what was accepted before a kill -9 is delivered after it, at
// least once, and a repetition has the same id.
func TestKilledEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	down := atomic.Bool{}
	r := receive(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if down.Load() && n > 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	down.Store(true)
	b := newBench(t, dir)
	b.watch(t, monitor, r.URL)
	accepted := acceptAndKill(t, dir)
	down.Store(false)
	b.start(t)
	b.settled(t, monitor)

	told, ids := map[string]int{}, map[string]map[string]bool{}
	for _, body := range r.got() {
		m := decode(t, body)
		told[m.Text]++
		if ids[m.Text] == nil {
			ids[m.Text] = map[string]bool{}
		}
		ids[m.Text][m.ID] = true
	}
	for _, text := range accepted {
		if told[text] == 0 || len(ids[text]) != 1 {
			t.Errorf("alert %s was told %d times with %d ids", text, told[text], len(ids[text]))
		}
	}
}

// acceptAndKill runs an engine until it has accepted some alerts, kills it, and
// returns them.
func acceptAndKill(t *testing.T, dir string) (accepted []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if err != nil {
			break // it is dead, and this is all that it said
		}
		accepted = append(accepted, strings.TrimSpace(line))
		if len(accepted) == 30 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Error("the engine ended by itself")
	}
	if len(accepted) < 30 {
		t.Fatalf("it accepted %d alerts", len(accepted))
	}
	return accepted
}
