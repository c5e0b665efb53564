package alerts

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func decode(t *testing.T, body string) Message {
	t.Helper()
	var m Message
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("posted %q: %v", body, err)
	}
	return m
}

func TestWebhookIsPosted(t *testing.T) {
	t.Parallel()
	kinds := make(chan string, 1)
	r := receive(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		kinds <- r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Content-Type")
		w.WriteHeader(http.StatusAccepted)
	})
	b := newBench(t, t.TempDir()).start(t)
	b.watch(t, monitor, r.URL+"/T0/B0?key=hush")
	b.tell(t, monitor, mlops.MonitorViolated)
	a := b.settled(t, monitor)
	if a.LastSent.IsZero() || a.LastFail != "" {
		t.Errorf("after success: %+v", a)
	}
	if got, want := <-kinds, "POST /T0/B0?key=hush application/json"; got != want {
		t.Errorf("request %q, want %q", got, want)
	}
	got := decode(t, r.got()[0])
	if got.ID == "" {
		t.Error("the alert has no id, by which a receiver knows a repetition")
	}
	got.ID = ""
	want := Message{
		Version: 1, Monitor: monitor, Endpoint: endpoint, State: mlops.MonitorViolated,
		Since: time.Unix(1_800_000_000, 0).UTC(), Text: "it is violated",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
}

// ownWords answers 404 with a reason that repeats a secret, and is long.
func ownWords(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 404 no /secret-path "+strings.Repeat("x", 1<<16)+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") // the sender may be gone
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// TestReceiverInTrouble has the receiver fail first, in each way that receivers
// do, and then answer: the alert arrives, with the same id at every attempt.
func TestReceiverInTrouble(t *testing.T) {
	t.Parallel()
	elsewhere := atomic.Int64{}
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		want   string // in the status, while it lasts
	}{
		{"error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "answered 500"},
		{"words of its own", func(w http.ResponseWriter, _ *http.Request) { ownWords(t, w) }, "answered 404 Not Found"},
		{"refusal", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "answered 403"},
		{"redirect to another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, "answered 307"},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"answers without end", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "answered 502"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fixed := atomic.Bool{}
			r := receive(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				if !fixed.Load() {
					tt.answer(w, r)
				}
			})
			b := newBench(t, t.TempDir())
			b.limit = 200 * time.Millisecond
			b.start(t)
			b.watch(t, monitor, r.URL+"/secret-path")
			b.tell(t, monitor, mlops.MonitorViolated)
			await(t, "the failure does not show", func() bool { return strings.Contains(b.standing(t, monitor).LastFail, tt.want) })
			if a := b.standing(t, monitor); a.Pending != 1 || !a.LastSent.IsZero() || strings.Contains(a.LastFail, "secret-path") {
				t.Errorf("while the receiver is in trouble: %+v", a)
			}
			fixed.Store(true)
			if a := b.settled(t, monitor); a.LastSent.IsZero() || a.LastFail != "" {
				t.Errorf("after the receiver came back: %+v", a)
			}
			ids := map[string]bool{}
			for _, body := range r.got() {
				ids[decode(t, body).ID] = true
			}
			if len(r.got()) < 2 || len(ids) != 1 {
				t.Errorf("%d attempts with ids %v, want several with one", len(r.got()), ids)
			}
			if n := elsewhere.Load(); n != 0 {
				t.Errorf("another host was told %d times", n)
			}
		})
	}
}

// TestNothingTellsTheURL: neither the log, nor the status, nor any file of the
// engine but the key has more of a webhook than its host.
func TestNothingTellsTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://127.0.0.1:1/services/hush-hush", "http://user:hush-hush@127.0.0.1:1/", "http://127.0.0.1:1/?token=hush-hush",
		"nonsense://host/hush-hush", "http://127.0.0.1:1/%zz/hush-hush", "http://no-such-host.invalid/hush-hush",
	} {
		t.Run(strings.ReplaceAll(url, "/", "_"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := newBench(t, dir)
			b.limit = 5 * time.Second
			b.start(t)
			b.watch(t, monitor, url)
			b.tell(t, monitor, mlops.MonitorViolated)
			await(t, "no failure shows", func() bool { return b.standing(t, monitor).LastFail != "" })
			seen := map[string]string{"log": b.logged.String(), "status": b.standing(t, monitor).LastFail}
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("files %v, %v", files, err)
			}
			for _, path := range files {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				seen[filepath.Base(path)] = string(text)
			}
			for where, text := range seen {
				if strings.Contains(text, "hush-hush") {
					t.Errorf("the %s tells it: %q", where, text[:min(len(text), 300)])
				}
			}
		})
	}
}

