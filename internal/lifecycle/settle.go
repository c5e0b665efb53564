package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// How long a look that contradicts the platform's own receipt is taken for a
// stale one.
const (
	missingGrace = 30 * time.Second // an accepted object that is not found
	astrayGrace  = time.Second      // a settled object without the revision asked for
	undeadGrace  = 30 * time.Second // an object that failed while it should go
)

// verdict is what one look means for a wait.
type verdict int

const (
	waiting verdict = iota // look again
	reached                // done
	astray                 // settled elsewhere, if it stays so
	failed                 // settled elsewhere, for certain
)

// goal judges one look. The duration is how long astray must last to be
// believed.
type goal[Spec, Status any] func(mlops.Observed[Spec, Status]) (verdict, time.Duration)

// readyGoal is reached when the revision is in force.
func readyGoal[Spec, Status any](revision string) goal[Spec, Status] {
	return func(seen mlops.Observed[Spec, Status]) (verdict, time.Duration) {
		asked := seen.Revision == revision
		switch {
		case seen.Phase == mlops.PhaseReady && asked:
			return reached, 0
		case seen.Phase == mlops.PhaseFailed && asked:
			return failed, 0
		case seen.Phase == mlops.PhaseReady, seen.Phase == mlops.PhaseFailed:
			return astray, astrayGrace
		}
		return waiting, 0
	}
}

// goneGoal waits for NotFound. An object that had failed before its deletion
// may show that a little longer, so only lasting failure counts.
func goneGoal[Spec, Status any](seen mlops.Observed[Spec, Status]) (verdict, time.Duration) {
	if seen.Phase == mlops.PhaseFailed {
		return astray, undeadGrace
	}
	return waiting, 0
}

// settle looks until the goal is reached. It returns the last look, with an
// error unless the goal was reached.
func (t Target[Spec, Status]) settle(ctx context.Context, w *watch, id mlops.ID, done goal[Spec, Status]) (mlops.Observed[Spec, Status], error) {
	var last mlops.Observed[Spec, Status]
	p := newPace()
	for {
		seen, err := t.look(ctx, id)
		switch {
		case err == nil:
			last = seen
			over, err := judge(ctx, w, seen, done)
			if !over && seen.Due {
				err = t.advance(ctx, id)
			}
			if over || err != nil {
				return last, err
			}
		case !t.tolerates(ctx, w, err):
			return last, err
		}
		pause := p.next(last.Wait)
		if !w.astray.IsZero() {
			pause = min(pause, astrayGrace) // to know soon whether it stays so
		}
		if err := rest(ctx, pause); err != nil {
			return last, err
		}
	}
}

// advance takes the next of several steps. An object that is gone meanwhile is
// for the next look to tell, and one that is busy is not settled yet.
func (t Target[Spec, Status]) advance(ctx context.Context, id mlops.ID) error {
	advancer, ok := t.Kind.(mlops.Advancer)
	if !ok {
		return mlops.NewError(mlops.Unknown, fmt.Errorf("%s says that a step is due, and takes none", t.Backend))
	}
	err := t.persist(ctx, func() error { return advancer.Advance(ctx, id) })
	switch t.codeOf(ctx, err) {
	case mlops.NotFound, mlops.Conflict:
		return ctx.Err()
	}
	return err
}

// judge takes note of a look and says whether the wait is over.
func judge[Spec, Status any](ctx context.Context, w *watch, seen mlops.Observed[Spec, Status], done goal[Spec, Status]) (over bool, err error) {
	w.saw(ctx, seen.Phase, seen.Reason)
	v, grace := done(seen)
	if v != astray {
		w.astray = time.Time{}
	}
	switch {
	case v == reached:
		return true, nil
	case v == failed, v == astray && lasted(&w.astray, grace):
		return true, mlops.NewError(mlops.Failed, settledElsewhere(w.op, seen.Phase, seen.Reason))
	}
	return false, nil
}

// tolerates reports whether the wait goes on although a look failed. Only an
// object that is not found is waited for, and only where it should come.
func (t Target[Spec, Status]) tolerates(ctx context.Context, w *watch, err error) bool {
	if w.op == opDelete || t.codeOf(ctx, err) != mlops.NotFound {
		return false
	}
	w.missed(ctx)
	return !lasted(&w.missing, missingGrace)
}

// lasted notes the time of a first call and reports whether that was at least
// so long ago.
func lasted(since *time.Time, grace time.Duration) bool {
	if since.IsZero() {
		*since = time.Now()
	}
	return time.Since(*since) >= grace
}

// settledElsewhere says in words that the platform did not do what was asked.
func settledElsewhere(op string, phase mlops.Phase, reason string) error {
	if reason == "" {
		reason = "the platform gives no reason"
	}
	if phase == mlops.PhaseReady && op == opUpdate {
		return fmt.Errorf("the change did not hold; what was there before is in force: %s", reason)
	}
	if phase == mlops.PhaseReady {
		return fmt.Errorf("what is in force is not what was asked for: %s", reason)
	}
	return errors.New(reason)
}
