package sagemaker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The containers' own paths, and what monitoring jobs run on.
const (
	analyzerRoot      = "/opt/ml/processing"
	monitorMachine    = "ml.m5.xlarge"
	monitorVolume     = 20 // GiB
	monitorLongestJob = 1800 * time.Second
	maxConstraints    = 16 << 20
)

// monitorKept is what a monitor's record keeps beside its spec.
type monitorKept struct {
	// Baseline is the URI of the baseline's data, empty for a monitor that compares
	// with none.
	Baseline string `json:"baseline,omitempty"`
	// Groups are the values of the column that bias compares, in their order.
	Groups []string `json:"groups,omitempty"`
	// Born tells this monitor from a former one of its name: names of jobs are
	// taken for ever.
	Born int64 `json:"born"`
}

// keptOf is what was kept when the record was written.
func keptOf(r record) monitorKept {
	var kept monitorKept
	_ = json.Unmarshal(r.Extra, &kept) // one that cannot be read is brought anew
	return kept
}

// baselineJobName is the name of the job that describes the baseline. It is named
// by the data, so that a change of them makes a new one.
func (p monitorPlan) baselineJobName() string {
	return nativeName(p.id, maxName-1-len(shortHash(""))) + "-" + shortHash(mlops.DigestOf([]any{p.kept.Baseline, p.format(), p.kept.Born}))
}

// format is the format of the baseline's data.
func (p monitorPlan) format() string { return baselineFormat(p.spec.Baseline, p.kept.Baseline) }

func baselineFormat(b *mlops.Baseline, uri string) string {
	return cmp.Or(b.Format, mlops.FormatOf(uri), "csv")
}

// suggested is the key of a file that describes the baseline.
func (p monitorPlan) suggested(file string) string {
	return p.place.key(p.folder() + p.baselineJobName() + "/" + file)
}

// keep finds what a monitor keeps beside its spec; old is what it kept before, for
// a spec that had this group.
func (k monitorKind) keep(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, old monitorKept, oldGroup string) (monitorKept, error) {
	kept := monitorKept{Born: cmp.Or(old.Born, time.Now().UnixNano())}
	if !comparesBaseline(spec) && spec.Bias == nil {
		return kept, nil
	}
	var err error
	if kept.Baseline, err = k.keepBaseline(ctx, s, spec); err != nil || spec.Bias == nil {
		return kept, err
	}
	if old.Baseline == kept.Baseline && oldGroup == spec.Bias.Group && len(old.Groups) > 0 {
		kept.Groups = old.Groups
		return kept, nil
	}
	kept.Groups, err = k.groups(ctx, s, spec, kept.Baseline)
	return kept, err
}

// keepBaseline says where a monitor's baseline is. Files of this machine are sent to
// the bucket, and named by their content.
func (k monitorKind) keepBaseline(ctx context.Context, s monitorScene, spec mlops.MonitorSpec) (string, error) {
	b := spec.Baseline
	if b.URI == "" || strings.HasPrefix(b.URI, "s3://") {
		return k.baselineURI(ctx, b)
	}
	from, err := k.outsideAt(ctx, s.c, "baseline.uri", b.URI)
	if err != nil {
		return "", err
	}
	if !from.single {
		return "", refuseField("baseline.uri", "%q is a directory; give a file", b.URI)
	}
	files := &store{k.backend, s.c.s3, s.place}
	digest, _, err := from.digest(ctx, files)
	if err != nil {
		return "", err
	}
	return from.put(ctx, files, s.place, s.place.key(s.folder()+"baseline/"+strings.TrimPrefix(digest, "sha256:")+"/"), digest)
}

// baselineURI is where the baseline's data are.
func (k monitorKind) baselineURI(ctx context.Context, b *mlops.Baseline) (string, error) {
	switch {
	case b.Dataset != "":
		seen, err := datasetKind(k).Get(ctx, b.Dataset)
		return seen.Status.URI, err
	case b.Run != "":
		seen, err := pipelineRunKind(k).Get(ctx, b.Run)
		if err != nil {
			return "", err
		}
		output, err := seen.Status.FindOutput(b.Output)
		if err != nil {
			return "", invalid(fmt.Errorf("baseline.output: %w", err))
		}
		return seen.Status.Outputs[output], nil
	}
	return b.URI, nil
}

// baselineDescribed starts the job that describes the baseline, and says what is
// waited for while it runs. One that was started before, for the same data, is left
// alone.
func (k monitorKind) baselineDescribed(ctx context.Context, p monitorPlan) (waiting string, err error) {
	name := p.baselineJobName()
	job, err := p.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name})
	if err == nil && job.ProcessingJobStatus == types.ProcessingJobStatusCompleted {
		return "", nil
	}
	if err == nil || !k.is(err, mlops.NotFound) {
		return "the job " + name, err
	}
	in, err := p.baselineJob()
	if err != nil {
		return "", err
	}
	in.Tags = sagemakerTags(withoutRecord(k.tagsFor(p.place.spec, p.spec.Labels, nil)))
	_, err = p.c.sagemaker.CreateProcessingJob(ctx, in)
	return "the job " + name, err
}

