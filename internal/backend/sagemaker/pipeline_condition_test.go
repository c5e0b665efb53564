package sagemaker

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// conditional is a pipeline of which register runs if it is good enough, and notify
// if that ran on a working day.
func conditional(change ...func(map[string]mlops.Step)) mlops.PipelineSpec {
	spec := mlops.PipelineSpec{
		Environment: "sagemaker/us-east-1/bench", Name: "p",
		Parameters: map[string]mlops.Parameter{
			"floor": {Type: "number", Default: new("0.9")}, "live": {Type: "boolean", Default: new("true")},
			"day": {Type: "string", Default: new("")}, "depth": {Type: "integer", Default: new("4")},
		},
		Steps: map[string]mlops.Step{
			"judge":    {Script: "pass", Outputs: []string{"metrics"}},
			"register": {Script: "pass", When: []string{"{{steps.judge.metrics.f1-score}} >= {{params.floor}}", "{{params.live}} == true"}},
			"notify":   {Script: "pass", After: []string{"register"}, When: []string{"{{params.day}} != ''"}},
			"archive":  {Script: "pass", After: []string{"register"}},
			"tidy":     {Script: "pass"},
		},
	}
	for _, f := range change {
		f(spec.Steps)
	}
	return spec
}

func on(name string, f func(*mlops.Step)) func(map[string]mlops.Step) {
	return func(steps map[string]mlops.Step) {
		s := steps[name]
		f(&s)
		steps[name] = s
	}
}

