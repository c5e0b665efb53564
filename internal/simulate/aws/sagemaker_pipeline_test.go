package aws_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// object is a JSON object.
type object = map[string]any

// step is a processing step that writes one output; more overrides its members.
func step(a account, name, output string, more object) object {
	out := object{"Name": name, "Type": "Processing", "Arguments": object{
		"RoleArn":             *a.role,
		"AppSpecification":    object{"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/" + name + ":1"},
		"ProcessingResources": object{"ClusterConfig": object{"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
		"ProcessingOutputConfig": object{"Outputs": []any{object{"OutputName": output, "S3Output": object{
			"S3Uri": "s3://data/" + output, "LocalPath": "/opt/ml/processing/output/" + output, "S3UploadMode": "EndOfJob",
		}}}},
	}}
	maps.Copy(out, more)
	return out
}

// give sets an argument of a step.
func give(step object, name string, value any) object {
	arguments, _ := step["Arguments"].(object)
	arguments[name] = value
	return step
}

// definition writes a definition of steps with the parameter depth.
func definition(t *testing.T, steps ...object) *string {
	t.Helper()
	raw, err := json.Marshal(object{
		"Version": "2020-12-01", "Metadata": object{"by": "a test"},
		"Parameters": []any{
			object{"Name": "depth", "Type": "Integer", "DefaultValue": 4},
			object{"Name": "region", "Type": "String", "EnumValues": []any{"eu", "us"}, "DefaultValue": "eu"},
			object{"Name": "note", "Type": "String", "DefaultValue": "none"},
		},
		"Steps": steps,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sdk.String(string(raw))
}

const token = "0123456789-0123456789-0123456789-"

func createPipeline(t *testing.T, a account, definition *string) error {
	t.Helper()
	_, err := a.CreatePipeline(t.Context(), &sagemaker.CreatePipelineInput{
		PipelineName: sdk.String("dev--train"), PipelineDefinition: definition, RoleArn: a.role, ClientRequestToken: sdk.String(token + strconv.Itoa(len(*definition))),
	})
	return err
}

// start starts an execution of the pipeline.
func start(t *testing.T, a account, run string, parameters ...types.Parameter) (string, error) {
	t.Helper()
	out, err := a.StartPipelineExecution(t.Context(), &sagemaker.StartPipelineExecutionInput{
		PipelineName: sdk.String("dev--train"), ClientRequestToken: sdk.String(token + run), PipelineParameters: parameters,
	})
	if err != nil {
		return "", err
	}
	return *out.PipelineExecutionArn, nil
}

// finish looks at an execution until it has ended.
func finish(t *testing.T, a account, arn string) *sagemaker.DescribePipelineExecutionOutput {
	t.Helper()
	for {
		out := must[*sagemaker.DescribePipelineExecutionOutput](t)(a.DescribePipelineExecution(t.Context(), &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: &arn}))
		if out.PipelineExecutionStatus != types.PipelineExecutionStatusExecuting && out.PipelineExecutionStatus != types.PipelineExecutionStatusStopping {
			return out
		}
	}
}

// steps are the statuses of an execution's steps.
func steps(t *testing.T, a account, arn string) map[string]types.PipelineExecutionStep {
	t.Helper()
	out := map[string]types.PipelineExecutionStep{}
	list := must[*sagemaker.ListPipelineExecutionStepsOutput](t)(a.ListPipelineExecutionSteps(t.Context(), &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: &arn}))
	for _, s := range list.PipelineExecutionSteps {
		out[*s.StepName] = s
	}
	return out
}

// trainAndTest is two steps, of which the second uses the first's output.
func trainAndTest(t *testing.T, a account) *string {
	t.Helper()
	second := step(a, "test", "report", nil)
	give(second, "Environment", object{
		"DATA":  object{"Get": "Steps.train.ProcessingOutputConfig.Outputs['model'].S3Output.S3Uri"},
		"DEPTH": object{"Std:Join": object{"On": "-", "Values": []any{"d", object{"Get": "Parameters.depth"}}}},
		"RUN":   object{"Get": "Execution.PipelineName"},
	})
	return definition(t, second, step(a, "train", "model", nil))
}

func TestExecution(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	var ran []aws.StepRun
	a.server.World.SetHooks(aws.Hooks{RunStep: func(s aws.StepRun) (map[string][]byte, string) {
		ran = append(ran, s)
		return nil, ""
	}})
	if err := createPipeline(t, a, trainAndTest(t, a)); err != nil {
		t.Fatal(err)
	}
	arn, err := start(t, a, "1", types.Parameter{Name: sdk.String("depth"), Value: sdk.String("6")})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := start(t, a, "1"); err != nil || again != arn {
		t.Errorf("one token started %s and %s, %v", arn, again, err)
	}
	during := steps(t, a, arn)
	if len(during) != 1 || during["train"].StepStatus != types.StepStatusExecuting {
		t.Errorf("at first got %v", during)
	}
	during = steps(t, a, arn)
	if during["train"].StepStatus != types.StepStatusSucceeded || during["test"].StepStatus != types.StepStatusExecuting {
		t.Errorf("then got %v", during)
	}
	if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
		t.Errorf("got %s", got.PipelineExecutionStatus)
	}
	if len(ran) != 2 || ran[0].Step != "train" {
		t.Fatalf("ran %v", ran)
	}
	want := object{"DATA": "s3://data/model", "DEPTH": "d-6", "RUN": "dev--train"}
	if diff := cmp.Diff(want, ran[1].Arguments["Environment"]); diff != "" {
		t.Error(diff)
	}
	job := steps(t, a, arn)["test"].Metadata.ProcessingJob.Arn
	name := (*job)[strings.LastIndex(*job, "/")+1:]
	described := must[*sagemaker.DescribeProcessingJobOutput](t)(a.DescribeProcessingJob(t.Context(), &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name}))
	if described.ProcessingJobStatus != types.ProcessingJobStatusCompleted {
		t.Errorf("the job is %s", described.ProcessingJobStatus)
	}
	parameters := must[*sagemaker.ListPipelineParametersForExecutionOutput](t)(a.ListPipelineParametersForExecution(t.Context(), &sagemaker.ListPipelineParametersForExecutionInput{PipelineExecutionArn: &arn}))
	if got := *parameters.PipelineParameters[0].Value; got != "6" {
		t.Errorf("depth is %s", got)
	}
}

