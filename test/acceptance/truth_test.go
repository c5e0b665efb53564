package acceptance

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// load sends requests one after another until it is stopped, and counts those
// that were not answered with status 200.
type load struct {
	stop    chan struct{}
	wg      sync.WaitGroup
	sent    atomic.Int64
	failed  atomic.Int64
	example atomic.Value
}

func startLoad(t *testing.T, url string) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for range 4 {
		l.wg.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				l.sent.Add(1)
				if status, answer := post(t, url); status != 200 {
					l.failed.Add(1)
					l.example.Store(answer)
				}
			}
		})
	}
	return l
}

// end stops the load and fails the test if a request failed.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	if n := l.failed.Load(); n > 0 || l.sent.Load() == 0 {
		t.Errorf("%d of %d requests failed, such as: %v", n, l.sent.Load(), l.example.Load())
	}
}

// TestAccNewBytesRollTheEndpoint changes a model's file under the same name: the
// next plan sees it, and the endpoint changes in place without a failed request.
func TestAccNewBytesRollTheEndpoint(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	w.Write("server.py", server("one", ""))
	w.Apply()
	w.PlanIsEmpty()
	url := w.Output("url")
	answers(t, url, "one")
	before := w.Output("serving")

	w.Write("server.py", server("two", ""))
	plan := w.PlanHasChanges()
	plan.Contains(t, "0 to add, 2 to change, 0 to destroy")
	l := startLoad(t, url)
	w.Apply()
	answers(t, url, "two")
	l.end(t)
	w.PlanIsEmpty()
	if w.Output("url") != url || w.Output("serving") == before {
		t.Errorf("url %s, serving %s; want the same url and other bytes than %s", w.Output("url"), w.Output("serving"), before)
	}
	w.Destroy()
	w.NothingLeft()
}

// TestAccSameBytesRollNothing writes the same bytes again.
func TestAccSameBytesRollNothing(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	w.Write("server.py", server("one", ""))
	w.Apply()
	w.Write("server.py", server("one", ""))
	w.PlanIsEmpty()
}

// TestAccBadVersionsAreRolledBack tries versions that cannot serve. Each time
// apply fails with the reason, the old version answers throughout, and state
// shows it.
func TestAccBadVersionsAreRolledBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		file string
		args []string
		want []string
	}{
		{"exits at start", server("bad", `sys.exit("cannot find the weights")`), nil, []string{"cannot find the weights"}},
		{"never answers", server("bad", `print("warming up for ever", flush=True); time.sleep(3600)`), nil, []string{"20s", "warming up for ever"}},
		{"fails its smoke test", server("bad", ""), []string{"-var", "smoke_status=418"}, []string{"418", "200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, served)
			w.Write("server.py", server("good", ""))
			w.Apply()
			url, serving := w.Output("url"), w.Output("serving")
			answers(t, url, "good")
			l := startLoad(t, url)

			w.Write("server.py", tt.file)
			r := w.ApplyFails(tt.args...)
			r.Contains(t, append(tt.want, "mlops_model_endpoint.x")...)
			answers(t, url, "good")
			l.end(t)
			w.Must("refresh")
			if got := w.Output("serving"); got != serving {
				t.Errorf("state says that %s serves, want %s", got, serving)
			}
			w.PlanHasChanges()

			w.Write("server.py", server("better", "")) // and it can be mended
			w.Apply()
			answers(t, url, "better")
			w.PlanIsEmpty()
		})
	}
}

// TestAccFirstVersionThatCannotServe has no version to go back to: the create
// fails, and the next apply repairs it.
func TestAccFirstVersionThatCannotServe(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	w.Write("server.py", server("bad", `sys.exit("cannot find the weights")`))
	w.ApplyFails().Contains(t, "cannot find the weights")
	w.Write("server.py", server("good", ""))
	w.Apply()
	answers(t, w.Output("url"), "good")
	w.PlanIsEmpty()
}

// TestAccLeakedChildrenAreEnded serves with a server that starts children of
// its own, one of them in a group of its own.
func TestAccLeakedChildrenAreEnded(t *testing.T) {
	t.Parallel()
	w := workspace(t, served)
	w.Write("server.py", server("good", `
subprocess.Popen(["sleep", "3600"])
subprocess.Popen(["setsid", "sleep", "3600"])`))
	w.Apply()
	if !strings.Contains(strings.Join(w.Processes(), "\n"), "sleep 3600") {
		t.Fatalf("the server has no children: %q", w.Processes())
	}
	w.Destroy()
	w.NothingLeft()
}
