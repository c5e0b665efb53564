package aws_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func createModel(t *testing.T, a account, name string) {
	t.Helper()
	must[*sagemaker.CreateModelOutput](t)(a.CreateModel(t.Context(), &sagemaker.CreateModelInput{
		ModelName: &name, ExecutionRoleArn: a.role,
		PrimaryContainer: &types.ContainerDefinition{Image: sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")},
	}))
}

// variant is a variant on instances.
func variant(name, model string, count int32) types.ProductionVariant {
	return types.ProductionVariant{
		VariantName: &name, ModelName: &model, InitialInstanceCount: &count, InstanceType: types.ProductionVariantInstanceTypeMlM5Large,
	}
}

func createConfig(t *testing.T, a account, name string, variants ...types.ProductionVariant) {
	t.Helper()
	must[*sagemaker.CreateEndpointConfigOutput](t)(a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: &name, ProductionVariants: variants,
		DataCaptureConfig: &types.DataCaptureConfig{
			EnableCapture: sdk.Bool(true), InitialSamplingPercentage: sdk.Int32(50), DestinationS3Uri: sdk.String("s3://bucket/capture"),
			CaptureOptions: []types.CaptureOption{{CaptureMode: types.CaptureModeInput}},
		},
	}))
}

// statuses looks at an endpoint until it is settled, and returns what it saw.
func statuses(t *testing.T, a account) []string {
	t.Helper()
	var seen []string
	for {
		out := must[*sagemaker.DescribeEndpointOutput](t)(a.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("churn")}))
		seen = append(seen, string(out.EndpointStatus))
		if out.EndpointStatus == types.EndpointStatusInService || out.EndpointStatus == types.EndpointStatusFailed {
			return seen
		}
	}
}

// serveChurn makes an endpoint "churn" with the configurations one (in force) and
// two, of models of the same names.
func serveChurn(t *testing.T, a account) {
	t.Helper()
	for _, name := range []string{"one", "two"} {
		createModel(t, a, name)
		createConfig(t, a, name, variant("champion", name, 4))
	}
	must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("one")}))
	statuses(t, a)
}

func describeChurn(t *testing.T, a account) *sagemaker.DescribeEndpointOutput {
	t.Helper()
	return must[*sagemaker.DescribeEndpointOutput](t)(a.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("churn")}))
}

func TestEndpointLife(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	createModel(t, a, "one")
	createConfig(t, a, "one", variant("champion", "one", 2))
	create := &sagemaker.CreateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("one")}
	must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), create))
	_, err := a.CreateEndpoint(t.Context(), create)
	wantFault(t, err, "ValidationException", "Cannot create already existing endpoint")
	_, err = a.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: sdk.String("churn")})
	wantFault(t, err, "ValidationException", "Cannot update in-progress endpoint")

	creating := describeChurn(t, a)
	if creating.PendingDeploymentSummary == nil || len(creating.ProductionVariants) != 0 {
		t.Errorf("while it is created: pending %v, variants %v", creating.PendingDeploymentSummary, creating.ProductionVariants)
	}
	got := describeChurn(t, a)
	if got.EndpointStatus != types.EndpointStatusInService || *got.EndpointConfigName != "one" || got.PendingDeploymentSummary != nil {
		t.Errorf("got %s of %s", got.EndpointStatus, *got.EndpointConfigName)
	}
	v := got.ProductionVariants[0]
	if *v.CurrentInstanceCount != 2 || *v.CurrentWeight != 1 || len(v.DeployedImages) != 1 || *got.DataCaptureConfig.CurrentSamplingPercentage != 50 {
		t.Errorf("got variant %+v, capture %+v", v, got.DataCaptureConfig)
	}

	must[*sagemaker.DeleteEndpointOutput](t)(a.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: sdk.String("churn")}))
	if got := describeChurn(t, a).EndpointStatus; got != types.EndpointStatusDeleting {
		t.Errorf("got %s, want Deleting", got)
	}
	_, err = a.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("churn")})
	wantFault(t, err, "ValidationException", "Could not find endpoint")
}

