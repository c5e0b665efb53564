package sagemaker

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// processingSample is processing/my-processing-job.yaml of
// aws-controllers-k8s/sagemaker-controller, whose job is a step here.
func processingSample() []vendorFact {
	const own = "every input and output has a folder of its own"
	const sourceCode = "code travels in the image, or is the step's script"
	facts := []vendorFact{
		{member: "RoleArn", theirs: "<YOUR SAGEMAKER ROLE ARN>", ours: `arn:aws:iam::\d+:role/mlops/.+`},
		{member: "AppSpecification.ImageUri", theirs: "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:1.5.0-cpu-py36-ubuntu16.04"},
		{member: "AppSpecification.ContainerEntrypoint[0]", theirs: "python"},
		{member: "AppSpecification.ContainerEntrypoint[1]", theirs: "/opt/ml/processing/code/kmeans_preprocessing.py"},
		{member: "ProcessingResources.ClusterConfig.InstanceCount", theirs: "1"},
		{member: "ProcessingResources.ClusterConfig.InstanceType", theirs: "ml.m5.large"},
		{member: "ProcessingResources.ClusterConfig.VolumeSizeInGB", theirs: "20"},
		{member: "ProcessingInputs[0].InputName", theirs: "mnist_tar", ours: "in-mnist_tar", why: "names of a step's own code and inputs are kept apart"},
		{member: "ProcessingInputs[0].S3Input.S3Uri", theirs: "s3://sagemaker-sample-data-us-west-2/algorithms/kmeans/mnist/mnist.pkl.gz"},
		{member: "ProcessingInputs[0].S3Input.LocalPath", theirs: "/opt/ml/processing/input", ours: "/opt/ml/processing/input/mnist_tar", why: own},
		{member: "ProcessingInputs[0].S3Input.S3DataType", theirs: "S3Prefix"},
		{member: "ProcessingInputs[0].S3Input.S3InputMode", theirs: "File"},
		{member: "ProcessingInputs[0].S3Input.S3CompressionType", theirs: "None", ours: absent, why: "None is what it is by default"},
		{member: "ProcessingInputs[1].InputName", theirs: "source_code", ours: absent, why: sourceCode},
	}
	for i, name := range []string{"train", "test", "valid"} {
		output := "ProcessingOutputConfig.Outputs[" + strconv.Itoa(i) + "]."
		facts = append(
			facts,
			vendorFact{member: output + "OutputName", theirs: name + "_data"},
			vendorFact{member: output + "S3Output.LocalPath", theirs: "/opt/ml/processing/output_" + name + "/", ours: "/opt/ml/processing/output/" + name + "_data", why: own},
			vendorFact{
				member: output + "S3Output.S3Uri", theirs: "<YOUR BUCKET>/sagemaker/processing/output/",
				at: output + "S3Output.S3Uri.Std:Join.Values[0]", ours: `s3://mlops-vendor-\d+-us-west-2/runs`, why: "outputs are below the run that made them",
			},
			vendorFact{member: output + "S3Output.S3UploadMode", theirs: "EndOfJob"},
		)
	}
	return below("Steps[0].Arguments.", facts)
}

// below puts the members of a sample below another.
func below(prefix string, facts []vendorFact) []vendorFact {
	for i := range facts {
		facts[i].member = prefix + facts[i].member
		if facts[i].at != "" {
			facts[i].at = prefix + facts[i].at
		}
	}
	return facts
}

func TestVendorProcessing(t *testing.T) {
	t.Parallel()
	r := newVendor(t, vendorRegion)
	wantFacts(t, r.definition(mlops.PipelineSpec{
		Environment: r.environment, Name: "vendor",
		Steps: map[string]mlops.Step{"kmeans": {
			Image:   "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:1.5.0-cpu-py36-ubuntu16.04",
			Command: []string{"python", "/opt/ml/processing/code/kmeans_preprocessing.py"},
			Inputs:  map[string]string{"mnist_tar": "s3://sagemaker-sample-data-us-west-2/algorithms/kmeans/mnist/mnist.pkl.gz"},
			Outputs: []string{"train_data", "test_data", "valid_data"},
			Compute: &mlops.Compute{Native: "ml.m5.large", Disk: 20 << 30},
		}},
	}), processingSample())
}

// definition is what AWS has of a pipeline.
func (r registry) definition(spec mlops.PipelineSpec) string {
	r.Helper()
	made(r.T, r.Pipelines(), spec)
	c, err := r.in(r.Context(), r.environment)
	r.must(err)
	name := pipelineName(spec.ID())
	got, err := c.sagemaker.DescribePipeline(r.Context(), &sagemaker.DescribePipelineInput{PipelineName: &name})
	r.must(err)
	return aws.ToString(got.PipelineDefinition)
}

