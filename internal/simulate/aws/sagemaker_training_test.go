package aws_test

import (
	"maps"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// spotJob is a training job on managed spot capacity that keeps checkpoints.
func spotJob(a account, name string) *sagemaker.CreateTrainingJobInput {
	return &sagemaker.CreateTrainingJobInput{
		TrainingJobName: &name, RoleArn: a.role, EnableManagedSpotTraining: sdk.Bool(true),
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/fit:1"), TrainingInputMode: types.TrainingInputModeFile},
		OutputDataConfig:       &types.OutputDataConfig{S3OutputPath: sdk.String("s3://data/out"), CompressionType: types.OutputCompressionTypeNone},
		ResourceConfig:         &types.ResourceConfig{InstanceType: types.TrainingInstanceTypeMlM5Large, InstanceCount: sdk.Int32(1), VolumeSizeInGB: sdk.Int32(30)},
		StoppingCondition:      &types.StoppingCondition{MaxRuntimeInSeconds: sdk.Int32(60), MaxWaitTimeInSeconds: sdk.Int32(120)},
		CheckpointConfig:       &types.CheckpointConfig{S3Uri: sdk.String("s3://data/saved"), LocalPath: sdk.String("/opt/ml/checkpoints")},
		Tags:                   []types.Tag{{Key: sdk.String("team"), Value: sdk.String("churn")}},
	}
}

func (a account) describeTraining(t *testing.T, name string) *sagemaker.DescribeTrainingJobOutput {
	t.Helper()
	return must[*sagemaker.DescribeTrainingJobOutput](t)(a.DescribeTrainingJob(t.Context(), &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name}))
}

// ended looks at a training job until it has ended.
func (a account) ended(t *testing.T, name string) *sagemaker.DescribeTrainingJobOutput {
	t.Helper()
	for {
		job := a.describeTraining(t, name)
		if job.TrainingJobStatus != types.TrainingJobStatusInProgress && job.TrainingJobStatus != types.TrainingJobStatusStopping {
			return job
		}
	}
}

func secondary(job *sagemaker.DescribeTrainingJobOutput) []string {
	var all []string
	for _, t := range job.SecondaryStatusTransitions {
		all = append(all, string(t.Status))
	}
	return all
}

