package sagemaker

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// The samples are those of aws-controllers-k8s/sagemaker-controller, folder samples.

// ownName is why names differ: users give them to samples.
const ownName = `[a-z0-9-]+`

// endpointConfigSample is endpoint/endpoint_config.yaml.
func endpointConfigSample() []vendorFact {
	return []vendorFact{
		{member: "EndpointConfigName", theirs: "<YOUR ENDPOINT CONFIG NAME>", ours: `vendor--vendor-[0-9a-f]{12}`},
		{member: "ProductionVariants[0].ModelName", theirs: "<YOUR MODEL NAME>", ours: ownName},
		{member: "ProductionVariants[0].VariantName", theirs: "AllTraffic", ours: "all-traffic", why: "names keep to what every backend takes"},
		{member: "ProductionVariants[0].InstanceType", theirs: "ml.c5.large"},
		{member: "ProductionVariants[0].InitialVariantWeight", theirs: "1", ours: "100", why: "weights are shares, and ours are percentages"},
		{member: "ProductionVariants[0].InitialInstanceCount", theirs: "1"},
		{member: "DataCaptureConfig.EnableCapture", theirs: "true"},
		{member: "DataCaptureConfig.DestinationS3Uri", theirs: "<YOUR BUCKET>/sagemaker/endpoint_config/datacapture", ours: `s3://mlops-vendor-\d+-us-west-2/captures/vendor--vendor`},
		{member: "DataCaptureConfig.InitialSamplingPercentage", theirs: "100"},
		{member: "DataCaptureConfig.CaptureOptions[0].CaptureMode", theirs: "Input"},
		{member: "DataCaptureConfig.CaptureOptions[1].CaptureMode", theirs: "Output"},
		{member: "DataCaptureConfig.CaptureContentTypeHeader.CsvContentTypes[0]", theirs: "text/csv"},
		{member: "DataCaptureConfig.CaptureContentTypeHeader.JsonContentTypes[0]", theirs: "application/json"},
	}
}

// modelSample is model/my-model.yaml.
func modelSample() []vendorFact {
	return []vendorFact{
		{member: "ModelName", theirs: "<YOUR MODEL NAME>", ours: ownName},
		{member: "PrimaryContainer.ContainerHostname", theirs: "xgboost", ours: absent, why: "a container that is alone needs no name"},
		{
			member: "PrimaryContainer.ModelDataUrl", theirs: "<YOUR BUCKET/PATH>", at: "PrimaryContainer.ModelDataSource.S3DataSource.S3Uri",
			ours: `s3://mlops-vendor-\d+-us-west-2/models/vendor/[0-9a-f]{64}/image/`,
			why:  "the bytes are served as they are, under their digest, and not unpacked",
		},
		{member: "PrimaryContainer.Image", theirs: vendorImage},
		{member: "PrimaryContainer.Environment.my_var", theirs: "my_value"},
		{member: "PrimaryContainer.Environment.my_var2", theirs: "my_value2"},
		{member: "ExecutionRoleArn", theirs: "<YOUR SAGEMAKER ROLE ARN>", ours: `arn:aws:iam::\d+:role/mlops/.+`},
	}
}

// endpointSample is endpoint/endpoint_base.yaml.
func endpointSample() []vendorFact {
	return []vendorFact{
		{member: "EndpointName", theirs: "<YOUR ENDPOINT NAME>", ours: `vendor--vendor`},
		{member: "EndpointConfigName", theirs: "<YOUR ENDPOINT CONFIG NAME>", ours: `vendor--vendor-[0-9a-f]{12}`},
	}
}

func TestVendorEndpoint(t *testing.T) {
	t.Parallel()
	r := newVendor(t, vendorRegion)
	_, _, native := r.served()
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	name := native["endpoint_name"]
	endpoint, err := c.sagemaker.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: &name})
	r.must(err)
	wantFacts(t, endpoint, endpointSample())
	config, err := c.sagemaker.DescribeEndpointConfig(t.Context(), &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: endpoint.EndpointConfigName})
	r.must(err)
	wantFacts(t, config, endpointConfigSample())
	model, err := c.sagemaker.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: config.ProductionVariants[0].ModelName})
	r.must(err)
	wantFacts(t, model, modelSample())
}

// modelPackageGroupSample is model_package_group/my-model-package-group.yaml.
func modelPackageGroupSample() []vendorFact {
	return []vendorFact{
		{member: "ModelPackageGroupName", theirs: "<YOUR MODEL PACKAGE GROUP NAME>", ours: `vendor--vendor`},
		{member: "ModelPackageGroupDescription", theirs: "Description for model package group"},
	}
}

// modelPackageSample is model_package/my-model-package.yaml.
func modelPackageSample() []vendorFact {
	const json = "what captures, gates and smoke tests are written for"
	const anyMachine = "a version says nothing of machines: each endpoint asks for its own, and transforms are not ours"
	container := "InferenceSpecification.Containers[0]."
	return []vendorFact{
		{
			member: "ModelPackageName", theirs: "<YOUR MODEL PACKAGE NAME>", at: "ModelPackageGroupName", ours: `vendor--vendor`,
			why: "a version is one of a group, and has a number instead of a name",
		},
		{member: "ModelPackageDescription", theirs: "Description for model package"},
		{member: container + "Image", theirs: "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:latest", ours: `.+/xgboost:1`, why: "the tag of the other sample"},
		{
			member: container + "ModelDataUrl", theirs: "<YOUR BUCKET/PATH>", at: container + "ModelDataSource.S3DataSource.S3Uri",
			ours: `s3://mlops-vendor-\d+-us-west-2/models/vendor/[0-9a-f]{64}/image/`,
			why:  "the bytes are served as they are, under their digest, and not unpacked",
		},
		{member: "InferenceSpecification.SupportedContentTypes[0]", theirs: "text/csv", ours: "application/json", why: json},
		{member: "InferenceSpecification.SupportedResponseMIMETypes[0]", theirs: "text/csv", ours: "application/json", why: json},
		{member: "InferenceSpecification.SupportedTransformInstanceTypes[0]", theirs: "ml.m5.large", ours: absent, why: anyMachine},
		{member: "InferenceSpecification.SupportedRealtimeInferenceInstanceTypes[0]", theirs: "ml.m5.large", ours: absent, why: anyMachine},
	}
}

func TestVendorModelPackage(t *testing.T) {
	t.Parallel()
	r := newVendor(t, vendorRegion)
	model, version, _ := r.served()
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	name, arn := model["model_package_group_name"], version["model_package_arn"]
	group, err := c.sagemaker.DescribeModelPackageGroup(t.Context(), &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &name})
	r.must(err)
	wantFacts(t, group, modelPackageGroupSample())
	pack, err := c.sagemaker.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn})
	r.must(err)
	wantFacts(t, pack, modelPackageSample())
}
