package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestReadinessIsNoticedSoon(t *testing.T) {
	for _, takes := range []time.Duration{0, 30 * time.Millisecond, 700 * time.Millisecond, 4 * time.Second, time.Minute, 20 * time.Minute, 3 * time.Hour} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kind := &slow{takes: takes}
				begin := time.Now()
				if _, err := kind.target().Create(within(t, 4*time.Hour), mlops.ModelSpec{}, ignore); err != nil {
					t.Fatal(err)
				}
				late := time.Since(begin) - takes
				// Half of what is allowed: the platform looks at its own parts too.
				if limit := max(time.Second, takes/10) / 2; late > limit {
					t.Errorf("noticed %s late, want at most %s", late, limit)
				}
				if most := 80 + int(takes/(10*time.Second)); kind.looks > most {
					t.Errorf("%d looks, want at most %d", kind.looks, most)
				}
			})
		})
	}
}

func TestHintIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{takes: time.Minute, hint: 40 * time.Second}
		if _, err := kind.target().Create(within(t, time.Hour), mlops.ModelSpec{}, ignore); err != nil {
			t.Fatal(err)
		}
		if kind.looks != 3 {
			t.Errorf("%d looks in a minute with a hint of 40 s, want 3", kind.looks)
		}
	})
}

func TestEndsOtherThanAsked(t *testing.T) {
	tests := []struct {
		name   string
		kind   *slow
		update bool
		code   mlops.Code
		words  []string
		took   time.Duration // at most
	}{
		{
			name: "failed",
			kind: &slow{takes: time.Minute, ends: mlops.PhaseFailed, reason: "exit status 1"},
			code: mlops.Failed, words: []string{"exit status 1"}, took: 70 * time.Second,
		},
		{
			name: "failed without a word",
			kind: &slow{ends: mlops.PhaseFailed},
			code: mlops.Failed, words: []string{"no reason"}, took: time.Second,
		},
		{
			name: "rolled back", update: true,
			kind: &slow{takes: time.Minute, keeps: true, reason: "smoke test failed"},
			code: mlops.Failed, words: []string{"before is in force", "smoke test failed"}, took: 70 * time.Second,
		},
		{
			name: "stuck",
			kind: &slow{takes: time.Hour, reason: "no capacity"},
			code: mlops.Timeout, words: []string{"20m0s", "pending", "no capacity"}, took: 20 * time.Minute,
		},
		{
			name: "never seen",
			kind: &slow{getErr: mlops.NewError(mlops.NotFound, errors.New("no such thing"))},
			code: mlops.NotFound, words: []string{"no such thing"}, took: 35 * time.Second,
		},
		{
			name: "unreachable",
			kind: &slow{getErr: mlops.NewError(mlops.Unavailable, errors.New("connection refused"))},
			code: mlops.Unavailable, words: []string{"connection refused"}, took: 10 * time.Second,
		},
		{
			name: "forbidden",
			kind: &slow{getErr: mlops.NewError(mlops.PermissionDenied, errors.New("not yours"))},
			code: mlops.PermissionDenied, words: []string{"not yours"}, took: 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				do := func() (observed, error) {
					return tt.kind.target().Create(within(t, 20*time.Minute), mlops.ModelSpec{}, ignore)
				}
				if tt.update {
					do = func() (observed, error) {
						return tt.kind.target().Update(within(t, 20*time.Minute), slowID, mlops.ModelSpec{}, ignore)
					}
				}
				seen, err := do()
				wantError(t, err, tt.code, tt.words...)
				if took := time.Since(begin); took > tt.took {
					t.Errorf("took %s, want at most %s", took, tt.took)
				}
				if tt.name == "rolled back" && seen.Revision != "old" {
					t.Errorf("what is in force has revision %q, want the old one", seen.Revision)
				}
			})
		})
	}
}