// TestSpotInterruption proves that a job whose capacity is taken away passes through
// the statuses that the developer guide lists ("Managed Spot Training Lifecycle"),
// goes on from its checkpoints, and leaves an artifact as it is.
func TestSpotInterruption(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	var found []map[string][]byte
	a.server.World.SetHooks(aws.Hooks{RunStep: func(s aws.StepRun) (map[string][]byte, string) {
		found = append(found, maps.Clone(s.Checkpoints))
		s.Checkpoints["epoch/last"] = []byte{byte('1' + s.Interruptions)}
		if s.Interruptions < 2 {
			return nil, aws.Interruption
		}
		return map[string][]byte{"model/trees/weights": []byte("w"), "model/notes": []byte("n")}, ""
	}})
	must[*sagemaker.CreateTrainingJobOutput](t)(a.CreateTrainingJob(t.Context(), spotJob(a, "fit")))
	if during := a.describeTraining(t, "fit"); during.SecondaryStatus != types.SecondaryStatusTraining || during.TrainingTimeInSeconds != nil {
		t.Errorf("at first it is %s, and took %v s", during.SecondaryStatus, during.TrainingTimeInSeconds)
	}
	job := a.ended(t, "fit")
	once := []string{"Starting", "Downloading", "Training", "Interrupted"}
	want := append(append(append([]string{}, once...), once...), "Starting", "Downloading", "Training", "Uploading", "Completed")
	if diff := cmp.Diff(want, secondary(job)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	saved := func(content string) map[string][]byte { return map[string][]byte{"epoch/last": []byte(content)} }
	if diff := cmp.Diff([]map[string][]byte{{}, saved("1"), saved("2")}, found); diff != "" {
		t.Errorf("the attempts found, -want +got:\n%s", diff)
	}
	if got := *job.ModelArtifacts.S3ModelArtifacts; got != "s3://data/out/fit/output/model/" {
		t.Errorf("the artifact is %s", got)
	}
	got := []string{a.read(t, "out/fit/output/model/trees/weights"), a.read(t, "out/fit/output/model/notes"), a.read(t, "saved/epoch/last")}
	if diff := cmp.Diff([]string{"w", "n", "3"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if *job.BillableTimeInSeconds < 1 || *job.TrainingTimeInSeconds < *job.BillableTimeInSeconds {
		t.Errorf("%d s are billed of %d", *job.BillableTimeInSeconds, *job.TrainingTimeInSeconds)
	}
}

// TestInterruptionOnDemand proves that a job which is not on spot capacity fails when
// that is taken away, and that one without checkpoints keeps none.
func TestInterruptionOnDemand(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	a.server.World.SetHooks(aws.Hooks{RunStep: func(s aws.StepRun) (map[string][]byte, string) {
		if s.Checkpoints != nil {
			return nil, "AlgorithmError: there are checkpoints"
		}
		return nil, aws.Interruption
	}})
	in := spotJob(a, "fit")
	in.EnableManagedSpotTraining, in.StoppingCondition.MaxWaitTimeInSeconds, in.CheckpointConfig = nil, nil, nil
	must[*sagemaker.CreateTrainingJobOutput](t)(a.CreateTrainingJob(t.Context(), in))
	if job := a.ended(t, "fit"); job.TrainingJobStatus != types.TrainingJobStatusFailed || *job.FailureReason != aws.Interruption {
		t.Errorf("it is %s: %s", job.TrainingJobStatus, sdk.ToString(job.FailureReason))
	}
}

func TestSpotRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	for _, tt := range []struct {
		name, words string
		change      func(*sagemaker.CreateTrainingJobInput)
	}{
		{"no wait", "MaxWaitTimeInSeconds", func(in *sagemaker.CreateTrainingJobInput) { in.StoppingCondition.MaxWaitTimeInSeconds = nil }},
		{"less wait than work", "equal to or greater", func(in *sagemaker.CreateTrainingJobInput) { in.StoppingCondition.MaxWaitTimeInSeconds = sdk.Int32(59) }},
		{"wait without spot", "EnableManagedSpotTraining", func(in *sagemaker.CreateTrainingJobInput) { in.EnableManagedSpotTraining = sdk.Bool(false) }},
		{"an image elsewhere", "Invalid region", func(in *sagemaker.CreateTrainingJobInput) {
			in.AlgorithmSpecification.TrainingImage = sdk.String("123456789012.dkr.ecr.eu-west-1.amazonaws.com/fit:1")
		}},
	} {
		in := spotJob(a, "fit")
		tt.change(in)
		_, err := a.CreateTrainingJob(t.Context(), in)
		wantFault(t, err, "ValidationException", tt.words)
	}
}

// TestTrainingJobsAreListedAndStopped proves that jobs are found with their tags, and
// that one waiting for capacity can be stopped.
func TestTrainingJobsAreListedAndStopped(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	a.server.World.SetHooks(aws.Hooks{RunStep: func(aws.StepRun) (map[string][]byte, string) { return nil, aws.Interruption }})
	arn := must[*sagemaker.CreateTrainingJobOutput](t)(a.CreateTrainingJob(t.Context(), spotJob(a, "fit"))).TrainingJobArn
	for a.describeTraining(t, "fit").SecondaryStatus != types.SecondaryStatusInterrupted {
		continue
	}
	must[*sagemaker.StopTrainingJobOutput](t)(a.StopTrainingJob(t.Context(), &sagemaker.StopTrainingJobInput{TrainingJobName: sdk.String("fit")}))
	if job := a.ended(t, "fit"); job.TrainingJobStatus != types.TrainingJobStatusStopped || job.SecondaryStatus != types.SecondaryStatusStopped {
		t.Errorf("it is %s, %s", job.TrainingJobStatus, job.SecondaryStatus)
	}
	list := must[*sagemaker.ListTrainingJobsOutput](t)(a.ListTrainingJobs(t.Context(), &sagemaker.ListTrainingJobsInput{}))
	if len(list.TrainingJobSummaries) != 1 || *list.TrainingJobSummaries[0].TrainingJobArn != *arn || list.TrainingJobSummaries[0].TrainingEndTime == nil {
		t.Errorf("got %+v", list.TrainingJobSummaries)
	}
	tags := must[*sagemaker.ListTagsOutput](t)(a.ListTags(t.Context(), &sagemaker.ListTagsInput{ResourceArn: arn}))
	if diff := cmp.Diff(map[string]string{"team": "churn"}, tagMap(tags.Tags)); diff != "" {
		t.Error(diff)
	}
}