// sdkStepSample is what AWS's SDK makes of a processing step that waits for three
// others (aws/sagemaker-python-sdk, tests/unit/sagemaker/workflow/test_steps.py,
// test_processing_step).
func sdkStepSample() []vendorFact {
	const names = "names are ours, in lower case"
	input := "Arguments.ProcessingInputs[0]."
	return below("Steps[3].", []vendorFact{
		{member: "Name", theirs: "MyProcessingStep", ours: "my-processing-step", why: names},
		{member: "Description", theirs: "ProcessingStep description", ours: absent, why: "steps have names alone"},
		{member: "DisplayName", theirs: "MyProcessingStep", ours: absent, why: "steps have names alone"},
		{member: "Type", theirs: "Processing"},
		{member: "DependsOn[0]", theirs: "TestStep", ours: "first", why: names},
		{member: "DependsOn[1]", theirs: "SecondTestStep", ours: "second", why: names},
		{member: "DependsOn[2]", theirs: "ThirdTestStep", ours: "third", why: names},
		{member: "Arguments.AppSpecification.ImageUri", theirs: "fakeimage", ours: userImage, why: "an image is checked to be one of ECR"},
		{member: input + "InputName", theirs: "input-1", ours: "in-manifest", why: names},
		{member: input + "AppManaged", theirs: "false", ours: absent, why: "false is what it is by default"},
		{member: input + "S3Input.LocalPath", theirs: "processing_manifest", ours: "/opt/ml/processing/input/manifest", why: "the SDK's is no path in a container"},
		{member: input + "S3Input.S3CompressionType", theirs: "None", ours: absent, why: "None is what it is by default"},
		{member: input + "S3Input.S3DataDistributionType", theirs: "FullyReplicated"},
		{member: input + "S3Input.S3DataType", theirs: "S3Prefix"},
		{member: input + "S3Input.S3InputMode", theirs: "File"},
		{
			member: input + "S3Input.S3Uri.Get", theirs: "Parameters.ProcessingInputDataUri",
			at: input + "S3Input.S3Uri.Std:Join.Values[0].Get", ours: "Parameters.data_uri", why: "a template is a join of its parts, also of one",
		},
		{member: "Arguments.ProcessingResources.ClusterConfig.InstanceCount", theirs: "1"},
		{
			member: "Arguments.ProcessingResources.ClusterConfig.InstanceType.Get", theirs: "Parameters.InstanceType",
			at: "Arguments.ProcessingResources.ClusterConfig.InstanceType", ours: `ml\.m4\.4xlarge`, why: "a machine is chosen at plan, where it can be checked and its price shown",
		},
		{member: "Arguments.ProcessingResources.ClusterConfig.VolumeSizeInGB", theirs: "30"},
		{member: "Arguments.RoleArn", theirs: "DummyRole", ours: `arn:aws:iam::\d+:role/mlops/.+`, why: "it is the environment's"},
		{member: "CacheConfig.Enabled", theirs: "true"},
		{member: "CacheConfig.ExpireAfter", theirs: "PT1H", ours: "P30D", why: "how long a result may be used again is not for a step to say"},
	})
}

func TestVendorSDKStep(t *testing.T) {
	t.Parallel()
	r := newVendor(t, testRegion)
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "vendor",
		Parameters: map[string]mlops.Parameter{"data_uri": {Type: "string", Default: new("s3://my-bucket/processing_manifest")}},
		Steps: map[string]mlops.Step{"my-processing-step": {
			Image: userImage, Inputs: map[string]string{"manifest": "{{params.data_uri}}"}, After: []string{"first", "second", "third"},
			Compute: &mlops.Compute{Native: "ml.m4.4xlarge", Disk: 30 << 30},
		}},
	}
	for _, before := range []string{"first", "second", "third"} {
		spec.Steps[before] = mlops.Step{Image: userImage}
	}
	wantFacts(t, r.definition(spec), sdkStepSample())
}

// definitionSample is pipeline/my-pipeline.json of
// aws-controllers-k8s/sagemaker-controller; what is filled in here is %ROLE% and
// %BUCKET%.
func definitionSample() map[string]any {
	channel := func(name string) map[string]any {
		return map[string]any{
			"ChannelName": name, "ContentType": "text/libsvm",
			"DataSource": map[string]any{"S3DataSource": map[string]any{
				"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated", "S3Uri": "s3://%BUCKET%/sagemaker/xgboost/" + name + "/",
			}},
		}
	}
	return map[string]any{"Version": "2020-12-01", "Steps": []any{map[string]any{
		"Name": "AbaloneTrain", "Type": "Training",
		"Arguments": map[string]any{
			"RoleArn": "%ROLE%",
			"HyperParameters": map[string]any{
				"max_depth": "5", "gamma": "4", "eta": "0.2", "min_child_weight": "6", "objective": "multi:softmax", "num_class": "10", "num_round": "10",
			},
			"AlgorithmSpecification": map[string]any{"TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "TrainingInputMode": "File"},
			"OutputDataConfig":       map[string]any{"S3OutputPath": "s3://%BUCKET%/sagemaker/"},
			"ResourceConfig":         map[string]any{"InstanceCount": 1, "InstanceType": "ml.m4.xlarge", "VolumeSizeInGB": 5},
			"StoppingCondition":      map[string]any{"MaxRuntimeInSeconds": 86400},
			"InputDataConfig":        []any{channel("train"), channel("validation")},
		},
	}}}
}

// TestVendorDefinition gives SageMaker a definition of its own language, which comes
// there as it was given, and runs.
func TestVendorDefinition(t *testing.T) {
	t.Parallel()
	r := newVendor(t, testRegion)
	place, err := r.place(t.Context(), r.environment)
	r.must(err)
	want := strings.NewReplacer("%ROLE%", place.Role, "%BUCKET%", place.Bucket).Replace(jsonText(definitionSample()))
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "vendor", Definition: want}
	if diff := cmp.Diff(flat(t, want), flat(t, r.definition(spec))); diff != "" {
		t.Errorf("what SageMaker has (+) is not what was given (-):\n%s", diff)
	}
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	for _, channel := range []string{"train", "validation"} {
		key := "sagemaker/xgboost/" + channel + "/rows.libsvm"
		_, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &place.Bucket, Key: &key, Body: strings.NewReader("1 1:0.5\n")})
		r.must(err)
	}
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	if run.Phase != mlops.PhaseReady {
		t.Errorf("the run is %s: %s", run.Phase, run.Reason)
	}
}
