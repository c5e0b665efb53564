package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// interrupt begins a canary and ends it at its nth change: when the change was
// accepted, or in the middle of the bake that follows.
func (w *weights) interrupt(t *testing.T, asked mlops.ModelEndpointSpec, n int, baking bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.updated = func(made int) error {
		switch {
		case made != n:
		case baking:
			time.AfterFunc(30*time.Minute, cancel)
		default:
			cancel()
			return ctx.Err()
		}
		return nil
	}
	_, err := w.target().Update(ctx, churn, asked, ignore)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted update: %v, want %v", err, context.Canceled)
	}
	w.updated, w.updates = nil, nil
}

// atEveryStep runs a test for each moment at which a canary of two steps can be
// interrupted.
func atEveryStep(t *testing.T, test func(t *testing.T, w *weights, asked mlops.ModelEndpointSpec, step int)) {
	t.Helper()
	for step := 1; step <= 2; step++ {
		for _, baking := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d baking %t", step, baking), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWeights(t, 2)
					asked := w.next(t, strict(mlops.RolloutCanary), nil)
					w.interrupt(t, asked, step, baking)
					test(t, w, asked, step)
				})
			})
		}
	}
}

// TestInterruptedRolloutShows proves that what was interrupted reads as a change
// that is still to be made.
func TestInterruptedRolloutShows(t *testing.T) {
	atEveryStep(t, func(t *testing.T, w *weights, _ mlops.ModelEndpointSpec, step int) {
		t.Helper()
		for range 3 { // until the platform has settled
			if _, err := w.target().Read(t.Context(), churn); err != nil {
				t.Fatal(err)
			}
		}
		seen, err := w.target().Read(t.Context(), churn)
		if err != nil {
			t.Fatal(err)
		}
		all, err := w.target().List(t.Context(), dev)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d endpoints listed: %v", len(all), err)
		}
		if diff := cmp.Diff(seen, all[0]); diff != "" {
			t.Errorf("read and list differ (-read +list):\n%s", diff)
		}
		if diff := cmp.Diff(w.spec.Variants, seen.Spec.Variants); diff != "" || seen.Spec.Transition != nil {
			t.Errorf("it shows %+v and (-want +got):\n%s", seen.Spec.Transition, diff)
		}
		if words := fmt.Sprintf("step %d of 2", step); !strings.Contains(seen.Reason, words) || seen.Phase != mlops.PhaseReady {
			t.Errorf("it is %s because %q, want ready and %q", seen.Phase, seen.Reason, words)
		}
		if r := seen.Status.Rollout; r == nil || r.Step != int64(step) || r.State != mlops.RolloutRunning || r.Candidate["main-next"].Version == "" {
			t.Errorf("the rollout is %+v", r)
		}
		if len(seen.Status.Serving) != 2 {
			t.Errorf("it serves %v, want both versions", seen.Status.Serving)
		}
	})
}

// TestInterruptedRolloutGoesOn proves that the same change goes on at the step
// that it had reached.
func TestInterruptedRolloutGoesOn(t *testing.T) {
	atEveryStep(t, func(t *testing.T, w *weights, asked mlops.ModelEndpointSpec, step int) {
		t.Helper()
		begin := time.Now()
		seen, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asked, seen.Spec); diff != "" {
			t.Errorf("in force (-want +got):\n%s", diff)
		}
		want := []map[string]int64{{"main": 90, "main-next": 10}, {"main": 50, "main-next": 50}, {"main": 100}}[step-1:]
		if diff := cmp.Diff(want, w.shares()); diff != "" {
			t.Errorf("traffic (-want +got):\n%s", diff)
		}
		if took, most := time.Since(begin), time.Duration(3-step)*time.Hour+time.Minute; took > most {
			t.Errorf("took %s, want at most %s", took, most)
		}
	})
}

// TestInterruptedRolloutGoesBack proves that any other change first puts in force
// what was there before, and that asking for that is enough.
func TestInterruptedRolloutGoesBack(t *testing.T) {
	atEveryStep(t, func(t *testing.T, w *weights, _ mlops.ModelEndpointSpec, _ int) {
		t.Helper()
		seen, err := w.target().Update(within(t, time.Hour), churn, w.spec, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w.spec, seen.Spec); diff != "" {
			t.Errorf("in force (-want +got):\n%s", diff)
		}
		if w.raw(t).Spec.Transition != nil {
			t.Error("the rollout is still noted")
		}
	})
	atEveryStep(t, func(t *testing.T, w *weights, asked mlops.ModelEndpointSpec, step int) {
		t.Helper()
		other := asked
		other.Variants = map[string]mlops.Variant{"other": {Version: asked.Variants["main"].Version, Traffic: 100, Env: map[string]string{}}}
		if _, err := w.target().Update(within(t, 24*time.Hour), churn, other, ignore); err != nil {
			t.Fatal(err)
		}
		want := []map[string]int64{{"main": 100}, {"main": 90, "other-next": 10}, {"main": 50, "other-next": 50}, {"other": 100}}
		if step == 1 && len(w.updates) < len(want) { // no traffic had been moved yet
			want = want[1:]
		}
		if diff := cmp.Diff(want, w.shares()); diff != "" {
			t.Errorf("traffic (-want +got):\n%s", diff)
		}
	})
}

