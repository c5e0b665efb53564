package aws_test

import (
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestInvokeAsync(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	client := sagemakerruntime.NewFromConfig(a.config, func(o *sagemakerruntime.Options) { o.RetryMaxAttempts = 1 })
	invoke := func(endpoint, key string) (*sagemakerruntime.InvokeEndpointAsyncOutput, error) {
		return client.InvokeEndpointAsync(t.Context(), &sagemakerruntime.InvokeEndpointAsyncInput{
			EndpointName: &endpoint, InputLocation: sdk.String("s3://data/" + key), ContentType: sdk.String("application/json"),
		})
	}
	createModel(t, a, "one")
	createConfig(t, a, "direct", variant("main", "one", 1))
	must[*sagemaker.CreateEndpointConfigOutput](t)(a.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: sdk.String("queued"), ProductionVariants: []types.ProductionVariant{variant("main", "one", 1)},
		AsyncInferenceConfig: &types.AsyncInferenceConfig{OutputConfig: &types.AsyncInferenceOutputConfig{
			S3OutputPath: sdk.String("s3://data/answers"), S3FailurePath: sdk.String("s3://data/failures/"),
		}},
	}))
	for _, name := range []string{"direct", "queued"} {
		must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name}))
	}
	_, err := invoke("queued", "in/good")
	wantFault(t, err, "ValidationError", "not found") // it is still created
	for _, name := range []string{"direct", "queued"} {
		for range 3 {
			must[*sagemaker.DescribeEndpointOutput](t)(a.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: &name}))
		}
	}
	a.server.World.SetHooks(aws.Hooks{Invoke: func(i aws.Invocation) (int, []byte) {
		if string(i.Body) == "bad" {
			return http.StatusInternalServerError, []byte("it broke")
		}
		return http.StatusOK, []byte(i.Model + ":" + string(i.Body))
	}})
	for _, body := range []string{"good", "bad"} {
		must[*s3.PutObjectOutput](t)(a.storage().PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("data"), Key: sdk.String("in/" + body), Body: strings.NewReader(body)}))
	}
	at := func(uri *string) string { return a.read(t, strings.TrimPrefix(*uri, "s3://data/")) }
	if out := must[*sagemakerruntime.InvokeEndpointAsyncOutput](t)(invoke("queued", "in/good")); at(out.OutputLocation) != "one:good" {
		t.Errorf("answered %q", at(out.OutputLocation))
	}
	for key, want := range map[string]string{"in/bad": "it broke", "in/none": "the input is not there"} {
		if out := must[*sagemakerruntime.InvokeEndpointAsyncOutput](t)(invoke("queued", key)); at(out.FailureLocation) != want {
			t.Errorf("%s failed by %q, want %q", key, at(out.FailureLocation), want)
		}
	}
	_, err = invoke("direct", "in/good")
	wantFault(t, err, "ValidationError", "REALTIME")
	_, err = client.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: sdk.String("queued"), Body: []byte("{}")})
	wantFault(t, err, "ValidationError", "ASYNC")
}
