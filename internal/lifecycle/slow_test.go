package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The nouns' types are of no account to the lifecycle; models are the smallest.
type (
	target   = lifecycle.Target[mlops.ModelSpec, mlops.ModelStatus]
	observed = mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]
)

const slowID mlops.ID = "local/dev/models/slow"

// slow is a platform with one object that takes a given time for everything.
// What is not set does not happen.
type slow struct {
	takes  time.Duration // from a change to its end
	ends   mlops.Phase   // how changes end; ready if empty
	reason string        // said all the time
	hint   time.Duration // of every look
	keeps  bool          // changes end with what was there before
	inUse  time.Duration // for how long after the start Delete is refused

	createErr error // with an identity nevertheless
	getErr    error

	mu      sync.Mutex
	began   time.Time
	deleted time.Time
	looks   int
}

var _ mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] = (*slow)(nil)

func (s *slow) target() target {
	return target{Kind: s, Code: mlops.CodeOf, Backend: "local", Noun: mlops.NounModel}
}

func (s *slow) Create(context.Context, mlops.ModelSpec) (mlops.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = time.Now()
	return mlops.Change{Ref: slowID, Revision: "new"}, s.createErr
}

func (s *slow) Update(ctx context.Context, _ mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	return s.Create(ctx, spec)
}

func (s *slow) Delete(context.Context, mlops.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = time.Now()
	}
	if time.Since(s.began) < s.inUse {
		return mlops.NewError(mlops.Conflict, errors.New("in use by an endpoint"))
	}
	s.deleted = time.Now()
	return nil
}

func (s *slow) Get(ctx context.Context, _ mlops.ID) (observed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	switch {
	case ctx.Err() != nil:
		return observed{}, ctx.Err()
	case s.getErr != nil:
		return observed{}, s.getErr
	case s.deleted.IsZero():
		return s.changing(), nil
	case time.Since(s.deleted) < s.takes:
		return observed{Ref: slowID, Phase: mlops.PhaseDeleting, Reason: s.reason}, nil
	}
	return observed{}, mlops.NewError(mlops.NotFound, errors.New("gone"))
}

func (s *slow) changing() observed {
	seen := observed{Ref: slowID, Phase: mlops.PhasePending, Revision: "old", Reason: s.reason, Wait: s.hint}
	if time.Since(s.began) < s.takes {
		return seen
	}
	seen.Phase = mlops.PhaseReady
	if s.ends != "" {
		seen.Phase = s.ends
	}
	if !s.keeps {
		seen.Revision = "new"
	}
	return seen
}

// within gives a context that ends after so long.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// ignore is a record that nobody reads.
func ignore(mlops.Change) {}