// lookAtBaseline adds to a look how far the description of the baseline is, and
// reports whether it is there.
func (k monitorKind) lookAtBaseline(ctx context.Context, p monitorPlan, seen *monitorSeen) (described bool, err error) {
	name := p.baselineJobName()
	job, err := p.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name})
	switch {
	case k.is(err, mlops.NotFound):
		hold(seen, "the baseline is not described yet", true)
		return false, nil
	case err != nil:
		return false, err
	case job.ProcessingJobStatus == types.ProcessingJobStatusFailed, job.ProcessingJobStatus == types.ProcessingJobStatusStopped:
		seen.Phase = mlops.PhaseFailed
		seen.Reason = "the job that describes the baseline failed: " + aws.ToString(job.FailureReason) + aws.ToString(job.ExitMessage)
		return false, nil
	case job.ProcessingJobStatus != types.ProcessingJobStatusCompleted:
		hold(seen, "the baseline is being described by the job "+name, false)
		return false, nil
	}
	seen.Native["baseline_job_arn"] = aws.ToString(job.ProcessingJobArn)
	return true, nil
}

// baselineJob is the analyzer's job on the baseline. Its settings are those that
// its documentation gives for a baseline: where the data are, and in which form.
func (p monitorPlan) baselineJob() (*sagemaker.CreateProcessingJobInput, error) {
	image, err := p.c.analyzerImage()
	if err != nil {
		return nil, err
	}
	form, err := datasetForm(p.format())
	if err != nil {
		return nil, err
	}
	in, out := analyzerRoot+"/input/baseline_dataset_input", analyzerRoot+"/output"
	return &sagemaker.CreateProcessingJobInput{
		ProcessingJobName: aws.String(p.baselineJobName()),
		RoleArn:           &p.place.Role,
		AppSpecification:  &types.AppSpecification{ImageUri: &image},
		Environment: map[string]string{
			"dataset_format": form, "dataset_source": in, "output_path": out, "publish_cloudwatch_metrics": disabled,
		},
		ProcessingInputs: []types.ProcessingInput{{
			InputName: aws.String("baseline_dataset_input"),
			S3Input: &types.ProcessingS3Input{
				S3Uri: &p.kept.Baseline, LocalPath: &in, S3DataType: types.ProcessingS3DataTypeS3Prefix,
				S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
			},
		}},
		ProcessingOutputConfig: &types.ProcessingOutputConfig{
			KmsKeyId: optional(p.place.Key),
			Outputs: []types.ProcessingOutput{{
				OutputName: aws.String("monitoring_output"),
				S3Output:   &types.ProcessingS3Output{S3Uri: aws.String(p.place.uri(p.folder() + p.baselineJobName())), LocalPath: &out, S3UploadMode: types.ProcessingS3UploadModeEndOfJob},
			}},
		},
		ProcessingResources: &types.ProcessingResources{ClusterConfig: &types.ProcessingClusterConfig{
			InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceType(monitorMachine), VolumeSizeInGB: aws.Int32(monitorVolume), VolumeKmsKeyId: optional(p.place.Key),
		}},
		StoppingCondition: &types.ProcessingStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(monitorLongestJob.Seconds()))},
		NetworkConfig:     p.place.processingNetwork(),
	}, nil
}

// datasetForm is a format as the analyzer is told of it.
func datasetForm(format string) (string, error) {
	forms := map[string]any{
		"csv":     map[string]any{"csv": map[string]any{"header": true, "output_columns_position": "START"}},
		"jsonl":   map[string]any{"json": map[string]any{"lines": true}},
		"parquet": map[string]any{"parquet": map[string]any{}},
	}
	form, ok := forms[format]
	if !ok {
		return "", invalid(fmt.Errorf("baseline.format: %q is no format that SageMaker Model Monitor reads", format))
	}
	b, err := json.Marshal(form)
	return string(b), err
}

// processingNetwork is the network of jobs, nil where the environment asks for
// none.
func (p place) processingNetwork() *types.NetworkConfig {
	if len(p.Subnets) == 0 && !p.Isolated {
		return nil
	}
	n := &types.NetworkConfig{EnableNetworkIsolation: aws.Bool(p.Isolated)}
	if len(p.Subnets) > 0 {
		n.VpcConfig = &types.VpcConfig{Subnets: p.Subnets, SecurityGroupIds: p.Groups}
	}
	return n
}
