package sagemaker

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestScheduleInForce proves what EventBridge has after each change of a pipeline.
func TestScheduleInForce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	data := r.dataset("a\n1\n", nil)
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "nightly",
		Steps: map[string]mlops.Step{"s": {Script: "pass", Inputs: map[string]string{"in": "{{datasets.people}}"}}},
	}
	made(t, r.Pipelines(), spec)
	type schedule struct{ Expression, Zone, State, Target, Parameter string }
	for _, tt := range []struct {
		name     string
		schedule *mlops.Schedule
		want     schedule // zero for none
	}{
		{"none", nil, schedule{}},
		{"in UTC", &mlops.Schedule{Cron: "0 3 * * 1-5"}, schedule{"cron(0 3 ? * MON,TUE,WED,THU,FRI *)", "UTC", "ENABLED", "churn--nightly", "mlops-dataset-people"}},
		{"elsewhere", &mlops.Schedule{Cron: "0 3 * * *", Timezone: "Australia/Sydney"}, schedule{"cron(0 3 * * ? *)", "Australia/Sydney", "ENABLED", "churn--nightly", "mlops-dataset-people"}},
		{"disabled", &mlops.Schedule{Cron: "0 3 * * *", Disabled: true}, schedule{"cron(0 3 * * ? *)", "UTC", "DISABLED", "churn--nightly", "mlops-dataset-people"}},
		{"removed", nil, schedule{}},
	} {
		spec.Schedule = tt.schedule
		settledReady(t, r.Pipelines(), r.the(r.Pipelines().Update(t.Context(), spec.ID(), spec)))
		out, err := c.scheduler.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: sdk.String(scheduleName(spec.ID()))})
		var got schedule
		if err == nil {
			p := out.Target.SageMakerPipelineParameters.PipelineParameterList
			got = schedule{*out.ScheduleExpression, *out.ScheduleExpressionTimezone, string(out.State), lastSegment(*out.Target.Arn), *p[0].Name}
			if *p[0].Value != r.data(data.ID()).Status.URI || out.FlexibleTimeWindow.Mode != types.FlexibleTimeWindowModeOff {
				t.Errorf("%s: it starts with %s", tt.name, *p[0].Value)
			}
		} else if r.Code(err) != mlops.NotFound {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	spec.Schedule = &mlops.Schedule{Cron: "0 3 * * *"}
	r.the(r.Pipelines().Update(t.Context(), spec.ID(), spec))
	r.must(r.Pipelines().Delete(t.Context(), spec.ID()))
	if _, err := c.scheduler.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: sdk.String(scheduleName(spec.ID()))}); r.Code(err) != mlops.NotFound {
		t.Errorf("the schedule of a pipeline that was deleted: %v", err)
	}
}

// TestScheduleGone proves that a schedule that somebody removed or changed is seen,
// and put back by what asks for it.
func TestScheduleGone(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "nightly", Schedule: &mlops.Schedule{Cron: "0 3 * * *"},
		Steps: map[string]mlops.Step{"s": {Script: "pass"}},
	}
	made(t, r.Pipelines(), spec)
	name := sdk.String(scheduleName(spec.ID()))
	whole, err := c.scheduler.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: name})
	r.must(err)
	for _, tt := range []struct {
		name  string
		spoil func() error
	}{
		{"removed", func() error {
			_, err := c.scheduler.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: name})
			return err
		}},
		{"switched off", func() error {
			_, err := c.scheduler.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
				Name: name, ScheduleExpression: whole.ScheduleExpression, ScheduleExpressionTimezone: whole.ScheduleExpressionTimezone,
				State: types.ScheduleStateDisabled, Target: whole.Target, FlexibleTimeWindow: whole.FlexibleTimeWindow,
			})
			return err
		}},
	} {
		r.must(tt.spoil())
		seen, err := r.Pipelines().Get(t.Context(), spec.ID())
		r.must(err)
		if seen.Spec.Schedule != nil || seen.Phase != mlops.PhasePending {
			t.Errorf("%s: it is %s with the schedule %v", tt.name, seen.Phase, seen.Spec.Schedule)
		}
		settledReady(t, r.Pipelines(), r.the(r.Pipelines().Create(t.Context(), spec)))
	}
}

// TestLargeDefinition proves that a definition past the limit of a request, of
// which we count the bytes, goes by way of the bucket and comes back.
func TestLargeDefinition(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "large",
		Definition: `{"Version": "2020-12-01", "Metadata": {"note": "` + strings.Repeat("ß", maxInline/2+1) + `"}, "Steps": [{"Name": "check", "Type": "Fail", "Arguments": {"ErrorMessage": "as asked"}}]}`,
	}
	seen := made(t, r.Pipelines(), spec)
	if seen.Spec.Definition != spec.Definition {
		t.Errorf("%d characters came back as %d", len(spec.Definition), len(seen.Spec.Definition))
	}
}

// TestParallelism proves that a limit which is taken away is none any more, though
// SageMaker keeps what an update does not name.
func TestParallelism(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "wide", Steps: map[string]mlops.Step{"a": {Script: "pass"}, "b": {Script: "pass"}, "c": {Script: "pass"}}}
	for _, tt := range []struct {
		name              string
		parallelism, want int64 // 0 is no limit
	}{
		{"none", 0, 0}, {"set", 1, 1}, {"raised", 2, 2}, {"taken away", 0, 3},
	} {
		spec.Parallelism, spec.Description = tt.parallelism, strings.Repeat("x", int(tt.parallelism))
		made(t, r.Pipelines(), spec)
		out, err := c.sagemaker.DescribePipeline(t.Context(), &sagemaker.DescribePipelineInput{PipelineName: sdk.String(pipelineName(spec.ID()))})
		r.must(err)
		var got int64
		if p := out.ParallelismConfiguration; p != nil {
			got = int64(*p.MaxParallelExecutionSteps)
		}
		if got != tt.want || sdk.ToString(out.PipelineDescription) != spec.Description {
			t.Errorf("%s: %d steps at once, described as %q", tt.name, got, sdk.ToString(out.PipelineDescription))
		}
	}
}
