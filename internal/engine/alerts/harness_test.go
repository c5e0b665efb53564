package alerts

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// patience is how long anything may take on a busy machine.
const patience = time.Minute

const (
	monitor  mlops.ID = "local/dev/monitors/drift"
	endpoint mlops.ID = "local/dev/endpoints/churn"
)

// bench is a service over a directory, with what it logs.
type bench struct {
	*Service

	logged *recorder
}

// recorder keeps what is written to it.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// newBench opens the service of a directory. It tries again at once, which the
// real one does not.
func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{logged: &recorder{}}
	st, err := store.Open(t.Context(), filepath.Join(dir, "engine.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	keys, err := secret.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = New(Config{Store: st, Keys: keys, Log: slog.New(slog.NewJSONHandler(b.logged, nil))})
	b.pause = func(int) time.Duration { return time.Millisecond }
	return b
}

// start delivers until the test ends.
func (b *bench) start(t *testing.T) *bench {
	t.Helper()
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.end(t) })
	return b
}

func (b *bench) end(t *testing.T) {
	t.Helper()
	if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// watch makes a monitor with a webhook.
func (b *bench) watch(t *testing.T, id mlops.ID, webhook string) {
	t.Helper()
	spec := mlops.MonitorSpec{Endpoint: endpoint, Name: id.Name()}
	_, err := b.Store.Monitors().Accept(t.Context(), id, "us", spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.PutAlerting(t.Context(), id, b.SealWebhook(id, webhook)) })
	if err != nil {
		t.Fatal(err)
	}
}

// tell has a state told, and the loop look at it.
func (b *bench) tell(t *testing.T, id mlops.ID, state mlops.MonitorState, emails ...string) {
	t.Helper()
	m := Message{Monitor: id, Endpoint: endpoint, State: state, Since: time.Unix(1_800_000_000, 0).UTC(), Text: "it is " + string(state), Emails: emails}
	if err := b.Store.Write(t.Context(), func(tx *store.Tx) error { return b.Enqueue(t.Context(), tx, m, len(emails) == 0) }); err != nil {
		t.Fatal(err)
	}
	b.Wake()
}

func (b *bench) standing(t *testing.T, id mlops.ID) store.Alerting {
	t.Helper()
	a, err := b.Store.Alerting(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// settled waits until nothing of a monitor is waiting.
func (b *bench) settled(t *testing.T, id mlops.ID) store.Alerting {
	t.Helper()
	await(t, "alerts are still waiting", func() bool { return b.standing(t, id).Pending == 0 })
	return b.standing(t, id)
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// receiver is a webhook's server, which keeps what it got.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	bodies []string
}

// receive answers the nth request, from 0, by a function.
func receive(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Errorf("read what was posted: %v", err)
		}
		r.mu.Lock()
		n := len(r.bodies)
		r.bodies = append(r.bodies, string(body))
		r.mu.Unlock()
		answer(n, w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

// got returns what was posted so far.
func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.bodies...)
}
