package sagemaker

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestEndpointAnswersAsynchronously proves an endpoint that only overrides can ask
// for, from its creation to its end: it takes requests from the bucket, and no others.
func TestEndpointAnswersAsynchronously(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	version := b.version("first")
	async := func(concurrent string) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://` + b.bucket() + `/answers"}, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": ` + concurrent + `}}}}`
		}
	}
	first := b.create(b.spec(version, async("4")))
	if diff := cmp.Diff(b.spec(version, async("4")).Overrides, first.Spec.Overrides); diff != "" {
		t.Errorf("overrides (-given +seen):\n%s", diff)
	}
	name := sdk.String("bench--churn")
	_, err := b.c.runtime.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: name, Body: []byte("{}")})
	if err == nil || !strings.Contains(err.Error(), "ASYNC") {
		t.Errorf("a direct request: %v", err)
	}
	if _, err := b.c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String(b.bucket()), Key: sdk.String("asked/1"), Body: strings.NewReader("{}")}); err != nil {
		t.Fatal(err)
	}
	out, err := b.c.runtime.InvokeEndpointAsync(t.Context(), &sagemakerruntime.InvokeEndpointAsyncInput{EndpointName: name, InputLocation: sdk.String("s3://" + b.bucket() + "/asked/1")})
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimPrefix(sdk.ToString(out.OutputLocation), "s3://"+b.bucket()+"/")
	if _, err := b.c.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: sdk.String(b.bucket()), Key: &key}); err != nil {
		t.Errorf("no answer at %s: %v", *out.OutputLocation, err)
	}

	// Other overrides are another configuration.
	before := b.config()
	change, seen := b.update(b.spec(version, async("8")))
	b.wantReady(change, seen)
	after := b.config()
	if *before.EndpointConfigName == *after.EndpointConfigName {
		t.Errorf("the configuration is %s still", *after.EndpointConfigName)
	}
	want := &types.AsyncInferenceClientConfig{MaxConcurrentInvocationsPerInstance: sdk.Int32(8)}
	if diff := cmp.Diff(want, after.AsyncInferenceConfig.ClientConfig, unserialised()); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
	b.wantParts(first.Ref, 1, 1, 0)

	// And none are the configuration that there would have been without.
	change, seen = b.update(b.spec(version))
	b.wantReady(change, seen)
	if c := b.config(); c.AsyncInferenceConfig != nil {
		t.Errorf("still asynchronous: %+v", c.AsyncInferenceConfig)
	}
	b.destroy(first.Ref)
}

// TestEndpointOverridesReachEveryRequest proves what is merged into models, variants
// and updates.
func TestEndpointOverridesReachEveryRequest(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	rolling := func(s *mlops.ModelEndpointSpec) {
		s.Overrides = `{
			"CreateModel": {"PrimaryContainer": {"ImageConfig": {"RepositoryAccessMode": "Platform"}}},
			"CreateEndpointConfig": {"ProductionVariants": {"main": {"RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}}},
			"UpdateEndpoint": {"DeploymentConfig": {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 60}}}
		}`
	}
	first := b.create(b.spec(b.version("first"), rolling))
	change, seen := b.update(b.spec(b.version("second"), rolling))
	b.wantReady(change, seen)
	variant := b.config().ProductionVariants[0]
	if variant.RoutingConfig == nil || variant.RoutingConfig.RoutingStrategy != types.RoutingStrategyLeastOutstandingRequests {
		t.Errorf("the variant is routed to by %+v", variant.RoutingConfig)
	}
	model, err := b.c.sagemaker.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: variant.ModelName})
	if err != nil {
		t.Fatal(err)
	}
	if c := model.PrimaryContainer; c.ImageConfig == nil || c.ImageConfig.RepositoryAccessMode != types.RepositoryAccessModePlatform || c.Image == nil {
		t.Errorf("the container is %+v", c)
	}
	out, err := b.c.sagemaker.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("bench--churn")})
	if err != nil {
		t.Fatal(err)
	}
	if d := out.LastDeploymentConfig; d == nil || d.RollingUpdatePolicy == nil || d.BlueGreenUpdatePolicy != nil {
		t.Errorf("the change was rolled out by %+v", d)
	}
	b.wantParts(first.Ref, 1, 1, 0)
	b.destroy(first.Ref)
}

// bucket is the bucket of the bench's environment.
func (b *endpointBench) bucket() string {
	b.Helper()
	p, err := b.backend.place(b.Context(), b.spec("").Environment)
	if err != nil {
		b.Fatal(err)
	}
	return p.Bucket
}

// config is the configuration in force.
func (b *endpointBench) config() *sagemaker.DescribeEndpointConfigOutput {
	b.Helper()
	e, err := b.c.sagemaker.DescribeEndpoint(b.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("bench--churn")})
	if err != nil {
		b.Fatal(err)
	}
	out, err := b.c.sagemaker.DescribeEndpointConfig(b.Context(), &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: e.EndpointConfigName})
	if err != nil {
		b.Fatal(err)
	}
	return out
}