func TestExecutionFails(t *testing.T) {
	t.Parallel()
	retried := []any{object{"ExceptionType": []any{"SageMaker.CAPACITY_ERROR"}, "MaxAttempts": 2}}
	tests := []struct {
		name, failure string
		attempts      int32 // of the first step
		succeeds      bool
	}{
		{"the user's code", "AlgorithmError: exit code 1", 1, false},
		{"capacity, to the end", "CapacityError: no instances", 3, false},
		{"capacity, once", "CapacityError: no instances", 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			a.server.World.SetHooks(aws.Hooks{RunStep: func(s aws.StepRun) (map[string][]byte, string) {
				if s.Step == "train" && (!tt.succeeds || s.Attempt < int(tt.attempts)) {
					return nil, tt.failure
				}
				return nil, ""
			}})
			second := step(a, "test", "report", object{"DependsOn": []any{"train"}})
			if err := createPipeline(t, a, definition(t, step(a, "train", "model", object{"RetryPolicies": retried}), second)); err != nil {
				t.Fatal(err)
			}
			arn, err := start(t, a, "1")
			if err != nil {
				t.Fatal(err)
			}
			got, ran := finish(t, a, arn), steps(t, a, arn)
			if *ran["train"].AttemptCount != tt.attempts {
				t.Errorf("got %d attempts, want %d", *ran["train"].AttemptCount, tt.attempts)
			}
			if tt.succeeds {
				if got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
					t.Errorf("got %s: %v", got.PipelineExecutionStatus, got.FailureReason)
				}
				return
			}
			if got.PipelineExecutionStatus != types.PipelineExecutionStatusFailed || got.FailureReason == nil {
				t.Errorf("got %s", got.PipelineExecutionStatus)
			}
			if _, ok := ran["test"]; ok || *ran["train"].FailureReason != tt.failure {
				t.Errorf("got steps %v", ran)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ depth, want, never string }{{"9", "deep", "shallow"}, {"2", "shallow", "deep"}} {
		t.Run(tt.depth, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			condition := object{"Name": "check", "Type": "Condition", "Arguments": object{
				"Conditions": []any{object{"Type": "GreaterThan", "LeftValue": object{"Get": "Parameters.depth"}, "RightValue": 5}},
				"IfSteps":    []any{step(a, "deep", "model", nil)},
				"ElseSteps":  []any{step(a, "shallow", "model", nil)},
			}}
			if err := createPipeline(t, a, definition(t, condition)); err != nil {
				t.Fatal(err)
			}
			arn, err := start(t, a, "1", types.Parameter{Name: sdk.String("depth"), Value: &tt.depth})
			if err != nil {
				t.Fatal(err)
			}
			if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
				t.Errorf("got %s: %v", got.PipelineExecutionStatus, got.FailureReason)
			}
			ran := steps(t, a, arn)
			if _, no := ran[tt.never]; no || ran[tt.want].StepStatus != types.StepStatusSucceeded {
				t.Errorf("got %v", ran)
			}
		})
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := openAccount(t, aws.Config{Now: func() time.Time { return now }})
	runs := 0
	a.server.World.SetHooks(aws.Hooks{RunStep: func(aws.StepRun) (map[string][]byte, string) {
		runs++
		return nil, ""
	}})
	cached := step(a, "train", "model", object{"CacheConfig": object{"Enabled": true, "ExpireAfter": "P1D"}})
	give(cached, "Environment", object{"DEPTH": object{"Std:Join": object{"On": "", "Values": []any{object{"Get": "Parameters.depth"}}}}})
	if err := createPipeline(t, a, definition(t, cached)); err != nil {
		t.Fatal(err)
	}
	run := func(name, depth string) types.PipelineExecutionStep {
		arn, err := start(t, a, name, types.Parameter{Name: sdk.String("depth"), Value: &depth})
		if err != nil {
			t.Fatal(err)
		}
		finish(t, a, arn)
		return steps(t, a, arn)["train"]
	}
	run("1", "4")
	if hit := run("2", "4"); runs != 1 || hit.CacheHitResult == nil {
		t.Errorf("the same arguments ran %d times, hit %v", runs, hit.CacheHitResult)
	}
	if run("3", "5"); runs != 2 {
		t.Errorf("other arguments ran %d times in all, want 2", runs)
	}
	now = now.Add(25 * time.Hour)
	if run("4", "4"); runs != 3 {
		t.Errorf("after a day it ran %d times in all, want 3", runs)
	}
}