// TestConditionSteps proves that steps with conditions are in the branches of
// condition steps that stand alone, and that only what is read has a property file.
func TestConditionSteps(t *testing.T) {
	t.Parallel()
	text, _ := compiled(t, conditional(), walled(), "")
	var got struct {
		Steps []struct {
			Name          string              `json:"Name"`
			Type          string              `json:"Type"`
			DisplayName   string              `json:"DisplayName"`
			Description   string              `json:"Description"`
			PropertyFiles []map[string]string `json:"PropertyFiles"`
			Arguments     struct {
				Conditions []any  `json:"Conditions"`
				IfSteps    []step `json:"IfSteps"`
				ElseSteps  []step `json:"ElseSteps"`
			} `json:"Arguments"`
		} `json:"Steps"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"judge", "When-register", "When-notify", "tidy"}, namesOf(len(got.Steps), func(i int) string { return got.Steps[i].Name })); diff != "" {
		t.Fatal(diff)
	}
	judge, register, notify := got.Steps[0], got.Steps[1], got.Steps[2]
	if diff := cmp.Diff([]map[string]string{{"PropertyFileName": "metrics", "OutputName": "metrics", "FilePath": "metrics"}}, judge.PropertyFiles); diff != "" {
		t.Error(diff)
	}
	const both = "{{steps.judge.metrics.f1-score}} >= {{params.floor}} and {{params.live}} == true"
	if register.Type != "Condition" || register.Description != both || register.DisplayName != "When register" || len(got.Steps[3].PropertyFiles) > 0 {
		t.Errorf("got %+v", register)
	}
	inside := namesOf(len(register.Arguments.IfSteps), func(i int) string { return register.Arguments.IfSteps[i].Name })
	if diff := cmp.Diff([]string{"register", "archive"}, inside); diff != "" || len(register.Arguments.ElseSteps) > 0 {
		t.Error(diff, register.Arguments.ElseSteps)
	}
	atLeast := map[string]any{
		"Type":       "GreaterThanOrEqualTo",
		"LeftValue":  map[string]any{"Std:JsonGet": map[string]any{"PropertyFile": map[string]any{"Get": "Steps.judge.PropertyFiles.metrics"}, "Path": "['f1-score']"}},
		"RightValue": map[string]any{"Get": "Parameters.floor"},
	}
	live := map[string]any{"Type": "Equals", "LeftValue": map[string]any{"Get": "Parameters.live"}, "RightValue": true}
	empty := map[string]any{"Type": "Equals", "LeftValue": map[string]any{"Get": "Parameters.day"}, "RightValue": emptyValue}
	if diff := cmp.Diff([]any{atLeast, live}, register.Arguments.Conditions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{atLeast, live, map[string]any{"Type": "Not", "Condition": empty}}, notify.Arguments.Conditions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"register"}, notify.Arguments.IfSteps[0].DependsOn); diff != "" {
		t.Error(diff)
	}
}

func namesOf(n int, name func(int) string) []string {
	var all []string
	for i := range n {
		all = append(all, name(i))
	}
	return all
}

// TestNumbersInConditions proves that numbers are compared as numbers, however they
// are written.
func TestNumbersInConditions(t *testing.T) {
	t.Parallel()
	depth := map[string]any{"Get": "Parameters.depth"}
	is := func(kind string, left, right any) map[string]any {
		return map[string]any{"Type": kind, "LeftValue": left, "RightValue": right}
	}
	tests := []struct {
		when string
		want []any
	}{
		{"{{params.depth}} < 04", []any{is("LessThan", depth, int64(4))}},
		{"+1e2 > {{params.depth}}", []any{is("GreaterThan", 100.0, depth)}},
		{"{{params.depth}} == 4", []any{is("LessThanOrEqualTo", depth, int64(4)), is("GreaterThanOrEqualTo", depth, int64(4))}},
		{"{{params.depth}} != -4", []any{map[string]any{"Type": "Or", "Conditions": []any{is("LessThan", depth, int64(-4)), is("GreaterThan", depth, int64(-4))}}}},
	}
	for _, tt := range tests {
		t.Run(tt.when, func(t *testing.T) {
			t.Parallel()
			condition, err := mlops.ParseCondition(tt.when)
			if err != nil {
				t.Fatal(err)
			}
			got := (&compiler{spec: conditional()}).comparisons(condition)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Error(err)
			}
		})
	}
	if got := nativeNumber("9223372036854775808"); got != math.Exp2(63) {
		t.Errorf("a large number is %v", got)
	}
}

func TestConditionsThatSageMakerCannotHave(t *testing.T) {
	t.Parallel()
	metrics := func(s *mlops.Step) { s.Outputs = []string{"metrics"} }
	tests := []struct {
		name string
		spec mlops.PipelineSpec
		path string
		want string
	}{
		{"what it can have", conditional(), "", ""},
		{"the metric of a step with a condition", conditional(on("register", metrics), on("archive", func(s *mlops.Step) {
			s.When = []string{"{{params.live}} == true", "{{steps.register.metrics.m}} > 0"}
		})), `steps["archive"].when[1]`, `step "register" runs only if {{steps.judge.metrics.f1-score}} >= {{params.floor}} and {{params.live}} == true`},
		{"the metric of a step behind one", conditional(on("archive", metrics), on("tidy", func(s *mlops.Step) {
			s.When = []string{"{{steps.archive.metrics.m}} > 0"}
		})), `steps["tidy"].when[0]`, `step "archive" runs only if`},
		{"the metric of a step on spot capacity", conditional(on("judge", func(s *mlops.Step) {
			s.Compute = &mlops.Compute{CPU: 2, Spot: true}
		})), `steps["register"].when[0]`, `Leave spot out for step "judge"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkPipeline(c, tt.spec)
			err := c.Err()
			if (err != nil) != (tt.path != "") || err != nil && (!strings.Contains(err.Error(), tt.path+": ") || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %s with %q", err, tt.path, tt.want)
			}
		})
	}
}

// TestLongConditionNames proves that a condition step has a name that SageMaker
// takes, and that no step of the user's can have.
func TestLongConditionNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", 63)
	for _, name := range []string{"s", long[:59], long[:60], long} {
		if got := conditionName(name); len(got) > 64 || !isCondition(got) {
			t.Errorf("%s is called %s", name, got)
		}
	}
	if conditionName(long) == conditionName(long[:60]) {
		t.Error("two steps have one name")
	}
	if got := shortened("größe", 4); got != "grö…" {
		t.Errorf("got %q", got)
	}
}

// TestWhatWasSkipped proves that each step which was not started is skipped by the
// conditions of its own branch.
func TestWhatWasSkipped(t *testing.T) {
	t.Parallel()
	got, skipped := withoutSkipped(conditional(), map[string]string{"judge": "", "tidy": ""})
	want := map[string]string{
		"register": "not all of this holds: {{steps.judge.metrics.f1-score}} >= {{params.floor}} and {{params.live}} == true",
		"archive":  "not all of this holds: {{steps.judge.metrics.f1-score}} >= {{params.floor}} and {{params.live}} == true",
		"notify":   "not all of this holds: {{steps.judge.metrics.f1-score}} >= {{params.floor}} and {{params.live}} == true and {{params.day}} != ''",
	}
	if diff := cmp.Diff(want, skipped); diff != "" || len(got.Steps) != 2 {
		t.Error(diff, got.Steps)
	}
}

