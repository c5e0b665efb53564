package aws_test

import (
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// report is a step whose property file is {"auc": 0.9, "n": 3, "f1-score": 0.5, "name": "best"}.
func report(a account) object {
	return step(a, "test", "report", object{"PropertyFiles": []any{object{"PropertyFileName": "metrics", "OutputName": "report", "FilePath": "metrics.json"}}})
}

// read is a value of the report.
func read(path string) object {
	return object{"Std:JsonGet": object{"PropertyFile": object{"Get": "Steps.test.PropertyFiles.metrics"}, "Path": path}}
}

func binary(kind string, left, right any) object {
	return object{"Type": kind, "LeftValue": left, "RightValue": right}
}

// deciding is a condition step with one step in each branch.
func deciding(a account, conditions ...any) object {
	return object{"Name": "check", "Type": "Condition", "DisplayName": "Good?", "Description": "whether it is good", "Arguments": object{
		"Conditions": conditions, "IfSteps": []any{step(a, "yes", "yes", nil)}, "ElseSteps": []any{step(a, "no", "no", nil)},
	}}
}

// writesReport answers for the report's step alone.
func writesReport(a account) {
	a.server.World.SetHooks(aws.Hooks{RunStep: func(aws.StepRun) (map[string][]byte, string) {
		return map[string][]byte{"report/metrics.json": []byte(`{"auc": 0.9, "n": 3, "f1-score": 0.5, "name": "best"}`)}, ""
	}})
}

func TestConditionTypes(t *testing.T) {
	t.Parallel()
	depth := object{"Get": "Parameters.depth"} // 4
	tests := []struct {
		name       string
		conditions []any
		want       string // "True", "False", or a part of the failure
	}{
		{"greater", []any{binary("GreaterThan", read("auc"), 0.8)}, "True"},
		{"not greater", []any{binary("GreaterThan", read("auc"), 0.9)}, "False"},
		{"at least", []any{binary("GreaterThanOrEqualTo", read("auc"), 0.9)}, "True"},
		{"less than an integer", []any{binary("LessThan", read("auc"), 1)}, "True"},
		{"a key in brackets", []any{binary("LessThanOrEqualTo", read("['f1-score']"), 0.5)}, "True"},
		{"a file by its address", []any{binary("LessThan", object{"Std:JsonGet": object{
			"S3Uri": object{"Std:Join": object{"On": "/", "Values": []any{object{"Get": "Steps.test.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}, "metrics.json"}}}, "Path": "auc",
		}}, 0.9)}, "False"},
		{"no file at its address", []any{binary("LessThan", object{"Std:JsonGet": object{"S3Uri": "s3://data/nowhere.json", "Path": "auc"}}, 0.9)}, "s3://data/nowhere.json is not there"},
		{"equal integers", []any{binary("Equals", read("n"), 3)}, "True"},
		{"equal texts", []any{binary("Equals", read("name"), "best")}, "True"},
		{"all must hold", []any{binary("Equals", depth, 4), binary("LessThan", depth, 4)}, "False"},
		{"not", []any{object{"Type": "Not", "Condition": binary("Equals", read("name"), "worst")}}, "True"},
		{"or", []any{object{"Type": "Or", "Conditions": []any{binary("LessThan", depth, 4), binary("GreaterThan", depth, 3)}}}, "True"},
		{"in", []any{object{"Type": "In", "QueryValue": read("name"), "Values": []any{"good", "best"}}}, "True"},
		{"equality of types that differ", []any{binary("Equals", read("n"), 3.5)}, "not of the same type"},
		{"order of types that differ", []any{binary("LessThan", read("name"), 3)}, "not supported between"},
		{"no such metric", []any{binary("LessThan", read("recall"), 3)}, "has no recall"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			writesReport(a)
			if err := createPipeline(t, a, definition(t, report(a), deciding(a, tt.conditions...))); err != nil {
				t.Fatal(err)
			}
			arn, err := start(t, a, "1")
			if err != nil {
				t.Fatal(err)
			}
			got := finish(t, a, arn)
			wantDecision(t, got.PipelineExecutionStatus, steps(t, a, arn), tt.want)
		})
	}
}

func wantDecision(t *testing.T, status types.PipelineExecutionStatus, ran map[string]types.PipelineExecutionStep, want string) {
	t.Helper()
	check := ran["check"]
	if sdk.ToString(check.StepDisplayName) != "Good?" || sdk.ToString(check.StepDescription) != "whether it is good" {
		t.Errorf("the condition step is shown as %q, %q", sdk.ToString(check.StepDisplayName), sdk.ToString(check.StepDescription))
	}
	_, yes := ran["yes"]
	_, no := ran["no"]
	if want != "True" && want != "False" {
		if status != types.PipelineExecutionStatusFailed || !strings.Contains(sdk.ToString(check.FailureReason), want) || yes || no {
			t.Errorf("got %s: %s, %v; want a failure with %q, and no step after it", status, check.StepStatus, sdk.ToString(check.FailureReason), want)
		}
		return
	}
	if check.Metadata == nil || check.Metadata.Condition == nil {
		t.Fatalf("got %s, %q", status, sdk.ToString(check.FailureReason))
	}
	if got := string(check.Metadata.Condition.Outcome); got != want || yes != (want == "True") || no == yes {
		t.Errorf("got the outcome %s, and the steps %v, %v; want %s", got, yes, no, want)
	}
	if status != types.PipelineExecutionStatusSucceeded {
		t.Errorf("got %s", status)
	}
}

// TestConditionsRefused proves that a definition is refused whose conditions the
// service refuses.
func TestConditionsRefused(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	good := binary("LessThan", read("auc"), 1)
	inner := deciding(a, good)
	inner["Name"] = "inner"
	inner["Arguments"] = object{"Conditions": []any{good}, "IfSteps": []any{}}
	nested := deciding(a, good)
	give(nested, "IfSteps", []any{inner})
	after := step(a, "after", "after", object{"DependsOn": []any{"check"}})
	tests := []struct {
		name  string
		steps []object
		want  string
	}{
		{"good", []object{report(a), deciding(a, good)}, ""},
		{"nested", []object{report(a), nested}, "'inner' cannot be in"},
		{"a step that depends on a condition", []object{report(a), deciding(a, good), after}, "cannot depend on the condition step"},
		{"no such type", []object{deciding(a, binary("NotLess", 1, 2))}, "Unknown condition type"},
		{"not by its old name", []object{deciding(a, object{"Type": "Not", "Expression": binary("Equals", 1, 2)})}, "unknown property 'Expression'"},
		{"one side", []object{deciding(a, object{"Type": "Equals", "LeftValue": 1})}, "RightValue"},
		{"within or", []object{deciding(a, object{"Type": "Or", "Conditions": []any{binary("Less", 1, 2)}})}, "Unknown condition type"},
		{"a file that nobody declares", []object{step(a, "test", "report", nil), deciding(a, good)}, "Property file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := createPipeline(t, openAccount(t, aws.Config{}), definition(t, tt.steps...))
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestBehindABranch proves that a step which needs one of a branch that is not taken
// never starts, wherever it stands, and that the execution succeeds (as in local mode
// of AWS's SDK for Python, which blocks all that is behind such a step).
func TestBehindABranch(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{true, false} {
		a := openAccount(t, aws.Config{})
		first := object{"Name": "first", "Type": "Condition", "Arguments": object{
			"Conditions": []any{binary("Equals", true, taken)}, "IfSteps": []any{step(a, "branch", "branch", nil)}, "ElseSteps": []any{},
		}}
		second := object{"Name": "second", "Type": "Condition", "Arguments": object{
			"Conditions": []any{binary("Equals", 1, 1)}, "IfSteps": []any{step(a, "other", "other", object{"DependsOn": []any{"branch"}})},
		}}
		outside := step(a, "outside", "outside", object{"DependsOn": []any{"branch"}})
		if err := createPipeline(t, a, definition(t, first, second, outside)); err != nil {
			t.Fatal(err)
		}
		arn, err := start(t, a, "1")
		if err != nil {
			t.Fatal(err)
		}
		if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
			t.Errorf("got %s", got.PipelineExecutionStatus)
		}
		var names []string
		for name := range steps(t, a, arn) {
			names = append(names, name)
		}
		slices.Sort(names)
		want := []string{"first", "second"}
		if taken {
			want = []string{"branch", "first", "other", "outside", "second"}
		}
		if !slices.Equal(names, want) {
			t.Errorf("taken %v: the steps are %v, want %v", taken, names, want)
		}
	}
}
