package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// stillEvery is how often a wait in which nothing happens is logged.
const stillEvery = time.Minute

// watch remembers what one operation has seen, for patience and for messages.
type watch struct {
	op    string
	id    mlops.ID
	noun  mlops.Noun
	start time.Time

	phase   mlops.Phase
	reason  string
	logged  time.Time // when progress was last written
	missing time.Time // since when the object is not found; zero while it is
	astray  time.Time // since when the object rests without what was asked; zero while it does not
}

func (t Target[Spec, Status]) begin(ctx context.Context, op string, id mlops.ID) *watch {
	w := &watch{op: op, id: id, noun: t.Noun, start: time.Now()}
	tflog.Debug(ctx, "begin", w.fields())
	return w
}

// saw notes a look at the object.
func (w *watch) saw(ctx context.Context, phase mlops.Phase, reason string) {
	w.missing = time.Time{}
	news := phase != w.phase || reason != w.reason
	w.phase, w.reason = phase, reason
	w.progress(ctx, news)
}

// missed notes a look that did not find the object.
func (w *watch) missed(ctx context.Context) {
	w.progress(ctx, w.missing.IsZero())
}

// blocked notes a deletion that was refused because the object is in use.
func (w *watch) blocked(ctx context.Context, err error) {
	news := w.reason != words(err).Error()
	w.reason = words(err).Error()
	w.progress(ctx, news)
}

// progress logs what is new at once, and that nothing is new now and then.
func (w *watch) progress(ctx context.Context, news bool) {
	if !news && time.Since(w.logged) < stillEvery {
		return
	}
	w.logged = time.Now()
	tflog.Info(ctx, "waiting", w.fields())
}

func (w *watch) fields() map[string]any {
	return map[string]any{
		"operation": w.op,
		"resource":  string(w.noun),
		"id":        string(w.id),
		"phase":     string(w.phase),
		"reason":    w.reason,
		"elapsed":   w.elapsed().String(),
	}
}

// elapsed is the time since the operation began, rounded for people.
func (w *watch) elapsed() time.Duration {
	d := time.Since(w.start)
	if d > 10*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// outOfTime says in words how far an operation came before its deadline,
// and what it met last.
func (w *watch) outOfTime(err error) error {
	s := fmt.Sprintf("not done after %s", w.elapsed())
	switch {
	case w.phase != "" && w.reason != "":
		s += fmt.Sprintf("; last seen %s: %s", w.phase, w.reason)
	case w.phase != "":
		s += fmt.Sprintf("; last seen %s", w.phase)
	case w.reason != "":
		s += "; " + w.reason
	case !w.missing.IsZero():
		s += "; the platform accepted it, but has not shown it yet"
	}
	if !isContext(err) {
		s += "; the last call met: " + words(err).Error()
	}
	return errors.New(s)
}

// stillInUse says in words that an object could not be deleted for good.
func (w *watch) stillInUse(err error) error {
	return mlops.NewError(mlops.Conflict, fmt.Errorf("still in use after %s: %w", w.elapsed(), words(err)))
}
