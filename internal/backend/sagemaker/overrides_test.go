package sagemaker

import (
	"reflect"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestOverridesAreTyped proves that the requests that overrides add to have nothing
// that the check does not know: everything is an object, a list, a text, a number or
// a boolean, and what is owned is there.
func TestOverridesAreTyped(t *testing.T) {
	t.Parallel()
	for _, requests := range []map[string]nativeRequest{endpointRequests(), versionRequests(), monitorRequests()} {
		for name, r := range requests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				places := map[string]bool{}
				walkRequest(t, r, name, "", r.input, places)
				for place := range r.owned {
					if !places[place] {
						t.Errorf("%s has no %s, which is said to be owned", name, place)
					}
				}
			})
		}
	}
}

func walkRequest(t *testing.T, r nativeRequest, at, place string, of reflect.Type, places map[string]bool) {
	t.Helper()
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	switch of.Kind() {
	case reflect.Struct:
		for name, field := range membersOf(of) {
			below := strings.TrimPrefix(place+"."+name, ".")
			places[below] = true
			for _, named := range r.named {
				if below == named {
					below += ".*"
				}
			}
			walkRequest(t, r, at+"."+name, below, field, places)
		}
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
	default:
		t.Errorf("%s is a %s, which overrides cannot give", at, of.Kind())
	}
}

// asyncOverrides make an endpoint asynchronous.
const asyncOverrides = `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/churn"}, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4}}}}`