func TestEndpointUpdates(t *testing.T) {
	t.Parallel()
	bad := func(model string) string {
		if model == "two" {
			return "The primary container for production variant champion did not pass the ping health check."
		}
		return ""
	}
	linear := &types.DeploymentConfig{BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{TrafficRoutingConfiguration: &types.TrafficRoutingConfig{
		Type: types.TrafficRoutingConfigTypeLinear, WaitIntervalInSeconds: sdk.Int32(60),
		LinearStepSize: &types.CapacitySize{Type: types.CapacitySizeTypeCapacityPercent, Value: sdk.Int32(50)},
	}}}
	tests := []struct {
		name       string
		hooks      aws.Hooks
		deployment *types.DeploymentConfig
		want       []string
		config     string
		reason     bool
	}{
		{name: "at once", want: []string{"Updating", "InService"}, config: "two"},
		{name: "in steps", deployment: linear, want: []string{"Updating", "Updating", "InService"}, config: "two"},
		{name: "unhealthy", hooks: aws.Hooks{FailModel: bad}, want: []string{"Updating", "RollingBack", "InService"}, config: "one", reason: true},
		{name: "silently back", hooks: aws.Hooks{FailModel: bad, SilentRollback: true}, want: []string{"Updating", "RollingBack", "InService"}, config: "one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{Looks: 1})
			serveChurn(t, a)
			a.server.World.SetHooks(tt.hooks)
			update := &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("two"), DeploymentConfig: tt.deployment}
			must[*sagemaker.UpdateEndpointOutput](t)(a.UpdateEndpoint(t.Context(), update))
			_, err := a.UpdateEndpoint(t.Context(), update)
			wantFault(t, err, "ValidationException", "Cannot update in-progress endpoint")
			got := statuses(t, a)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			after := describeChurn(t, a)
			if *after.EndpointConfigName != tt.config || (after.FailureReason != nil) != tt.reason {
				t.Errorf("got configuration %s, reason %v", *after.EndpointConfigName, after.FailureReason)
			}
		})
	}
}

func TestEndpointFails(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	a.server.World.SetHooks(aws.Hooks{FailModel: func(string) string { return "no health" }})
	serveChurn(t, a)
	if got := describeChurn(t, a); got.EndpointStatus != types.EndpointStatusFailed || *got.FailureReason != "no health" {
		t.Errorf("got %s", got.EndpointStatus)
	}
	_, err := a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("two")})
	wantFault(t, err, "ValidationException", "Failed")
	must[*sagemaker.DeleteEndpointOutput](t)(a.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: sdk.String("churn")}))
}

func TestRetainVariantProperties(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		retain bool
		want   int32
	}{{"retained", true, 7}, {"not retained", false, 4}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			serveChurn(t, a)
			if !a.server.World.ScaleVariant("churn", "champion", 7) {
				t.Fatal("the variant is not in service")
			}
			must[*sagemaker.UpdateEndpointOutput](t)(a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{
				EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("two"), RetainAllVariantProperties: &tt.retain,
			}))
			if got := *describeChurn(t, a).ProductionVariants[0].CurrentInstanceCount; got != tt.want {
				t.Errorf("got %d instances, want %d", got, tt.want)
			}
		})
	}
}

func TestUpdateWeights(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	serveChurn(t, a)
	change := func(name string, weight float32, count *int32) error {
		_, err := a.UpdateEndpointWeightsAndCapacities(t.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
			EndpointName:                sdk.String("churn"),
			DesiredWeightsAndCapacities: []types.DesiredWeightAndCapacity{{VariantName: &name, DesiredWeight: &weight, DesiredInstanceCount: count}},
		})
		return err
	}
	wantFault(t, change("other", 1, nil), "ValidationException", "other")
	if err := change("champion", 0.25, sdk.Int32(3)); err != nil {
		t.Fatal(err)
	}
	during := describeChurn(t, a)
	v := during.ProductionVariants[0]
	if during.EndpointStatus != types.EndpointStatusUpdating || *v.CurrentWeight != 1 || *v.DesiredWeight != 0.25 {
		t.Errorf("during: %s, weight %v, to be %v", during.EndpointStatus, *v.CurrentWeight, *v.DesiredWeight)
	}
	v = describeChurn(t, a).ProductionVariants[0]
	if *v.CurrentWeight != 0.25 || *v.CurrentInstanceCount != 3 {
		t.Errorf("after: weight %v of %d", *v.CurrentWeight, *v.CurrentInstanceCount)
	}
}

func TestEndpointRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	createConfig(t, a, "small", variant("champion", "one", 1))
	serverless := types.ProductionVariant{VariantName: sdk.String("v"), ModelName: sdk.String("one"), ServerlessConfig: &types.ProductionVariantServerlessConfig{MemorySizeInMB: sdk.Int32(2048), MaxConcurrency: sdk.Int32(5)}}
	odd := serverless
	odd.ServerlessConfig = &types.ProductionVariantServerlessConfig{MemorySizeInMB: sdk.Int32(1500), MaxConcurrency: sdk.Int32(5)}
	both := serverless
	both.InstanceType = types.ProductionVariantInstanceTypeMlM5Large
	config := func(in sagemaker.CreateEndpointConfigInput) func() error {
		in.EndpointConfigName = sdk.String("refused")
		return func() error {
			_, err := a.CreateEndpointConfig(t.Context(), &in)
			return err
		}
	}
	update := func(config string, deployment *types.DeploymentConfig) func() error {
		return func() error {
			_, err := a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: &config, DeploymentConfig: deployment})
			return err
		}
	}
	blueGreen := func(routing types.TrafficRoutingConfig, timeout *int32) *types.DeploymentConfig {
		routing.WaitIntervalInSeconds = sdk.Int32(600)
		return &types.DeploymentConfig{BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{TrafficRoutingConfiguration: &routing, MaximumExecutionTimeoutInSeconds: timeout}}
	}
	size := func(kind types.CapacitySizeType, value int32) *types.CapacitySize {
		return &types.CapacitySize{Type: kind, Value: &value}
	}
	tests := []struct {
		name, words string
		do          func() error
	}{
		{"configuration twice", "Cannot create already existing endpoint configuration", func() error {
			_, err := a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{EndpointConfigName: sdk.String("one"), ProductionVariants: []types.ProductionVariant{variant("v", "one", 1)}})
			return err
		}},
		{"unknown model", "Could not find model", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{variant("v", "never", 1)}})},
		{"variants of one name", "unique", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{variant("v", "one", 1), variant("v", "two", 1)}})},
		{"two shadows", "shadow", config(sagemaker.CreateEndpointConfigInput{
			ProductionVariants:       []types.ProductionVariant{variant("v", "one", 1)},
			ShadowProductionVariants: []types.ProductionVariant{variant("s", "one", 1), variant("t", "two", 1)},
		})},
		{"memory", "1024", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{odd}})},
		{"instances and serverless", "together", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{both}})},
		{"no capacity", "must be specified", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{{VariantName: sdk.String("v"), ModelName: sdk.String("one")}}})},
		{"two serverless", "one production variant", config(sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{serverless, variant("w", "one", 1)}})},
		{"unknown configuration", "Could not find endpoint configuration", update("never", nil)},
		{"canary too large", "50%", update("two", blueGreen(types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeCanary, CanarySize: size(types.CapacitySizeTypeCapacityPercent, 51)}, nil))},
		{"canary of one instance", "50%", update("small", blueGreen(types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeCanary, CanarySize: size(types.CapacitySizeTypeInstanceCount, 1)}, nil))},
		{"no canary", "CanarySize", update("two", blueGreen(types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeCanary}, nil))},
		{"step too small", "10%", update("two", blueGreen(types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeLinear, LinearStepSize: size(types.CapacitySizeTypeCapacityPercent, 5)}, nil))},
		{"timeout shorter than the waits", "MaximumExecutionTimeout", update("two", blueGreen(types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeLinear, LinearStepSize: size(types.CapacitySizeTypeCapacityPercent, 10)}, sdk.Int32(900)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, tt.do(), "ValidationException", tt.words)
		})
	}
}

// TestConfigInUse proves that a configuration in use can be deleted, and that the
// endpoint then cannot be updated.
func TestConfigInUse(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	must[*sagemaker.DeleteEndpointConfigOutput](t)(a.DeleteEndpointConfig(t.Context(), &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: sdk.String("one")}))
	if got := describeChurn(t, a); *got.EndpointConfigName != "one" || got.EndpointStatus != types.EndpointStatusInService {
		t.Errorf("got %s of %s", got.EndpointStatus, *got.EndpointConfigName)
	}
	_, err := a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("two")})
	wantFault(t, err, "ValidationException", "endpoint-config/one")
}

func TestModelRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	pending := createVersion(t, a, "churn")
	container := func(c types.ContainerDefinition) *types.ContainerDefinition { return &c }
	image := sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")
	tests := []struct {
		name, words string
		in          sagemaker.CreateModelInput
	}{
		{"no container", "must be specified", sagemaker.CreateModelInput{}},
		{"no image", "Either Image or ModelPackageName", sagemaker.CreateModelInput{PrimaryContainer: container(types.ContainerDefinition{})}},
		{"unknown role", "Could not assume role", sagemaker.CreateModelInput{
			PrimaryContainer: container(types.ContainerDefinition{Image: image}), ExecutionRoleArn: sdk.String("arn:aws:iam::123456789012:role/never"),
		}},
		{"not approved", "PendingManualApproval", sagemaker.CreateModelInput{PrimaryContainer: container(types.ContainerDefinition{ModelPackageName: &pending})}},
		{"no data", "Could not find model data at s3://data/never.tar.gz", sagemaker.CreateModelInput{
			ExecutionRoleArn: a.role, PrimaryContainer: container(types.ContainerDefinition{Image: image, ModelDataUrl: sdk.String("s3://data/never.tar.gz")}),
		}},
		{"data out of reach", "Could not access model data at s3://data/model.tar.gz", sagemaker.CreateModelInput{
			ExecutionRoleArn: sdk.String("arn:aws:iam::123456789012:role/never"),
			PrimaryContainer: container(types.ContainerDefinition{Image: image, ModelDataUrl: sdk.String("s3://data/model.tar.gz")}),
		}},
		{"unknown package", "does not exist", sagemaker.CreateModelInput{PrimaryContainer: container(types.ContainerDefinition{ModelPackageName: sdk.String(pending + "9")})}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.in.ModelName = sdk.String(fmt.Sprint("m-", i))
			_, err := a.CreateModel(t.Context(), &tt.in)
			wantFault(t, err, "ValidationException", tt.words)
		})
	}
}

// TestAlarmsRollBack proves that an alarm turns an update back at any of its stages,
// and that one that rings when the update is over does not.
func TestAlarmsRollBack(t *testing.T) {
	t.Parallel()
	canary := &types.DeploymentConfig{
		BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{TrafficRoutingConfiguration: &types.TrafficRoutingConfig{
			Type: types.TrafficRoutingConfigTypeCanary, WaitIntervalInSeconds: sdk.Int32(60),
			CanarySize: &types.CapacitySize{Type: types.CapacitySizeTypeCapacityPercent, Value: sdk.Int32(25)},
		}},
		AutoRollbackConfiguration: &types.AutoRollbackConfig{Alarms: []types.Alarm{{AlarmName: sdk.String("errors")}}},
	}
	for _, tt := range []struct {
		name   string
		rings  int // after so many looks
		want   []string
		config string
	}{
		{"at the canary", 1, []string{"Updating", "RollingBack", "InService"}, "one"},
		{"at the rest", 2, []string{"Updating", "Updating", "RollingBack", "InService"}, "one"},
		{"afterwards", 99, []string{"Updating", "Updating", "InService"}, "two"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{Looks: 1})
			serveChurn(t, a)
			alarms := cloudwatch.NewFromConfig(a.config)
			must[*cloudwatch.PutMetricAlarmOutput](t)(alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
				AlarmName: sdk.String("errors"), Namespace: sdk.String("AWS/SageMaker"), MetricName: sdk.String("Invocation5XXErrors"),
				Statistic: cwtypes.StatisticSum, Period: sdk.Int32(60), EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(0),
				ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, TreatMissingData: sdk.String("notBreaching"),
				Dimensions: []cwtypes.Dimension{{Name: sdk.String("EndpointName"), Value: sdk.String("churn")}, {Name: sdk.String("VariantName"), Value: sdk.String("champion")}},
			}))
			must[*sagemaker.UpdateEndpointOutput](t)(a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{
				EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("two"), DeploymentConfig: canary,
			}))
			var got []string
			for look := 1; len(got) == 0 || got[len(got)-1] != "InService"; look++ {
				got = append(got, string(describeChurn(t, a).EndpointStatus))
				if look == tt.rings {
					a.server.World.PutSamples("us-east-1", aws.Sample{
						Namespace: "AWS/SageMaker", Metric: "Invocation5XXErrors", At: time.Now(), Value: 5,
						Dimensions: map[string]string{"EndpointName": "churn", "VariantName": "champion"},
					})
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			after := describeChurn(t, a)
			rolledBack := tt.config == "one"
			if *after.EndpointConfigName != tt.config || (after.FailureReason != nil) != rolledBack {
				t.Errorf("got configuration %s, reason %v", *after.EndpointConfigName, after.FailureReason)
			}
		})
	}
}
