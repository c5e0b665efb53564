package gateway

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func observeAt(h *history, variant string, n int) {
	for range n {
		h.observe(counted{variant, "v"}, false, 10*time.Millisecond)
	}
}

func TestHistoryByMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := openHistory("")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now().UTC().Truncate(time.Minute)
		observeAt(h, "b", 2)
		observeAt(h, "a", 1)
		time.Sleep(3 * time.Minute)
		observeAt(h, "a", 5)
		got := h.since(time.Time{})
		want := []struct {
			variant  string
			start    time.Time
			requests int64
		}{{"a", began, 1}, {"b", began, 2}, {"a", began.Add(3 * time.Minute), 5}}
		if len(got) != len(want) {
			t.Fatalf("%d minutes: %+v", len(got), got)
		}
		for i, w := range want {
			if g := got[i]; g.Variant != w.variant || !g.Start.Equal(w.start) || g.Requests != w.requests {
				t.Errorf("minute %d: %+v, want %+v", i, g, w)
			}
		}
		if late := h.since(began.Add(time.Minute)); len(late) != 1 || late[0].Requests != 5 {
			t.Errorf("the last minutes: %+v", late)
		}
		time.Sleep(47 * time.Hour)
		if n := len(h.since(time.Time{})); n != 3 {
			t.Errorf("%d minutes after 47 h, want all 3", n)
		}
		time.Sleep(58 * time.Minute)
		if n := len(h.since(time.Time{})); n != 1 {
			t.Errorf("%d minutes after 48 h, want 1", n)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := openHistory("")
		for range 2000 { // minutes
			for _, v := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
				observeAt(h, v, 1)
			}
			time.Sleep(time.Minute)
		}
		if n := len(h.since(time.Time{})); n != historyMost {
			t.Errorf("%d minutes kept, want %d", n, historyMost)
		}
	})
}

func TestHistoryOutlivesTheGateway(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "endpoint", "series.jsonl")
	first := newBench(t, Config{})
	p := pool(upstream(t, echo))
	put := func(b *bench) { b.put(func(r *Route) { r.History = file }, variant("a", 100, Passthrough, p)) }
	put(first)
	first.do("GET", "/dev/churn", "")
	eventually(t, "the request is counted", func() bool { return len(first.Series("dev", "churn", time.Time{})) == 1 })
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}

	second := newBench(t, Config{})
	put(second)
	second.do("GET", "/dev/churn", "")
	requests := func() int64 { return Summarize(second.Series("dev", "churn", time.Time{})).Requests }
	eventually(t, "both requests are known", func() bool { return requests() == 2 })
	if f := Summarize(second.Series("dev", "churn", time.Time{})); f.P50 <= 0 {
		t.Errorf("latencies are lost: %+v", f)
	}
	if s := second.Series("dev", "nothing", time.Time{}); s != nil {
		t.Errorf("figures of nothing: %v", s)
	}
	if err := second.Remove("dev", "churn"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	if err := second.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the figures of a removed endpoint are written again (%v)", err)
	}
}

func TestDamagedHistoryIsReportedAndPassed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "series.jsonl")
	if err := os.WriteFile(file, []byte("{\"start\":\"2099-01-01T00:00:00Z\",\"variant\":\"a\",\"requests\":3}\n{\"sta"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Config{})
	err := b.Put(Route{Environment: "dev", Endpoint: "churn", History: file, Variants: []Variant{variant("a", 100, Passthrough, pool(upstream(t, echo)))}})
	if err == nil {
		t.Error("no word of a damaged file")
	}
	if got := b.do("GET", "/dev/churn", ""); got.status != 200 {
		t.Errorf("status %d", got.status)
	}
	if s := b.Series("dev", "churn", time.Time{}); len(s) == 0 || s[0].Requests != 3 {
		t.Errorf("the lines before the damage are lost: %v", s)
	}
}
