package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// stepwise is a platform that is ready after some steps, each due a minute after
// the one before, and gone after as many.
type stepwise struct {
	steps   int
	fails   error // of the second step
	taken   int
	due     time.Time
	leaving bool
}

func (s *stepwise) target() lifecycle.Target[mlops.ModelSpec, mlops.ModelStatus] {
	return lifecycle.Target[mlops.ModelSpec, mlops.ModelStatus]{Kind: s, Code: mlops.CodeOf, Backend: "stepwise", Noun: mlops.NounModel}
}

func (s *stepwise) Create(context.Context, mlops.ModelSpec) (mlops.Change, error) {
	s.due = time.Now().Add(time.Minute)
	return mlops.Change{Ref: slowID, Revision: "1"}, nil
}

func (s *stepwise) Get(context.Context, mlops.ID) (observed, error) {
	seen := observed{Ref: slowID, Phase: mlops.PhaseReady, Revision: "1"}
	if s.taken < s.steps {
		seen.Phase, seen.Due = mlops.PhasePending, !time.Now().Before(s.due)
		if s.leaving {
			seen.Phase = mlops.PhaseDeleting
		}
		return seen, nil
	}
	if s.leaving {
		return seen, mlops.NewError(mlops.NotFound, errors.New("gone"))
	}
	return seen, nil
}

func (s *stepwise) Advance(context.Context, mlops.ID) error {
	if time.Now().Before(s.due) {
		return fmt.Errorf("step %d was taken before it was due", s.taken+1)
	}
	if s.taken == 1 && s.fails != nil {
		return s.fails
	}
	s.taken++
	s.due = time.Now().Add(time.Minute)
	return nil
}

func (s *stepwise) Update(ctx context.Context, _ mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	return s.Create(ctx, spec)
}

func (s *stepwise) Delete(context.Context, mlops.ID) error {
	s.leaving, s.taken, s.due = true, 0, time.Now().Add(time.Minute)
	return nil
}

// TestStepsAreTakenWhenDue proves that a change of several steps is carried to
// its end, each step once.
func TestStepsAreTakenWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &stepwise{steps: 3}
		begin := time.Now()
		if _, err := kind.target().Create(within(t, time.Hour), mlops.ModelSpec{}, ignore); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); kind.taken != 3 || took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("%d steps in %s, want 3 in three minutes and a little", kind.taken, took)
		}
		if err := kind.target().Delete(within(t, time.Hour), slowID); err != nil || kind.taken != 3 {
			t.Errorf("delete: %v after %d steps, want none after 3", err, kind.taken)
		}
	})
}

// TestStepThatFails proves that a step's refusal ends the wait, and that one that
// is too early by the platform's own clock is taken again.
func TestStepThatFails(t *testing.T) {
	for name, tt := range map[string]struct {
		fails error
		code  mlops.Code
		took  time.Duration // at least
	}{
		"refused": {mlops.NewError(mlops.PermissionDenied, errors.New("not yours")), mlops.PermissionDenied, time.Minute},
		"busy":    {mlops.NewError(mlops.Conflict, errors.New("in progress")), mlops.Timeout, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kind := &stepwise{steps: 3, fails: tt.fails}
				begin := time.Now()
				_, err := kind.target().Create(within(t, 10*time.Minute), mlops.ModelSpec{}, ignore)
				wantError(t, err, tt.code)
				if took := time.Since(begin); took < tt.took {
					t.Errorf("gave up after %s, want at least %s", took, tt.took)
				}
			})
		})
	}
}

// TestStepThatNobodyTakes proves that a platform which says that a step is due
// and has none is a mistake, not a wait.
func TestStepThatNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &stepwise{steps: 1}
		target := kind.target()
		target.Kind = struct {
			mlops.Kind[mlops.ModelSpec, mlops.ModelStatus]
		}{kind}
		_, err := target.Create(within(t, time.Hour), mlops.ModelSpec{}, ignore)
		wantError(t, err, mlops.Unknown, "takes none")
	})
}
