package aws_test

import (
	"net/http"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// serverlessVariant is a variant "champion" without instances.
func serverlessVariant(model string) types.ProductionVariant {
	return types.ProductionVariant{
		VariantName: sdk.String("champion"), ModelName: &model,
		ServerlessConfig: &types.ProductionVariantServerlessConfig{MemorySizeInMB: sdk.Int32(2048), MaxConcurrency: sdk.Int32(5)},
	}
}

// configOf makes a configuration of one variant.
func configOf(t *testing.T, a account, name string, v types.ProductionVariant) error {
	t.Helper()
	_, err := a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{v}})
	return err
}

// TestServerlessRefusals proves what serverless variants are refused of.
func TestServerlessRefusals(t *testing.T) {
	t.Parallel()
	image := sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")
	for _, tt := range []struct {
		name, words string
		model       sagemaker.CreateModelInput
		change      func(*types.ProductionVariant)
	}{
		{
			"disk", "together with ServerlessConfig",
			sagemaker.CreateModelInput{PrimaryContainer: &types.ContainerDefinition{Image: image}},
			func(v *types.ProductionVariant) { v.VolumeSizeInGB = sdk.Int32(10) },
		},
		{
			"start", "together with ServerlessConfig",
			sagemaker.CreateModelInput{PrimaryContainer: &types.ContainerDefinition{Image: image}},
			func(v *types.ProductionVariant) { v.ContainerStartupHealthCheckTimeoutInSeconds = sdk.Int32(60) },
		},
		{
			"network", "VPC", sagemaker.CreateModelInput{
				PrimaryContainer: &types.ContainerDefinition{Image: image},
				VpcConfig:        &types.VpcConfig{Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
			}, nil,
		},
		{
			"isolation", "isolation", sagemaker.CreateModelInput{
				PrimaryContainer: &types.ContainerDefinition{Image: image}, EnableNetworkIsolation: sdk.Bool(true),
			}, nil,
		},
		{
			"containers", "pipelines", sagemaker.CreateModelInput{Containers: []types.ContainerDefinition{{Image: image}, {Image: image}}}, nil,
		},
		{
			"folder", "ModelDataSource", sagemaker.CreateModelInput{PrimaryContainer: &types.ContainerDefinition{
				Image: image, ModelDataSource: &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
					S3Uri: sdk.String("s3://data/folder/"), S3DataType: types.S3ModelDataTypeS3Prefix, CompressionType: types.ModelCompressionTypeNone,
				}},
			}}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			a.write(t, "folder/model.bin", "bytes")
			tt.model.ModelName, tt.model.ExecutionRoleArn = sdk.String("model"), a.role
			must[*sagemaker.CreateModelOutput](t)(a.CreateModel(t.Context(), &tt.model))
			v := serverlessVariant("model")
			if tt.change != nil {
				tt.change(&v)
			}
			wantFault(t, configOf(t, a, "refused", v), "ValidationException", tt.words)
		})
	}
}

// TestServerlessIsLeftForGood proves that a serverless endpoint can get instances, and
// none can lose them.
func TestServerlessIsLeftForGood(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createModel(t, a, "one")
	createConfig(t, a, "instances", variant("champion", "one", 2))
	if err := configOf(t, a, "serverless", serverlessVariant("one")); err != nil {
		t.Fatal(err)
	}
	must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("serverless")}))
	statuses(t, a)
	if v := describeChurn(t, a).ProductionVariants[0]; v.CurrentServerlessConfig == nil || *v.CurrentServerlessConfig.MaxConcurrency != 5 {
		t.Errorf("it serves %+v", v)
	}
	update := func(config string) error {
		_, err := a.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: &config})
		return err
	}
	if err := update("instances"); err != nil {
		t.Fatal(err)
	}
	statuses(t, a)
	if v := describeChurn(t, a).ProductionVariants[0]; v.CurrentServerlessConfig != nil || *v.CurrentInstanceCount != 2 {
		t.Errorf("it serves %+v", v)
	}
	wantFault(t, update("serverless"), "ValidationException", "instance-based endpoint")
}

