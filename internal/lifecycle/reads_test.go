package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// models makes so many models and returns a target that shares reads.
func (s *stack) models(t *testing.T, n int) (target, []mlops.ID) {
	t.Helper()
	ids := make([]mlops.ID, 0, n)
	for i := range n {
		spec := mlops.ModelSpec{Environment: dev, Name: fmt.Sprintf("m%d", i)}
		ids = append(ids, apply(t, s, mlops.NounModel, s.backend.Models(), spec))
	}
	shared := over(s, mlops.NounModel, s.backend.Models())
	shared.Reads = lifecycle.NewReads()
	return shared, ids
}

// cost counts the calls that reading models takes.
func (s *stack) cost(do func()) int {
	count := func() int {
		calls := s.platform.Calls()
		return calls["get model"] + calls["list model"]
	}
	before := count()
	do()
	return count() - before
}

// refresh reads as Terraform does: ten at a time, each followed by some work.
func refresh(t *testing.T, shared target, ids []mlops.ID, work time.Duration) {
	t.Helper()
	queue := make(chan mlops.ID)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for id := range queue {
				seen, err := shared.Read(t.Context(), id)
				if err != nil || seen.Ref != id {
					t.Errorf("read %s: got %s, %v", id, seen.Ref, err)
				}
				time.Sleep(work)
			}
		})
	}
	for _, id := range ids {
		queue <- id
	}
	close(queue)
	wg.Wait()
}

func TestRefreshOfAThousand(t *testing.T) {
	for _, work := range []time.Duration{0, 100 * time.Millisecond, 2 * time.Second} {
		t.Run(work.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(t, 0)
				shared, ids := s.models(t, 1000)
				calls := s.cost(func() { refresh(t, shared, ids, work) })
				if calls > 30 {
					t.Errorf("%d calls, want at most 30", calls)
				}
			})
		})
	}
}

func TestReadsOneByOne(t *testing.T) {
	s := newStack(t, 0)
	shared, ids := s.models(t, 3)
	shared.Reads = nil
	if calls := s.cost(func() { refresh(t, shared, ids, 0) }); calls != 3 {
		t.Errorf("%d calls without sharing, want 3", calls)
	}
}

func TestLoneReadDoesNotList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 3)
		for _, id := range ids {
			refresh(t, shared, []mlops.ID{id}, time.Minute)
		}
		if n := s.platform.Calls()["list model"]; n != 0 {
			t.Errorf("%d lists for reads a minute apart", n)
		}
	})
}

// A busy machine takes most of a minute for a refresh, and still lists once.
func TestSlowRefreshListsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 9)
		for _, id := range ids {
			refresh(t, shared, []mlops.ID{id}, 0)
			time.Sleep(5 * time.Second)
		}
		if n := s.platform.Calls()["list model"]; n != 1 {
			t.Errorf("%d lists for nine reads in 45 seconds, want one", n)
		}
	})
}

func TestReadAfterChangeIsFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 3)
		refresh(t, shared, ids, 0)

		spec := mlops.ModelSpec{Environment: dev, Name: "m1", Description: "changed"}
		if _, err := shared.Update(t.Context(), ids[1], spec, ignore); err != nil {
			t.Fatal(err)
		}
		if seen, err := shared.Read(t.Context(), ids[1]); err != nil || seen.Spec.Description != "changed" {
			t.Errorf("read after update: %+v, %v", seen.Spec, err)
		}
		refresh(t, shared, ids, 0)
		if err := shared.Delete(t.Context(), ids[2]); err != nil {
			t.Fatal(err)
		}
		_, err := shared.Read(t.Context(), ids[2])
		wantError(t, err, mlops.NotFound)
	})
}

func TestMissingFromTheListIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 3)
		refresh(t, shared, ids, 0)
		late := apply(t, s, mlops.NounModel, s.backend.Models(), mlops.ModelSpec{Environment: dev, Name: "late"})
		if seen, err := shared.Read(t.Context(), late); err != nil || seen.Ref != late {
			t.Errorf("made after the list: %s, %v", seen.Ref, err)
		}
		_, err := shared.Read(t.Context(), dev.Child(mlops.NounModel, "never"))
		wantError(t, err, mlops.NotFound)
	})
}

func TestListIsForgottenAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 3)
		refresh(t, shared, ids, 0)
		s.platform.Remove(ids[0])
		time.Sleep(90 * time.Second)
		_, err := shared.Read(t.Context(), ids[0])
		wantError(t, err, mlops.NotFound)
	})
}

