package gateway

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// HistoryKept is how long the figures by minute are kept.
const HistoryKept = 48 * time.Hour

// historyMost is how many figures by minute are kept, which only an endpoint whose
// versions change all the time would reach.
const historyMost = 20000

// Minute is what one version of a variant did in one minute.
type Minute struct {
	mlops.Figures

	Start   time.Time `json:"start"` // UTC, a whole minute
	Variant string    `json:"variant"`
	Version mlops.ID  `json:"version"`
	Sketch  []byte    `json:"sketch,omitempty"` // of latencies, for Summarize
}

// Summarize returns the figures of several minutes together. Quantiles are those
// of all of the requests, and not of the minutes' quantiles.
func Summarize(minutes []Minute) mlops.Figures {
	var all tally
	for _, m := range minutes {
		_ = all.merge(m.Requests, m.Errors, m.Sketch) // one that is damaged has no latencies
	}
	return all.figures()
}

// history is the figures of one endpoint by minute. It begins with the first
// request, and has no minute without any.
type history struct {
	file   string // where it outlives the engine; "" if it does not
	saving sync.Mutex

	mu     sync.Mutex
	minute time.Time // that is being counted
	counts map[counted]*tally
	closed []Minute // oldest first
	dirty  bool
}

// counted is what a history tells apart.
type counted struct {
	variant string
	version mlops.ID
}

// openHistory returns the history that a file has, as far as it can be read, or
// an empty one.
func openHistory(file string) (*history, error) {
	h := &history{file: file, counts: map[counted]*tally{}}
	if file == "" {
		return h, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("read earlier figures: %w", err)
	}
	defer func() { _ = f.Close() }()
	d := json.NewDecoder(bufio.NewReader(f))
	for d.More() {
		var m Minute
		if err := d.Decode(&m); err != nil {
			return h, fmt.Errorf("read earlier figures from %s: %w", file, err)
		}
		h.closed = append(h.closed, m)
	}
	return h, nil
}

// observe counts a request that ends now.
func (h *history) observe(c counted, failed bool, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(time.Now())
	t := h.counts[c]
	if t == nil {
		t = &tally{}
		h.counts[c] = t
	}
	t.add(failed, took)
	h.dirty = true
}

// turn closes the minute that is being counted, if it is another by now: also an
// earlier one, where the clock was set back.
func (h *history) turn(now time.Time) {
	minute := now.UTC().Truncate(time.Minute)
	if minute.Equal(h.minute) {
		return
	}
	h.closed = append(h.closed, h.open()...)
	clear(h.counts)
	h.minute = minute
	old := func(m Minute) bool { return m.Start.Before(now.Add(-HistoryKept)) }
	h.closed = slices.DeleteFunc(h.closed, old)
	h.closed = slices.Delete(h.closed, 0, max(0, len(h.closed)-historyMost))
}

// open returns the minute that is being counted, as far as it is.
func (h *history) open() []Minute {
	var out []Minute
	for c, t := range h.counts {
		out = append(out, Minute{Figures: t.figures(), Start: h.minute, Variant: c.variant, Version: c.version, Sketch: t.encode()})
	}
	slices.SortFunc(out, func(a, b Minute) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// since returns the minutes that start at a time or later.
func (h *history) since(at time.Time) []Minute {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(time.Now())
	var out []Minute
	for _, m := range slices.Concat(h.closed, h.open()) {
		if !m.Start.Before(at) {
			out = append(out, m)
		}
	}
	return out
}

// save writes the history to its file, if there is anything new. Requests go on
// meanwhile.
func (h *history) save() error {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.mu.Lock()
	all, dirty := slices.Concat(h.closed, h.open()), h.dirty
	h.dirty = false
	h.mu.Unlock()
	if h.file == "" || !dirty {
		return nil
	}
	if err := writeHistory(h.file, all); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}

// discard has the history never written again.
func (h *history) discard() {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.file = ""
}

// writeHistory replaces a file by one with these minutes.
func writeHistory(file string, all []Minute) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	out := bufio.NewWriter(f)
	e := json.NewEncoder(out)
	for _, m := range all {
		if err := e.Encode(m); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