func TestCheckEndpointOverrides(t *testing.T) {
	t.Parallel()
	one, three := int64(1), int64(3)
	tests := []struct {
		name, overrides string
		change          func(*mlops.ModelEndpointSpec)
		field, want     string // "" is accepted
	}{
		{"asynchronous", asyncOverrides, nil, "", ""},
		{"of a variant", `{"CreateEndpointConfig": {"ProductionVariants": {"main": {"RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}, "EnableSSMAccess": true}}}}`, nil, "", ""},
		{"of every model", `{"CreateModel": {"PrimaryContainer": {"ImageConfig": {"RepositoryAccessMode": "Vpc"}}}}`, nil, "", ""},
		{"a removed member", `{"CreateEndpointConfig": {"AsyncInferenceConfig": null}}`, nil, "", ""},
		{"an empty request", `{"CreateModel": {}}`, nil, "", ""},
		{"an unknown request", `{"CreateEndpointConfg": {}}`, nil, "overrides", `CreateEndpointConfg is no request that overrides can add to here; those are CreateEndpointConfig, CreateModel, UpdateEndpoint. Did you mean "CreateEndpointConfig"?`},
		{"an unknown member", `{"CreateEndpointConfig": {"AsyncInferenceConfg": {}}}`, nil, "overrides", `CreateEndpointConfig has no member "AsyncInferenceConfg". Did you mean "AsyncInferenceConfig"?`},
		{"an unknown member below", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPaht": "s3://b/p"}}}}`, nil, "overrides", `CreateEndpointConfig.AsyncInferenceConfig.OutputConfig has no member "S3OutputPaht". Did you mean "S3OutputPath"?`},
		{"another case", `{"CreateEndpointConfig": {"asyncInferenceConfig": {}}}`, nil, "overrides", `Did you mean "AsyncInferenceConfig"?`},
		{"a member that is lacking", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"ClientConfig": {}}}}`, nil, "overrides", "CreateEndpointConfig.AsyncInferenceConfig.OutputConfig is required by SageMaker"},
		{"the request is no object", `{"CreateEndpointConfig": [1]}`, nil, "overrides", "CreateEndpointConfig is an object; this is a list."},
		{"text for a number", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {}, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": "4"}}}}`, nil, "overrides", `MaxConcurrentInvocationsPerInstance is a whole number; this is the text "4".`},
		{"half a number", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {}, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1.5}}}}`, nil, "overrides", `is a whole number; this is 1.5.`},
		{"a number for a text", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": 1}}}}`, nil, "overrides", `S3OutputPath is text; this is 1.`},
		{"text for a boolean", `{"CreateEndpointConfig": {"ProductionVariants": {"main": {"EnableSSMAccess": "yes"}}}}`, nil, "overrides", `EnableSSMAccess is true or false; this is the text "yes".`},
		{"an unknown value", `{"CreateEndpointConfig": {"ProductionVariants": {"main": {"RoutingConfig": {"RoutingStrategy": "RANDOMLY"}}}}}`, nil, "overrides", `RoutingStrategy cannot be "RANDOMLY". Did you mean "RANDOM"?`},
		{"an unknown value in a list", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"NotificationConfig": {"IncludeInferenceResponseIn": ["SUCCESS"]}}}}}`, nil, "overrides", `IncludeInferenceResponseIn[0] cannot be "SUCCESS". Did you mean "SUCCESS_NOTIFICATION_TOPIC"?`},
		{"a list for an object", `{"CreateEndpointConfig": {"AsyncInferenceConfig": []}}`, nil, "overrides", `AsyncInferenceConfig is an object; this is a list.`},
		{"a text for a list", `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"NotificationConfig": {"IncludeInferenceResponseIn": "x"}}}}}`, nil, "overrides", `IncludeInferenceResponseIn is a list; this is the text "x".`},
		{"variants as a list", `{"CreateEndpointConfig": {"ProductionVariants": [{"VariantName": "main"}]}}`, nil, "overrides", `ProductionVariants is given here by name, as in { main = { … } }`},
		{"another variant", `{"CreateEndpointConfig": {"ProductionVariants": {"mian": {}}}}`, nil, "overrides", `has none that is named "mian"; they are main. Did you mean "main"?`},
		{"a name", `{"CreateModel": {"ModelName": "mine"}}`, nil, "overrides", `CreateModel.ModelName is not for overrides: the provider names it.`},
		{"even none of ours", `{"CreateEndpointConfig": {"Tags": null}}`, nil, "overrides", `CreateEndpointConfig.Tags is not for overrides: use labels.`},
		{"the machines", `{"CreateEndpointConfig": {"ProductionVariants": {"main": {"InstanceType": "ml.m5.xlarge"}}}}`, nil, "overrides", `ProductionVariants.main.InstanceType is not for overrides: use compute of the variant.`},
		{"the variables", `{"CreateModel": {"PrimaryContainer": {"Environment": {"A": "b"}}}}`, nil, "overrides", `use env of the variant`},
		{"settings of a capture", `{"CreateEndpointConfig": {"DataCaptureConfig": {"CaptureContentTypeHeader": {"CsvContentTypes": ["text/plain"]}}}}`, func(s *mlops.ModelEndpointSpec) {
			s.Capture = &mlops.Capture{SamplePercent: 100}
		}, "", ""},
		{"settings of no capture", `{"CreateEndpointConfig": {"DataCaptureConfig": {"CaptureContentTypeHeader": {"CsvContentTypes": ["text/plain"]}}}}`, nil, "overrides", "there is no capture"},
		{"rolling", `{"UpdateEndpoint": {"DeploymentConfig": {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}}}}`, nil, "", ""},
		{"rolling, incomplete", `{"UpdateEndpoint": {"DeploymentConfig": {"RollingUpdatePolicy": {"WaitIntervalInSeconds": 60}}}}`, nil, "overrides", "UpdateEndpoint.DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize is required"},
		{"rolling and a canary", `{"UpdateEndpoint": {"DeploymentConfig": {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}}}}`, func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary}
		}, "overrides", "SageMaker takes one"},
		{"asynchronous with a smoke test", asyncOverrides, func(s *mlops.ModelEndpointSpec) {
			s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
		}, "smoke_test", "InvokeEndpointAsync"},
		{"asynchronous with gates", asyncOverrides, func(s *mlops.ModelEndpointSpec) {
			percent := 1.0
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutBlueGreen, Gates: &mlops.Gates{MaxErrorPercent: &percent}}
		}, "rollout.gates", "leave gates out"},
		{"asynchronous with a shadow", asyncOverrides, func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutShadow}
		}, "rollout.strategy", "take another strategy"},
		{"asynchronous and scaled", asyncOverrides, func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Scaling = &mlops.Scaling{Min: &one, Max: &three}
			s.Variants["main"] = v
		}, `variants["main"].scaling`, "ApproximateBacklogSizePerInstance"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := mlops.ModelEndpointSpec{
				Environment: "sagemaker/us-east-1/dev", Name: "churn", Overrides: tt.overrides,
				Variants: map[string]mlops.Variant{"main": {Version: "sagemaker/us-east-1/dev/models/churn/versions/1", Traffic: 100}},
			}
			if tt.change != nil {
				tt.change(&spec)
			}
			c := mlops.NewChecker()
			checkEndpointOverrides(c, spec)
			checkCompleteEndpoint(t.Context(), c, spec)
			wantProblem(t, c, tt.field, tt.want)
		})
	}
}

// wantProblem expects one problem, at a field and with some words, or none.
func wantProblem(t *testing.T, c *mlops.Checker, field, words string) {
	t.Helper()
	problems := c.Problems()
	switch {
	case field == "" && len(problems) > 0:
		t.Errorf("refused: %v", problems)
	case field == "":
	case len(problems) != 1:
		t.Errorf("%d problems: %v", len(problems), problems)
	case problems[0].Path.String() != field || !strings.Contains(problems[0].Detail, words):
		t.Errorf("at %s: %s\nwant at %s: %s", problems[0].Path, problems[0].Detail, field, words)
	}
}

func TestCheckVersionOverrides(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, overrides, field, want string }{
		{"domain and task", `{"CreateModelPackage": {"Domain": "MACHINE_LEARNING", "Task": "CLASSIFICATION"}}`, "", ""},
		{"where it may serve", `{"CreateModelPackage": {"InferenceSpecification": {"SupportedRealtimeInferenceInstanceTypes": ["ml.m5.xlarge"]}}}`, "", ""},
		{"its containers", `{"CreateModelPackage": {"InferenceSpecification": {"Containers": []}}}`, "overrides", "use image and artifact_uri"},
		{"its approval", `{"CreateModelPackage": {"ModelApprovalStatus": "Approved"}}`, "overrides", "use approval"},
		{"an unknown member", `{"CreateModelPackage": {"Domian": "X"}}`, "overrides", `Did you mean "Domain"?`},
		{"a request of endpoints", `{"CreateModel": {}}`, "overrides", "those are CreateModelPackage"},
		{"a member that is lacking", `{"CreateModelPackage": {"DriftCheckBaselines": {"ModelQuality": {"Statistics": {"ContentType": "application/json"}}}}}`, "overrides", "DriftCheckBaselines.ModelQuality.Statistics.S3Uri is required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			spec := mlops.ModelVersionSpec{Overrides: tt.overrides}
			checkVersionOverrides(c, spec)
			checkCompleteVersion(t.Context(), c, spec)
			wantProblem(t, c, tt.field, tt.want)
		})
	}
}

// TestUnknownOverridesWait proves that nothing is said of what is not known yet.
func TestUnknownOverridesWait(t *testing.T) {
	t.Parallel()
	c := mlops.NewChecker(mlops.At("variants"))
	checkEndpointOverrides(c, mlops.ModelEndpointSpec{Overrides: `{"CreateEndpointConfig": {"ProductionVariants": {"main": {"EnableSSMAccess": true}}}}`})
	wantProblem(t, c, "", "")
}

func TestOverrideConfig(t *testing.T) {
	t.Parallel()
	base := func() *sagemaker.CreateEndpointConfigInput {
		return &sagemaker.CreateEndpointConfigInput{
			ProductionVariants: []types.ProductionVariant{
				{VariantName: sdk.String("a"), ModelName: sdk.String("model-a"), InitialVariantWeight: sdk.Float32(0.1)},
				{VariantName: sdk.String("b"), ModelName: sdk.String("model-b"), InitialInstanceCount: sdk.Int32(3)},
			},
			DataCaptureConfig: &types.DataCaptureConfig{
				EnableCapture: sdk.Bool(true), CaptureOptions: []types.CaptureOption{{CaptureMode: types.CaptureModeInput}, {CaptureMode: types.CaptureModeOutput}},
			},
		}
	}
	tests := []struct {
		name, overrides string
		change          func(*sagemaker.CreateEndpointConfigInput)
	}{
		{"none", ``, func(*sagemaker.CreateEndpointConfigInput) {}},
		{"of another request", `{"CreateModel": {"PrimaryContainer": {"Mode": "MultiModel"}}}`, func(*sagemaker.CreateEndpointConfigInput) {}},
		{"one more", asyncOverrides, func(in *sagemaker.CreateEndpointConfigInput) {
			in.AsyncInferenceConfig = &types.AsyncInferenceConfig{
				OutputConfig: &types.AsyncInferenceOutputConfig{S3OutputPath: sdk.String("s3://answers/churn")},
				ClientConfig: &types.AsyncInferenceClientConfig{MaxConcurrentInvocationsPerInstance: sdk.Int32(4)},
			}
		}},
		{"of one variant", `{"CreateEndpointConfig": {"ProductionVariants": {"b": {"EnableSSMAccess": true}}}}`, func(in *sagemaker.CreateEndpointConfigInput) {
			in.ProductionVariants[1].EnableSSMAccess = sdk.Bool(true)
		}},
		{"a list in place of ours", `{"CreateEndpointConfig": {"DataCaptureConfig": {"CaptureOptions": [{"CaptureMode": "Input"}]}}}`, func(in *sagemaker.CreateEndpointConfigInput) {
			in.DataCaptureConfig.CaptureOptions = []types.CaptureOption{{CaptureMode: types.CaptureModeInput}}
		}},
		{"without", `{"CreateEndpointConfig": {"DataCaptureConfig": {"CaptureOptions": null}}}`, func(in *sagemaker.CreateEndpointConfigInput) {
			in.DataCaptureConfig.CaptureOptions = nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, want := base(), base()
			tt.change(want)
			if err := overrideConfig(got, mlops.ModelEndpointSpec{Overrides: tt.overrides}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(
				sagemaker.CreateEndpointConfigInput{}, types.ProductionVariant{}, types.DataCaptureConfig{}, types.CaptureOption{},
				types.AsyncInferenceConfig{}, types.AsyncInferenceOutputConfig{}, types.AsyncInferenceClientConfig{},
			)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