// TestOneReceiverDelaysNoOther has more receivers hang than attempts may be under
// way, and one that answers.
func TestOneReceiverDelaysNoOther(t *testing.T) {
	t.Parallel()
	hanging := receive(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	well := receive(t, func(int, http.ResponseWriter, *http.Request) {})
	b := newBench(t, t.TempDir())
	b.limit, b.pause = 300*time.Millisecond, pause
	b.start(t)
	for i := range 3 * atOnce {
		id := mlops.ID(fmt.Sprintf("local/dev/monitors/m%d", i))
		b.watch(t, id, hanging.URL)
		b.tell(t, id, mlops.MonitorViolated)
	}
	b.watch(t, monitor, well.URL)
	b.tell(t, monitor, mlops.MonitorViolated)
	b.settled(t, monitor)
	if n := len(well.got()); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
}

// TestOrder: that a violation is over is not told before that there was one,
// however often the first was put off.
func TestOrder(t *testing.T) {
	t.Parallel()
	r := receive(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 5 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	b := newBench(t, t.TempDir())
	b.watch(t, monitor, r.URL)
	for _, state := range []mlops.MonitorState{mlops.MonitorViolated, mlops.MonitorOK, mlops.MonitorViolated} {
		b.tell(t, monitor, state)
	}
	b.start(t)
	b.settled(t, monitor)
	var got []mlops.MonitorState
	for _, body := range r.got()[5:] {
		got = append(got, decode(t, body).State)
	}
	if d := cmp.Diff([]mlops.MonitorState{mlops.MonitorViolated, mlops.MonitorOK, mlops.MonitorViolated}, got); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	r := receive(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b := newBench(t, t.TempDir())
	b.pause = func(int) time.Duration { return 0 }
	b.start(t)
	b.watch(t, monitor, r.URL)
	b.tell(t, monitor, mlops.MonitorViolated)
	a := b.settled(t, monitor)
	if !strings.HasSuffix(a.LastFail, "given up") || !a.LastSent.IsZero() {
		t.Errorf("status %+v", a)
	}
	if n := len(r.got()); n != mostAttempts {
		t.Errorf("%d attempts, want %d", n, mostAttempts)
	}
	if log := b.logged.String(); !strings.Contains(log, "an alert is given up") || !strings.Contains(log, string(monitor)) {
		t.Errorf("log %q", log)
	}
}

// TestAttemptsLastAboutADay adds the pauses up.
func TestAttemptsLastAboutADay(t *testing.T) {
	t.Parallel()
	var least, most time.Duration
	for n := 1; n < mostAttempts; n++ {
		whole := min(firstPause<<min(n-1, 16), longestPause)
		least, most = least+whole/2, most+whole
		if d := pause(n); d < whole/2 || d >= whole {
			t.Errorf("pause %d is %s, want %s to %s", n, d, whole/2, whole)
		}
	}
	if least < 12*time.Hour || most > 36*time.Hour {
		t.Errorf("an alert is tried for %s to %s, want about a day", least, most)
	}
}

// TestMonitorIsGone: nobody hears of a monitor that was removed, and the queue
// does not keep its secrets.
func TestMonitorIsGone(t *testing.T) {
	t.Parallel()
	r := receive(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b := newBench(t, t.TempDir()).start(t)
	b.watch(t, monitor, r.URL)
	b.tell(t, monitor, mlops.MonitorViolated)
	await(t, "no attempt", func() bool { return len(r.got()) > 0 })
	if err := b.Store.Monitors().Delete(t.Context(), monitor, nil); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := b.Store.Read().QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM alerts) + (SELECT count(*) FROM alerting)").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
	await(t, "an attempt is under way for ever", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.busy) == len(b.ended)
	})
	if a := b.standing(t, monitor); a != (store.Alerting{}) {
		t.Errorf("it is back: %+v", a)
	}
}

// TestClockSetBack: an alert that is due in a far future, as the clock then said,
// is tried now.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	r := receive(t, func(int, http.ResponseWriter, *http.Request) {})
	b := newBench(t, t.TempDir())
	b.watch(t, monitor, r.URL)
	b.tell(t, monitor, mlops.MonitorViolated)
	err := b.Store.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE alerts SET due = ?, created = ?", time.Now().AddDate(1, 0, 0).UnixNano(), time.Now().AddDate(1, 0, 0).UnixNano())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.settled(t, monitor)
}
