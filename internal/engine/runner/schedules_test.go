//go:build unix

package runner_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const minute = time.Minute

// wantRunsAfter lets a time pass and counts the runs.
func (e *engine) wantRunsAfter(d time.Duration, want int) {
	e.t.Helper()
	time.Sleep(d) // in a bubble: it takes no time
	all, err := e.List(e.ctx, pipeline)
	if err != nil {
		e.t.Fatal(err)
	}
	if len(all) != want {
		e.t.Fatalf("after %s there are %d runs, want %d", d, len(all), want)
	}
}

func TestScheduleFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t)
		spec := mlops.PipelineSpec{
			Environment: environment, Name: "work", Steps: map[string]mlops.Step{"quick": sh("true")},
			Schedule: &mlops.Schedule{Cron: "*/10 * * * *", Timezone: "Europe/Berlin"},
		}
		e.putPipeline(spec)
		e.wantRunsAfter(35*minute, 3)
		all, err := e.List(e.ctx, pipeline)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"2000-01-01T01:10:00+01:00", "2000-01-01T01:20:00+01:00", "2000-01-01T01:30:00+01:00"} {
			if got := all[i].Spec.Triggers["schedule"]; got != want {
				t.Errorf("run %d was due at %s, want %s", i, got, want)
			}
			wantState(t, all[i], mlops.RunSucceeded)
		}

		spec.Schedule = &mlops.Schedule{Cron: "*/10 * * * *", Timezone: "Europe/Berlin", Disabled: true}
		e.putPipeline(spec)
		e.wantRunsAfter(60*minute, 3)

		spec.Schedule = &mlops.Schedule{Cron: "0 * * * *"}
		e.putPipeline(spec) // at 01:35: what was missed while it was disabled is not made up for
		e.wantRunsAfter(20*minute, 3)
		e.wantRunsAfter(10*minute, 4)

		spec.Schedule = nil
		e.putPipeline(spec)
		e.wantRunsAfter(300*minute, 4)
	})
}

func TestMissedFiresAreMadeUpForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t)
		e.putPipeline(mlops.PipelineSpec{
			Environment: environment, Name: "work", Steps: map[string]mlops.Step{"quick": sh("true")},
			Schedule: &mlops.Schedule{Cron: "*/10 * * * *"},
		})
		e.wantRunsAfter(15*minute, 1)
		if err := e.Close(e.ctx); err != nil {
			t.Fatal(err)
		}
		e.wantRunsAfter(72*60*minute, 1)
		e.Service = runner.New(config(e.dir, e.store))
		e.start()
		e.wantRunsAfter(minute, 2)
		all, err := e.List(e.ctx, pipeline)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := all[1].Spec.Triggers["schedule"], "2000-01-04T00:10:00Z"; got != want {
			t.Errorf("the fire that was made up for is that of %s, want the last, %s", got, want)
		}
		e.wantRunsAfter(10*minute, 3)
	})
}

func TestChangedScheduleStartsAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t)
		spec := mlops.PipelineSpec{
			Environment: environment, Name: "work", Steps: map[string]mlops.Step{"quick": sh("true")},
			Schedule: &mlops.Schedule{Cron: "0 12 * * *"},
		}
		e.putPipeline(spec)
		e.wantRunsAfter(35*minute, 0)
		spec.Schedule = &mlops.Schedule{Cron: "*/10 * * * *"}
		e.putPipeline(spec)
		e.wantRunsAfter(minute, 0) // not the fires that it would have had
		e.wantRunsAfter(5*minute, 1)
	})
}