// TestStuckChangesGiveWay proves that a mistake can be corrected while the platform still
// tries to carry it out: nobody waits until that is given up.
func TestStuckChangesGiveWay(t *testing.T) {
	for name, r := range map[string]*mlops.Rollout{"at once": nil, "in steps": strict(mlops.RolloutCanary)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWeights(t, 2)
				wrong := w.next(t, r, nil)
				wrong.Labels = map[string]string{"memory_stuck": "yes"}
				if _, err := w.target().Update(within(t, time.Minute), churn, wrong, ignore); mlops.CodeOf(err) != mlops.Timeout {
					t.Fatalf("the stuck update: %v, want a timeout", err)
				}
				begin, right := time.Now(), w.next(t, r, nil)
				seen, err := w.target().Update(within(t, 24*time.Hour), churn, right, ignore)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(right, seen.Spec); diff != "" {
					t.Errorf("in force (-want +got):\n%s", diff)
				}
				if took := time.Since(begin); took > 3*time.Hour { // two bakes of an hour
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

// TestFailureAfterResuming proves that a rollout that fails after it was resumed
// goes back to what was there before the first attempt.
func TestFailureAfterResuming(t *testing.T) {
	atEveryStep(t, func(t *testing.T, w *weights, asked mlops.ModelEndpointSpec, _ int) {
		t.Helper()
		w.measured = func(int) (mlops.Figures, error) { return mlops.Figures{Requests: 1000, Errors: 500}, nil }
		seen, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore)
		wantRefusal(t, err, mlops.Failed, "50.00 %")
		if diff := cmp.Diff(w.spec.Variants, seen.Spec.Variants); diff != "" {
			t.Errorf("in force (-want +got):\n%s", diff)
		}
	})
}

// TestDeadlineInABake proves that a rollout that is out of time stays where it
// is, and says where that is.
func TestDeadlineInABake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 0)
		asked := w.next(t, strict(mlops.RolloutCanary), nil)
		seen, err := w.target().Update(within(t, 90*time.Minute), churn, asked, ignore)
		wantRefusal(t, err, mlops.Timeout, "step 2 of 2", "1h30m")
		if diff := cmp.Diff(w.spec.Variants, seen.Spec.Variants); diff != "" {
			t.Errorf("it shows (-want +got):\n%s", diff)
		}
		if left := w.raw(t).Spec.Transition; left == nil || left.Step != 1 {
			t.Errorf("left behind is %+v, want the second step", left)
		}
	})
}

// TestGoingBackFails proves that both failures are told, and that the next update
// finds the rollout.
func TestGoingBackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 0)
		asked := w.next(t, strict(mlops.RolloutCanary), map[string]string{"memory_error_percent": "9"})
		w.updated = func(n int) error {
			if n > 1 {
				return mlops.NewError(mlops.PermissionDenied, errors.New("credentials expired"))
			}
			return nil
		}
		// The platform took the change before it answered so: what is in force is
		// the platform's to say.
		_, err := w.target().Update(within(t, 24*time.Hour), churn, asked, ignore)
		wantRefusal(t, err, mlops.Failed, "9.00 %", "going back did not work either", "credentials expired")
	})
}

// TestStepThatDoesNotHold proves that a step that the platform itself takes back
// is a failure, and leaves what was there before.
func TestStepThatDoesNotHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeights(t, 1)
		asked := w.next(t, strict(mlops.RolloutCanary), nil)
		asked.Labels = map[string]string{"memory_fail": "the image cannot be pulled"}
		seen, err := w.target().Update(within(t, time.Hour), churn, asked, ignore)
		wantRefusal(t, err, mlops.Failed, "the image cannot be pulled", "before is in force")
		if diff := cmp.Diff(w.spec, seen.Spec); diff != "" || len(w.updates) != 1 {
			t.Errorf("after %d changes, in force (-want +got):\n%s", len(w.updates), diff)
		}
	})
}