// wantError insists on an *mlops.Error with everything filled in.
func wantError(t *testing.T, err error, code mlops.Code, words ...string) {
	t.Helper()
	e, ok := err.(*mlops.Error) //nolint:errorlint // nothing may be wrapped around it
	if !ok {
		t.Fatalf("the error is %T (%v), want an *mlops.Error", err, err)
	}
	if e.Code != code {
		t.Errorf("the code is %q, want %q: %v", e.Code, code, err)
	}
	if e.Op == "" || e.Resource != mlops.NounModel || e.Name == "" || e.Backend == "" {
		t.Errorf("the error leaves something out: %+v", e)
	}
	if _, twice := errors.AsType[*mlops.Error](e.Err); twice {
		t.Errorf("wrapped twice: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error is %q, want %q in it", err, w)
		}
	}
}

func TestStaleLookIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{keeps: true} // ready with the old revision, at first
		time.AfterFunc(500*time.Millisecond, func() {
			kind.mu.Lock()
			defer kind.mu.Unlock()
			kind.keeps = false
		})
		if _, err := kind.target().Update(within(t, time.Minute), slowID, mlops.ModelSpec{}, ignore); err != nil {
			t.Error(err)
		}
	})
}

func TestCancellationIsUntouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		kind := &slow{takes: time.Hour}
		var recorded mlops.Change
		begin := time.Now()
		_, err := kind.target().Create(ctx, mlops.ModelSpec{}, func(c mlops.Change) { recorded = c })
		if err != context.Canceled { //nolint:errorlint // untouched is what is tested
			t.Errorf("the error is %v, want %v itself", err, context.Canceled)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("it took %s to notice a cancellation after a minute", took)
		}
		if recorded.Ref != slowID {
			t.Errorf("recorded %q before the wait, want %q", recorded.Ref, slowID)
		}
	})
}

func TestRecordComesBeforeTheFirstLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{}
		_, err := kind.target().Create(within(t, time.Minute), mlops.ModelSpec{}, func(mlops.Change) {
			if kind.looks != 0 {
				t.Errorf("%d looks before the identity was recorded", kind.looks)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestIdentityOfAFailedCreateIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{createErr: &mlops.Error{Code: mlops.QuotaExceeded, Field: "name", Request: "r-1", Err: errors.New("too many")}}
		var recorded mlops.Change
		_, err := kind.target().Create(within(t, time.Minute), mlops.ModelSpec{}, func(c mlops.Change) { recorded = c })
		want := &mlops.Error{
			Code: mlops.QuotaExceeded, Op: "create", Resource: mlops.NounModel, Name: slowID, Backend: "local",
			Field: "name", Request: "r-1",
		}
		wantError(t, err, want.Code, "too many")
		got, _ := errors.AsType[*mlops.Error](err)
		got.Err = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if recorded.Ref != slowID {
			t.Errorf("recorded %q, want %q", recorded.Ref, slowID)
		}
	})
}

func TestDelete(t *testing.T) {
	tests := []struct {
		name string
		kind *slow
		code mlops.Code
		took time.Duration // at least
	}{
		{name: "takes its time", kind: &slow{takes: 5 * time.Minute}, took: 5 * time.Minute},
		{name: "in use for a while", kind: &slow{inUse: 3 * time.Minute}, took: 3 * time.Minute},
		{name: "in use for ever", kind: &slow{inUse: time.Hour}, code: mlops.Conflict, took: 20 * time.Minute},
		{name: "never gone", kind: &slow{takes: time.Hour}, code: mlops.Timeout, took: 20 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				err := tt.kind.target().Delete(within(t, 20*time.Minute), slowID)
				if tt.code == "" && err != nil {
					t.Fatal(err)
				}
				if tt.code != "" {
					wantError(t, err, tt.code)
				}
				took := time.Since(begin)
				if limit := tt.took + max(time.Second, tt.took/10); took < tt.took || took > limit {
					t.Errorf("took %s, want from %s to %s", took, tt.took, limit)
				}
			})
		})
	}
}

func TestDeleteOfWhatIsGone(t *testing.T) {
	kind := goneAlready{&slow{}}
	if err := (target{Kind: kind, Code: mlops.CodeOf}).Delete(t.Context(), slowID); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
}

// goneAlready is a platform that has nothing to delete.
type goneAlready struct{ *slow }

func (goneAlready) Delete(context.Context, mlops.ID) error {
	return mlops.NewError(mlops.NotFound, errors.New("gone"))
}