// measured is a pipeline of which publish runs if what measure writes is enough.
func measured(environment mlops.ID) mlops.PipelineSpec {
	return mlops.PipelineSpec{
		Environment: environment, Name: "measured",
		Parameters: map[string]mlops.Parameter{"accuracy": {Type: "number", Default: new("0.85")}},
		Steps: map[string]mlops.Step{
			"measure": {
				Script: "import json, os\njson.dump({'accuracy': float(os.environ['ACCURACY'])}, open(os.environ['MLOPS_OUTPUT_METRICS'], 'w'))\n",
				Env:    map[string]string{"ACCURACY": "{{params.accuracy}}"}, Outputs: []string{"metrics"},
			},
			"publish": {
				Script: "import os\nopen(os.environ['MLOPS_OUTPUT_PAGE'], 'w').write('published')\n", Outputs: []string{"page"},
				When: []string{"{{steps.measure.metrics.accuracy}} >= 0.9"},
			},
			"announce": {
				Script: "import os\nopen(os.environ['MLOPS_OUTPUT_MAIL'], 'w').write(open(os.environ['MLOPS_INPUT_PAGE']).read())\n",
				Inputs: map[string]string{"page": "{{steps.publish.outputs.page}}"}, Outputs: []string{"mail"},
			},
		},
	}
}

// TestMetricsDecide proves that what a step really wrote decides, also where its
// output is taken from an earlier run, and that it is told what was skipped.
func TestMetricsDecide(t *testing.T) {
	t.Parallel()
	r := works(t, 2)
	spec := measured(r.environment)
	made(t, r.Pipelines(), spec)
	run := func(accuracy, trigger string) mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
		return made(t, r.PipelineRuns(), mlops.PipelineRunSpec{
			Pipeline: spec.ID(), Parameters: map[string]string{"accuracy": accuracy}, Triggers: map[string]string{"again": trigger},
		})
	}
	good := run("0.95", "1")
	if got := r.kept(good.Status.Outputs["announce.mail"]); got != "published" || len(good.Status.Steps) != 3 {
		t.Errorf("got %q, and the steps %v", got, good.Status.Steps)
	}
	for _, trigger := range []string{"1", "2"} {
		poor := run("0.85", trigger)
		if got := poor.Status.Steps["measure"].Cached; got != (trigger == "2") {
			t.Errorf("%s: measured again: %t", trigger, !got)
		}
		wantSkipped(t, poor)
		if _, ok := poor.Status.Lineage.Steps["publish"]; ok || poor.Status.Lineage.Steps["measure"].Outputs["metrics"] == "" {
			t.Errorf("%s: the evidence is of %v", trigger, poor.Status.Lineage.Steps)
		}
	}
}

// wantSkipped checks a run that measured too little.
func wantSkipped(t *testing.T, run mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]) {
	t.Helper()
	const reason = "{{steps.measure.metrics.accuracy}} >= 0.9 does not hold"
	for _, step := range []string{"publish", "announce"} {
		if got := run.Status.Steps[step]; got.State != mlops.RunSkipped || got.Reason != reason {
			t.Errorf("step %s is %s: %s", step, got.State, got.Reason)
		}
	}
	if len(run.Status.Steps) != 3 || len(run.Status.Outputs) != 1 || run.Status.Outputs["measure.metrics"] == "" {
		t.Errorf("the steps are %v, the outputs %v", run.Status.Steps, run.Status.Outputs)
	}
}

// TestScheduledRunSkips proves that a run which no configuration has shows what it
// skipped too.
func TestScheduledRunSkips(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	spec := measured(r.environment)
	made(t, r.Pipelines(), spec)
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	started, err := c.sagemaker.StartPipelineExecution(t.Context(), &sagemaker.StartPipelineExecutionInput{
		PipelineName: sdk.String(pipelineName(spec.ID())), ClientRequestToken: sdk.String(strings.Repeat("t", 32)),
	})
	r.must(err)
	wantSkipped(t, settledAt(t, r.PipelineRuns(), spec.ID().Child(mlops.NounPipelineRun, lastSegment(*started.PipelineExecutionArn))))
}