// TestShadowRefusals proves which variants have no shadow.
func TestShadowRefusals(t *testing.T) {
	t.Parallel()
	image := sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")
	async := &types.AsyncInferenceConfig{OutputConfig: &types.AsyncInferenceOutputConfig{S3OutputPath: sdk.String("s3://data/answers")}}
	inferentia := variant("shadow", "one", 1)
	inferentia.InstanceType = types.ProductionVariantInstanceTypeMlInf1Xlarge
	asleep := serverlessVariant("one")
	asleep.VariantName = sdk.String("shadow")
	for _, tt := range []struct {
		name, words string
		shadows     []types.ProductionVariant
		async       *types.AsyncInferenceConfig
	}{
		{"two shadows", "one shadow variant", []types.ProductionVariant{variant("shadow", "one", 1), variant("other", "one", 1)}, nil},
		{"same name", "unique", []types.ProductionVariant{variant("champion", "one", 1)}, nil},
		{"serverless", "serverless", []types.ProductionVariant{asleep}, nil},
		{"asynchronous", "asynchronous", []types.ProductionVariant{variant("shadow", "one", 1)}, async},
		{"inferentia", "ml.inf1", []types.ProductionVariant{inferentia}, nil},
		{"several containers", "containers", []types.ProductionVariant{variant("shadow", "several", 1)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{})
			createModel(t, a, "one")
			must[*sagemaker.CreateModelOutput](t)(a.CreateModel(t.Context(), &sagemaker.CreateModelInput{
				ModelName: sdk.String("several"), ExecutionRoleArn: a.role, Containers: []types.ContainerDefinition{{Image: image}, {Image: image}},
			}))
			_, err := a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{
				EndpointConfigName: sdk.String("refused"), ProductionVariants: []types.ProductionVariant{variant("champion", "one", 1)},
				ShadowProductionVariants: tt.shadows, AsyncInferenceConfig: tt.async,
			})
			wantFault(t, err, "ValidationException", tt.words)
		})
	}
}

// TestShadowGetsCopies proves that a shadow gets its share of the requests, that
// nobody sees its answers, and that its figures are its own.
func TestShadowGetsCopies(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	for _, model := range []string{"one", "two"} {
		createModel(t, a, model)
	}
	shadow := variant("shadow", "two", 1)
	shadow.InitialVariantWeight = sdk.Float32(0.25)
	must[*sagemaker.CreateEndpointConfigOutput](t)(a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: sdk.String("both"), ProductionVariants: []types.ProductionVariant{variant("champion", "one", 1)},
		ShadowProductionVariants: []types.ProductionVariant{shadow},
	}))
	must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("both")}))
	statuses(t, a)
	if out := describeChurn(t, a); len(out.ProductionVariants) != 1 || len(out.ShadowProductionVariants) != 1 {
		t.Errorf("%d variants and %d shadows", len(out.ProductionVariants), len(out.ShadowProductionVariants))
	}
	got := map[string]int{}
	a.server.World.SetHooks(aws.Hooks{Invoke: func(i aws.Invocation) (int, []byte) {
		got[i.Variant+" "+i.Model]++
		return map[string]int{"one": http.StatusOK, "two": http.StatusInternalServerError}[i.Model], []byte(i.Model)
	}})
	client := sagemakerruntime.NewFromConfig(a.config)
	invoke := func(target *string) (*sagemakerruntime.InvokeEndpointOutput, error) {
		return client.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{
			EndpointName: sdk.String("churn"), Body: []byte("{}"), ContentType: sdk.String("application/json"), TargetVariant: target,
		})
	}
	for range 20 {
		if out := must[*sagemakerruntime.InvokeEndpointOutput](t)(invoke(nil)); string(out.Body) != "one" {
			t.Fatalf("the answer is %q", out.Body)
		}
	}
	if diff := cmp.Diff(map[string]int{"champion one": 20, "shadow two": 5}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if _, err := invoke(sdk.String("shadow")); err == nil {
		t.Error("a shadow was asked itself")
	}
}
