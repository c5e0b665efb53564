package sagemaker

import (
	"strconv"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// trainingSample is training/my-training-job.yaml of
// aws-controllers-k8s/sagemaker-controller, whose job is a step on spot capacity here.
func trainingSample() []vendorFact {
	const parameters = "what a program is told comes in its environment"
	facts := []vendorFact{
		{member: "RoleArn", theirs: "<YOUR SAGEMAKER ROLE ARN>", ours: `arn:aws:iam::\d+:role/mlops/.+`},
		{member: "AlgorithmSpecification.TrainingImage", theirs: "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"},
		{member: "AlgorithmSpecification.TrainingInputMode", theirs: "File"},
		{member: "HyperParameters.max_depth", theirs: "5", ours: absent, why: parameters},
		{
			member: "OutputDataConfig.S3OutputPath", theirs: "s3://<YOUR BUCKET/OUTPUT>",
			at: "OutputDataConfig.S3OutputPath.Std:Join.Values[0]", ours: `s3://mlops-vendor-\d+-us-west-2/runs`, why: "outputs are below the run that made them",
		},
		{member: "ResourceConfig.InstanceCount", theirs: "1"},
		{member: "ResourceConfig.InstanceType", theirs: "ml.m4.xlarge"},
		{member: "ResourceConfig.VolumeSizeInGB", theirs: "5"},
		{member: "StoppingCondition.MaxRuntimeInSeconds", theirs: "86400"},
	}
	for i, name := range []string{"train", "validation"} {
		channel := "InputDataConfig[" + strconv.Itoa(i) + "]."
		facts = append(
			facts,
			vendorFact{member: channel + "ChannelName", theirs: name, ours: "in-" + name, why: "names of a step's own code and inputs are kept apart"},
			vendorFact{member: channel + "DataSource.S3DataSource.S3DataType", theirs: "S3Prefix"},
			vendorFact{member: channel + "DataSource.S3DataSource.S3Uri", theirs: "s3://<YOUR BUCKET>/sagemaker/xgboost/" + name, ours: "s3://vendor/sagemaker/xgboost/" + name, why: "a bucket of the test"},
			vendorFact{member: channel + "DataSource.S3DataSource.S3DataDistributionType", theirs: "FullyReplicated"},
			vendorFact{member: channel + "ContentType", theirs: "text/libsvm", ours: absent, why: "a step's program knows what it reads"},
			vendorFact{member: channel + "CompressionType", theirs: "None", ours: absent, why: "None is what it is by default"},
		)
	}
	return below("Steps[0].Arguments.", facts)
}

// spotSample is what AWS's samples of managed spot training add to a job
// (aws/amazon-sagemaker-examples, managed_spot_training_mxnet.ipynb, of the SDK's
// use_spot_instances, max_wait and checkpoint_s3_uri).
func spotSample() []vendorFact {
	return below("Steps[0].Arguments.", []vendorFact{
		{member: "EnableManagedSpotTraining", theirs: "true"},
		{member: "StoppingCondition.MaxWaitTimeInSeconds", theirs: "7200", ours: "172800", why: "how long to wait is not for a step to say"},
		{member: "CheckpointConfig.LocalPath", theirs: "/opt/ml/checkpoints"},
		{
			member: "CheckpointConfig.S3Uri", theirs: "s3://<YOUR BUCKET>/checkpoints",
			at: "CheckpointConfig.S3Uri.Std:Join.Values[3]", ours: "checkpoints", why: "checkpoints are below the run that made them",
		},
	})
}

func TestVendorTraining(t *testing.T) {
	t.Parallel()
	r := newVendor(t, vendorRegion)
	wantFacts(t, r.definition(mlops.PipelineSpec{
		Environment: r.environment, Name: "vendor",
		Steps: map[string]mlops.Step{"xgboost": {
			Image: "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1", Command: []string{"train"},
			Inputs: map[string]string{
				"train": "s3://vendor/sagemaker/xgboost/train", "validation": "s3://vendor/sagemaker/xgboost/validation",
			},
			Outputs: []string{"model"},
			Compute: &mlops.Compute{Native: "ml.m4.xlarge", Disk: 5 << 30, Spot: true},
		}},
	}), append(trainingSample(), spotSample()...))
}
