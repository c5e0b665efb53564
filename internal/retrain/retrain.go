package retrain

import (
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Violated takes in a violation that may start the pipeline. If it does, the
// start counts already, and its run is still to be made and told by Started: a
// crash between the two must not let another start through.
func Violated(r mlops.Retraining, o mlops.OnViolation, now time.Time) (after mlops.Retraining, start bool) {
	r = seen(r, now)
	if r.State == mlops.RetrainingRunning {
		return r, false
	}
	if state, why := denial(r, o, now); state != "" {
		return denied(r, state, why), false
	}
	r.ThisMonth, r.LastAt = startsIn(r, now)+1, now
	r.State, r.LastRun, r.Reason = mlops.RetrainingRunning, "", ""
	return r, true
}

// Started takes in what became of a start: a run, or none for an error.
func Started(r mlops.Retraining, run mlops.ID, err error) mlops.Retraining {
	r.LastRun = run
	if err != nil {
		return Failed(r, "the pipeline could not be started: "+mlops.Message(err))
	}
	return r
}

// Succeeded takes in that the run did.
func Succeeded(r mlops.Retraining) mlops.Retraining {
	r.State, r.Reason = mlops.RetrainingDone, ""
	return r
}

// Failed takes in that there was no good end, with the reason.
func Failed(r mlops.Retraining, reason string) mlops.Retraining {
	r.State, r.Reason = mlops.RetrainingFailed, reason
	return r
}

// Standing is what is shown at a time.
func Standing(r mlops.Retraining, o *mlops.OnViolation, now time.Time) mlops.Retraining {
	if r.State == "" {
		r.State = mlops.RetrainingIdle
	}
	r = seen(r, now)
	r.NextAllowed = time.Time{}
	if o != nil {
		r.NextAllowed = allowed(r, *o, now)
	}
	r.ThisMonth = startsIn(r, now)
	return r
}

// seen takes a start that is in the future for one of now: the clock was set
// back, and nobody knows how long ago that start really was.
func seen(r mlops.Retraining, now time.Time) mlops.Retraining {
	if r.LastAt.After(now) {
		r.ThisMonth, r.LastAt = max(r.ThisMonth, 1), now // they count in this month, too
	}
	return r
}

// denial says why there must be no start; the empty state is that there may.
func denial(r mlops.Retraining, o mlops.OnViolation, now time.Time) (mlops.RetrainingState, string) {
	most := perMonth(o)
	switch {
	case startsIn(r, now) >= most:
		return mlops.RetrainingExceeded, fmt.Sprintf("the pipeline was started %d times this month, of max_per_month = %d", startsIn(r, now), most)
	case now.Before(cooled(r, o)):
		return mlops.RetrainingCooling, fmt.Sprintf("the last start was at %s, and the cooldown of %s is not over", r.LastAt.UTC().Format(time.RFC3339), o.Cooldown.Or(mlops.DefaultCooldown))
	}
	return "", ""
}

// denied shows a denial. A failure before it stays to be read.
func denied(r mlops.Retraining, state mlops.RetrainingState, why string) mlops.Retraining {
	switch r.State {
	case state: // with a failure in its reason, perhaps
		return r
	case mlops.RetrainingFailed:
		why += "; " + r.Reason
	case mlops.RetrainingIdle, mlops.RetrainingRunning, mlops.RetrainingDone, mlops.RetrainingCooling, mlops.RetrainingExceeded:
	}
	r.State, r.Reason = state, why
	return r
}

// allowed is when a start may be again; the zero time is now.
func allowed(r mlops.Retraining, o mlops.OnViolation, now time.Time) time.Time {
	next := cooled(r, o)
	if startsIn(r, now) >= perMonth(o) {
		month := now.UTC()
		if first := time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, time.UTC); first.After(next) {
			next = first
		}
	}
	if !next.After(now) {
		return time.Time{}
	}
	return next
}

// cooled is when the cooldown ends.
func cooled(r mlops.Retraining, o mlops.OnViolation) time.Time {
	if r.LastAt.IsZero() {
		return time.Time{}
	}
	return r.LastAt.Add(o.Cooldown.Or(mlops.DefaultCooldown))
}

// startsIn counts the starts of now's calendar month, UTC.
func startsIn(r mlops.Retraining, now time.Time) int64 {
	last, now := r.LastAt.UTC(), now.UTC()
	if r.LastAt.IsZero() || last.Year() != now.Year() || last.Month() != now.Month() {
		return 0
	}
	return r.ThisMonth
}

func perMonth(o mlops.OnViolation) int64 {
	if o.MaxPerMonth != nil {
		return *o.MaxPerMonth
	}
	return mlops.DefaultPerMonth
}