func TestStopExecution(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 3})
	if err := createPipeline(t, a, trainAndTest(t, a)); err != nil {
		t.Fatal(err)
	}
	arn, err := start(t, a, "1")
	if err != nil {
		t.Fatal(err)
	}
	steps(t, a, arn)
	_, err = a.DeletePipeline(t.Context(), &sagemaker.DeletePipelineInput{PipelineName: sdk.String("dev--train"), ClientRequestToken: sdk.String(token)})
	wantFault(t, err, "ConflictException", "running")
	stop := func() error {
		_, err := a.StopPipelineExecution(t.Context(), &sagemaker.StopPipelineExecutionInput{PipelineExecutionArn: &arn, ClientRequestToken: sdk.String(token)})
		return err
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusStopped {
		t.Errorf("got %s", got.PipelineExecutionStatus)
	}
	if got := steps(t, a, arn)["train"].StepStatus; got != types.StepStatusStopped {
		t.Errorf("the step is %s", got)
	}
	wantFault(t, stop(), "ConflictException", "Stopped")
	must[*sagemaker.DeletePipelineOutput](t)(a.DeletePipeline(t.Context(), &sagemaker.DeletePipelineInput{PipelineName: sdk.String("dev--train"), ClientRequestToken: sdk.String(token)}))
	_, err = a.DescribePipelineExecution(t.Context(), &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: &arn})
	wantFault(t, err, "ResourceNotFound", "does not exist")
}

func TestDefinitionRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	with := func(key string, value any) object {
		return give(step(a, "train", "model", nil), key, value)
	}
	small := with("ProcessingResources", object{"ClusterConfig": object{"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 0}})
	noRole := with("RoleArn", nil)
	tests := []struct {
		name, words string
		definition  *string
	}{
		{"no JSON", "Not valid JSON", sdk.String(`{"Version"`)},
		{"no version", "Version", sdk.String(`{"Steps": []}`)},
		{"no steps", "at least one step", sdk.String(`{"Version": "2020-12-01", "Steps": []}`)},
		{"steps of no list", "Expecting start of Json Array", sdk.String(`{"Version": "2020-12-01", "Steps": {}}`)},
		{"two steps of one name", "Duplicate step name", definition(t, step(a, "train", "m", nil), step(a, "train", "m", nil))},
		{"unknown type", "Unknown step type", definition(t, step(a, "train", "m", object{"Type": "Cooking"}))},
		{"unknown dependency", "unknown step", definition(t, step(a, "train", "m", object{"DependsOn": []any{"never"}}))},
		{"cycle", "Cyclic", definition(t, step(a, "a", "m", object{"DependsOn": []any{"b"}}), step(a, "b", "m", object{"DependsOn": []any{"a"}}))},
		{"unknown parameter", "Parameters.never", definition(t, with("Environment", object{"A": object{"Get": "Parameters.never"}}))},
		{"unknown step", "Steps.never", definition(t, with("Environment", object{"A": object{"Get": "Steps.never.X"}}))},
		{"unknown argument", "Unknown Argument member 'Flavour'", definition(t, with("Flavour", "salt"))},
		{"a name", "Unknown Argument member 'ProcessingJobName'", definition(t, with("ProcessingJobName", "mine"))},
		{"a text that is too long", "Environment", definition(t, with("Environment", object{"A": strings.Repeat("x", 257)}))},
		{"no disk", "VolumeSizeInGB", definition(t, small)},
		{"no role", "RoleArn", definition(t, noRole)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := createPipeline(t, a, tt.definition)
			wantFault(t, err, "ValidationException", "Unable to parse pipeline definition")
			wantFault(t, err, "ValidationException", tt.words)
		})
	}
}

// TestDefinitionsAccepted proves that what real definitions have is not refused:
// members of training jobs that the SDK for Python writes, arguments that are known
// at run time where the request has structures, lists or numbers, and parameters
// without a default or a type.
func TestDefinitionsAccepted(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	training := object{"Name": "fit_model-1", "Type": "Training", "DisplayName": "Fit", "Description": "fits", "Arguments": object{
		"AlgorithmSpecification": object{"TrainingInputMode": "File", "TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/fit:1", "ContainerArguments": []any{"--region", "us-east-1"}},
		"OutputDataConfig":       object{"S3OutputPath": object{"Std:Join": object{"On": "/", "Values": []any{"s3://data", object{"Get": "Execution.PipelineExecutionId"}}}}},
		"StoppingCondition":      object{"MaxRuntimeInSeconds": object{"Get": "Parameters.limit"}},
		"ResourceConfig":         object{"VolumeSizeInGB": 30, "InstanceCount": object{"Get": "Parameters.limit"}, "InstanceType": object{"Get": "Parameters.kind"}},
		"RoleArn":                *a.role,
		"HyperParameters":        object{"depth": object{"Get": "Parameters.kind"}},
		"InputDataConfig":        []any{object{"ChannelName": "train", "DataSource": object{"S3DataSource": object{"S3DataType": "S3Prefix", "S3Uri": object{"Get": "Parameters.kind"}}}}},
		"DebugHookConfig":        object{"S3OutputPath": "s3://data/debug", "CollectionConfigurations": []any{}},
		"ProfilerConfig":         object{"S3OutputPath": "s3://data/profile", "DisableProfiler": false},
		"RetryStrategy":          object{"MaximumRetryAttempts": 1},
		"VpcConfig":              object{"Subnets": object{"Get": "Parameters.kind"}, "SecurityGroupIds": []any{object{"Get": "Parameters.kind"}}},
	}}
	last := object{"Name": "stop", "Type": "Fail", "DependsOn": []any{"fit_model-1"}, "Arguments": object{"ErrorMessage": object{"Std:Join": object{"On": " ", "Values": []any{"no", 1}}}}}
	lambda := object{"Name": "notify", "Type": "Lambda", "Arguments": object{}, "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "OutputParameters": []any{}}
	raw, err := json.Marshal(object{
		"Version": "2020-12-01", "Metadata": object{}, "Steps": []any{training, last, lambda},
		"Parameters":               []any{object{"Name": "kind"}, object{"Name": "limit", "Type": "Integer"}},
		"PipelineExperimentConfig": object{"ExperimentName": object{"Get": "Execution.PipelineName"}, "TrialName": object{"Get": "Execution.PipelineExecutionId"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := createPipeline(t, a, sdk.String(string(raw))); err != nil {
		t.Error(err)
	}
	_, err = start(t, a, "1")
	wantFault(t, err, "ValidationException", "no default value")
}

func TestPipelineRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	if err := createPipeline(t, a, trainAndTest(t, a)); err != nil {
		t.Fatal(err)
	}
	wantFault(t, createPipeline(t, a, definition(t, step(a, "other", "m", nil))), "ValidationException", "Pipeline names must be unique within")
	parameter := func(name, value string) types.Parameter { return types.Parameter{Name: &name, Value: &value} }
	tests := []struct {
		name, words string
		parameter   types.Parameter
	}{
		{"not declared", "never", parameter("never", "1")},
		{"not a number", "Integer", parameter("depth", "deep")},
		{"not among the values", "enum", parameter("region", "mars")},
		{"empty", "too short", parameter("note", "")},
	}
	for _, tt := range tests {
		_, err := start(t, a, tt.name, tt.parameter)
		wantFault(t, err, "ValidationException", tt.words)
	}
	_, err := a.DescribePipeline(t.Context(), &sagemaker.DescribePipelineInput{PipelineName: sdk.String("never")})
	wantFault(t, err, "ResourceNotFound", "does not exist")
}

// TestUpdatePipeline proves that executions keep the definition that they began
// with.
func TestUpdatePipeline(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	first := trainAndTest(t, a)
	if err := createPipeline(t, a, first); err != nil {
		t.Fatal(err)
	}
	arn, err := start(t, a, "1")
	if err != nil {
		t.Fatal(err)
	}
	must[*sagemaker.UpdatePipelineOutput](t)(a.UpdatePipeline(t.Context(), &sagemaker.UpdatePipelineInput{
		PipelineName: sdk.String("dev--train"), PipelineDefinition: definition(t, step(a, "only", "m", nil)), PipelineDescription: sdk.String("new"),
	}))
	finish(t, a, arn)
	if ran := steps(t, a, arn); len(ran) != 2 {
		t.Errorf("the execution changed with its pipeline: %v", ran)
	}
	of := must[*sagemaker.DescribePipelineDefinitionForExecutionOutput](t)(a.DescribePipelineDefinitionForExecution(t.Context(), &sagemaker.DescribePipelineDefinitionForExecutionInput{PipelineExecutionArn: &arn}))
	if *of.PipelineDefinition != *first {
		t.Error("the execution shows another definition")
	}
	got := must[*sagemaker.DescribePipelineOutput](t)(a.DescribePipeline(t.Context(), &sagemaker.DescribePipelineInput{PipelineName: sdk.String("dev--train")}))
	if *got.PipelineDescription != "new" || got.LastRunTime == nil || *got.PipelineDefinition == *first {
		t.Errorf("got %+v", got)
	}
}

// TestModelSteps proves that steps register and create models, and that later steps
// may refer to what they made.
func TestModelSteps(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	register := object{"Name": "register", "Type": "RegisterModel", "Arguments": object{
		"ModelPackageGroupName": "churn", "ModelApprovalStatus": "Approved",
		"InferenceSpecification": object{
			"Containers":            []any{object{"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"}},
			"SupportedContentTypes": []any{"text/csv"}, "SupportedResponseMIMETypes": []any{"text/csv"},
		},
	}}
	model := object{"Name": "model", "Type": "Model", "Arguments": object{
		"ExecutionRoleArn": *a.role, "PrimaryContainer": object{"ModelPackageName": object{"Get": "Steps.register.ModelPackageArn"}},
	}}
	if err := createPipeline(t, a, definition(t, model, register)); err != nil {
		t.Fatal(err)
	}
	arn, err := start(t, a, "1")
	if err != nil {
		t.Fatal(err)
	}
	if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("got %s: %v", got.PipelineExecutionStatus, steps(t, a, arn))
	}
	if made := *steps(t, a, arn)["register"].Metadata.RegisterModel.Arn; !strings.HasSuffix(made, "model-package/churn/1") {
		t.Errorf("registered %s", made)
	}
	models := must[*sagemaker.ListModelsOutput](t)(a.ListModels(t.Context(), &sagemaker.ListModelsInput{}))
	if len(models.Models) != 1 {
		t.Errorf("got %d models", len(models.Models))
	}
}

// TestStepData proves that steps write what the hook makes, that conditions read
// it, and that a job without its input fails.
func TestStepData(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	var read []string
	a.server.World.SetHooks(aws.Hooks{RunStep: func(s aws.StepRun) (map[string][]byte, string) {
		for name := range s.Inputs["data"] {
			read = append(read, name)
		}
		return map[string][]byte{"report/metrics.json": []byte(`{"binary": {"auc": {"value": 0.91}}}`)}, ""
	}})
	test := step(a, "test", "report", object{"PropertyFiles": []any{object{"PropertyFileName": "metrics", "OutputName": "report", "FilePath": "metrics.json"}}})
	give(test, "ProcessingInputs", []any{object{"InputName": "data", "S3Input": object{
		"S3Uri": "s3://data/input", "LocalPath": "/opt/ml/processing/input", "S3DataType": "S3Prefix", "S3InputMode": "File",
	}}})
	a.write(t, "input/data.csv", "a,b")
	condition := object{"Name": "check", "Type": "Condition", "DependsOn": []any{"test"}, "Arguments": object{
		"Conditions": []any{object{
			"Type":       "GreaterThanOrEqualTo",
			"LeftValue":  object{"Std:JsonGet": object{"PropertyFile": object{"Get": "Steps.test.PropertyFiles.metrics"}, "Path": "binary.auc.value"}},
			"RightValue": 0.9,
		}},
		"IfSteps":   []any{step(a, "good", "model", nil)},
		"ElseSteps": []any{object{"Name": "bad", "Type": "Fail", "Arguments": object{"ErrorMessage": "not good enough"}}},
	}}
	raw := definition(t, test, condition)
	a.write(t, "definitions/train.json", *raw)
	must[*sagemaker.CreatePipelineOutput](t)(a.CreatePipeline(t.Context(), &sagemaker.CreatePipelineInput{
		PipelineName: sdk.String("dev--train"), RoleArn: a.role, ClientRequestToken: sdk.String(token),
		PipelineDefinitionS3Location: &types.PipelineDefinitionS3Location{Bucket: sdk.String("data"), ObjectKey: sdk.String("definitions/train.json")},
	}))
	arn, err := start(t, a, "1")
	if err != nil {
		t.Fatal(err)
	}
	if got := finish(t, a, arn); got.PipelineExecutionStatus != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("got %s: %v", got.PipelineExecutionStatus, steps(t, a, arn))
	}
	if !slices.Contains(read, "data.csv") {
		t.Errorf("the step read %v", read)
	}
	if got := a.read(t, "report/metrics.json"); !strings.Contains(got, "0.91") {
		t.Errorf("got the report %s", got)
	}
	if got := a.read(t, "model/model.json"); got == "" {
		t.Error("an output that nothing made has no file")
	}
}

func TestStepWithoutInput(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	hungry := step(a, "train", "model", nil)
	give(hungry, "ProcessingInputs", []any{object{"InputName": "data", "S3Input": object{
		"S3Uri": "s3://data/never", "LocalPath": "/opt/ml/processing/input", "S3DataType": "S3Prefix", "S3InputMode": "File",
	}}})
	if err := createPipeline(t, a, definition(t, hungry)); err != nil {
		t.Fatal(err)
	}
	arn, err := start(t, a, "1")
	if err != nil {
		t.Fatal(err)
	}
	finish(t, a, arn)
	if got := steps(t, a, arn)["train"]; got.FailureReason == nil || !strings.Contains(*got.FailureReason, "No S3 objects found") {
		t.Errorf("got %s: %v", got.StepStatus, got.FailureReason)
	}
}