// unlistable is a platform that lets nobody list, or takes its time for it.
type unlistable struct {
	mlops.Kind[mlops.ModelSpec, mlops.ModelStatus]

	takes time.Duration
	err   error
}

func (u unlistable) List(ctx context.Context, parent mlops.ID) ([]observed, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(u.takes):
	}
	if u.err != nil {
		return nil, u.err
	}
	lister, ok := u.Kind.(mlops.Lister[mlops.ModelSpec, mlops.ModelStatus])
	if !ok {
		return nil, errors.New("the kind does not list")
	}
	return lister.List(ctx, parent)
}

// surveyed is a platform that answers for a whole environment at once.
type surveyed struct {
	mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

	models  []mlops.ID
	surveys *int
}

func (s surveyed) Survey(ctx context.Context, _ mlops.ID) (all []mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], err error) {
	*s.surveys++
	lister, ok := s.Kind.(mlops.Lister[mlops.ModelVersionSpec, mlops.ModelVersionStatus])
	if !ok {
		return nil, errors.New("the kind does not list")
	}
	for _, model := range s.models {
		some, err := lister.List(ctx, model)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// What is under many parents is read by one list where the platform has such, however
// many the parents are.
func TestManyParentsAreSurveyedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		_, models := s.models(t, 20)
		surveys := 0
		versions := over(s, mlops.NounModelVersion, mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus](surveyed{s.backend.ModelVersions(), models, &surveys}))
		versions.Reads = lifecycle.NewReads()
		var ids []mlops.ID
		for i, model := range models {
			spec := mlops.ModelVersionSpec{Model: model, ArtifactURI: fmt.Sprintf("s3://bucket/%d", i), Format: "sklearn", Approval: "approved"}
			ids = append(ids, apply(t, s, mlops.NounModelVersion, s.backend.ModelVersions(), spec))
		}
		for _, id := range ids {
			if seen, err := versions.Read(t.Context(), id); err != nil || seen.Ref != id {
				t.Errorf("read %s: %s, %v", id, seen.Ref, err)
			}
		}
		if gets := s.platform.Calls()["get model_version"]; surveys != 1 {
			t.Errorf("%d surveys and %d looks, want one survey", surveys, gets)
		}
	})
}

func TestReadsWithoutTheRightToList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 5)
		shared.Kind = unlistable{Kind: shared.Kind, err: mlops.NewError(mlops.PermissionDenied, errors.New("no list"))}
		refresh(t, shared, ids, 0)
	})
}

func TestCancelledReadLeavesTheListToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared, ids := s.models(t, 3)
		shared.Kind = unlistable{Kind: shared.Kind, takes: time.Minute}
		refresh(t, shared, ids[:1], 0) // the next read lists

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := shared.Read(ctx, ids[1]); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled read: %v", err)
			}
		})
		synctest.Wait()
		if seen, err := shared.Read(t.Context(), ids[2]); err != nil || seen.Ref != ids[2] {
			t.Errorf("the other read: %s, %v", seen.Ref, err)
		}
		wg.Wait()
		if n := s.platform.Calls()["list model"]; n != 1 {
			t.Errorf("%d lists, want the one that the cancelled read began", n)
		}
	})
}

// An environment, which everything in it asks for at plan, is looked at once, however
// many ask while what is in it changes, and anew when it changes itself.
func TestEnvironmentIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 0)
		shared := lifecycle.NewReads()
		environments := over(s, mlops.NounEnvironment, s.backend.Environments())
		models := over(s, mlops.NounModel, s.backend.Models())
		environments.Reads, models.Reads = shared, shared
		read := func() (seen mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]) {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := environments.Read(t.Context(), dev); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			seen, err := environments.Read(t.Context(), dev)
			if err != nil {
				t.Fatal(err)
			}
			return seen
		}
		looks := func() int { return s.platform.Calls()["get environment"] }

		before := looks()
		read()
		if _, err := models.Create(t.Context(), mlops.ModelSpec{Environment: dev, Name: "m"}, func(mlops.Change) {}); err != nil {
			t.Fatal(err)
		}
		spec := read().Spec
		if n := looks() - before; n != 1 {
			t.Errorf("looked %d times at an environment in which something was made, want once", n)
		}
		spec.Labels = map[string]string{"changed": "yes"}
		if _, err := environments.Update(t.Context(), dev, spec, func(mlops.Change) {}); err != nil {
			t.Fatal(err)
		}
		before = looks()
		read()
		if n := looks() - before; n != 1 {
			t.Errorf("looked %d times at an environment that was changed, want once", n)
		}
	})
}
