package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	somePipeline = mlops.ID("local/e/pipelines/p")
	someRun      = mlops.ID("local/e/pipelines/p/runs/r-1")
)

func addRun(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Pipelines().Insert(t.Context(), Record[mlops.PipelineSpec, mlops.PipelineStatus]{ID: somePipeline}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Runs().Insert(t.Context(), Record[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{ID: someRun}, nil); err != nil {
		t.Fatal(err)
	}
}

func writeTx(t *testing.T, s *Store, f func(*Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestStepsOfARun(t *testing.T) {
	t.Parallel()
	s := open(t)
	addRun(t, s)
	plan := RunPlan{Pipeline: mlops.PipelineSpec{Name: "p"}, Parameters: map[string]string{"a": "b"}, Directory: "/d"}
	step := Step{
		StepRun:     mlops.StepRun{State: mlops.RunRunning, Attempt: 2, StartedAt: time.Unix(5, 0).UTC()},
		StepLineage: mlops.StepLineage{Code: "sha256:c", Inputs: map[string]string{"i": "sha256:i"}},
		RetryAt:     time.Unix(9, 0).UTC(),
	}
	writeTx(t, s, func(tx *Tx) error {
		if err := tx.OpenRun(t.Context(), someRun, &plan); err != nil {
			return err
		}
		return tx.PutStep(t.Context(), someRun, "train", step)
	})
	// Marking it for removal keeps the plan.
	writeTx(t, s, func(tx *Tx) error { return tx.OpenRun(t.Context(), someRun, nil) })

	got, err := s.Plan(t.Context(), someRun)
	if diff := cmp.Diff(plan, got); err != nil || diff != "" {
		t.Errorf("plan: %v (-want +got): %s", err, diff)
	}
	steps, err := s.Steps(t.Context(), someRun)
	if diff := cmp.Diff(map[string]Step{"train": step}, steps); err != nil || diff != "" {
		t.Errorf("steps: %v (-want +got): %s", err, diff)
	}

	writeTx(t, s, func(tx *Tx) error { return tx.CloseRun(t.Context(), someRun) })
	if _, err := s.Plan(t.Context(), someRun); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("plan of a closed run: %v, want not found", err)
	}
	if open, err := s.OpenRuns(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open runs %v, %v", open, err)
	}
}

func TestARunTakesItsRowsWithIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	addRun(t, s)
	writeTx(t, s, func(tx *Tx) error {
		if err := tx.OpenRun(t.Context(), someRun, nil); err != nil {
			return err
		}
		if err := tx.PutStep(t.Context(), someRun, "train", Step{}); err != nil {
			return err
		}
		return tx.PutCached(t.Context(), "work", CachedStep{Run: someRun, Step: "train"})
	})
	if c, err := s.Cached(t.Context(), "local/e", "work"); err != nil || c.Step != "train" {
		t.Fatalf("cached step %+v, %v", c, err)
	}
	if err := s.Runs().Delete(t.Context(), someRun, nil); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"open_runs", "steps", "step_cache"} {
		var n int
		if err := s.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left in %s (%v)", n, table, err)
		}
	}
	if _, err := s.Cached(t.Context(), "local/e", "work"); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("cached step of a run that is gone: %v, want not found", err)
	}
}

func TestFollowedSchedules(t *testing.T) {
	t.Parallel()
	s := open(t)
	addRun(t, s)
	want := Followed{Schedule: "sha256:s", Until: time.Unix(7, 0).UTC()}
	follow := func(tx *Tx) error { return tx.Follow(t.Context(), somePipeline, want) }
	writeTx(t, s, follow)
	writeTx(t, s, follow) // again is no error
	got, err := s.Followed(t.Context())
	if diff := cmp.Diff(map[mlops.ID]Followed{somePipeline: want}, got); err != nil || diff != "" {
		t.Errorf("followed: %v (-want +got): %s", err, diff)
	}
	writeTx(t, s, func(tx *Tx) error { return tx.Unfollow(t.Context(), somePipeline) })
	if got, err := s.Followed(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("followed %v, %v", got, err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error { return tx.Follow(t.Context(), "local/e/pipelines/none", want) })
	if mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("following a pipeline that is not there: %v, want not found", err)
	}
}
