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
	// Explained is what explaining the model takes, if it is to be explained.
	Explained explainedKept `json:"explained,omitzero"`
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
	return nativeName(p.id, maxName-1-len(shortHash(""))) + "-" + shortHash(mlops.DigestOf(p.describedFrom(p.kept.Baseline, p.format(), p.kept.Born)))
}

// describedFrom is what a job that describes a baseline is named by.
func (p monitorPlan) describedFrom(parts ...any) []any {
	return marked(parts, patchOf(p.spec.Overrides, overridesBaseline))
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

// keep finds what a monitor keeps beside its spec; the record is that of what it was
// before, if it was.
func (k monitorKind) keep(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, r record) (kept monitorKept, err error) {
	old, oldGroup := keptOf(r), groupOf(r)
	if kept.Born, err = k.born(ctx, s, r); err != nil || !readsBaseline(spec) {
		return kept, err
	}
	if kept.Baseline, err = k.keepBaseline(ctx, s, spec); err != nil {
		return kept, err
	}
	if spec.Explainability != nil {
		if kept.Explained, err = k.keepExplained(ctx, s, spec, kept.Baseline); err != nil {
			return kept, err
		}
	}
	if spec.Bias == nil {
		return kept, nil
	}
	if old.Baseline == kept.Baseline && oldGroup == spec.Bias.Group && len(old.Groups) > 0 {
		kept.Groups = old.Groups
		return kept, nil
	}
	kept.Groups, err = k.groups(ctx, s, spec, kept.Baseline)
	return kept, err
}

// born is when the names of a monitor's jobs begin: now, for a new monitor and for one
// whose baseline could not be described, since the name of a failed job is taken too.
func (k monitorKind) born(ctx context.Context, s monitorScene, r record) (int64, error) {
	now, p := time.Now().UnixNano(), monitorPlan{monitorScene: s, kept: keptOf(r)}
	if p.kept.Born == 0 {
		return now, nil
	}
	if err := r.into(&p.spec); err != nil {
		return 0, err
	}
	for _, t := range jobTypes() {
		if t.described == nil || !t.wanted(p.spec) {
			continue
		}
		job, err := s.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: aws.String(t.described(p).name)})
		switch {
		case err != nil && !k.is(err, mlops.NotFound):
			return 0, err
		case err == nil && unfinished(job.ProcessingJobStatus):
			return now, nil
		}
	}
	return p.kept.Born, nil
}

// unfinished reports whether a job ended without its results.
func unfinished(s types.ProcessingJobStatus) bool {
	return s == types.ProcessingJobStatusFailed || s == types.ProcessingJobStatusStopped
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
		return "", mlops.InvalidField("baseline.uri", "%q is a directory; give a file", b.URI)
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

// description is a job that describes the baseline.
type description struct {
	name    string
	native  string // under which its ARN is shown
	request func(monitorPlan) (*sagemaker.CreateProcessingJobInput, error)
}

// dataDescription is the analyzer's job on the baseline.
func (p monitorPlan) dataDescription() description {
	return description{p.baselineJobName(), "baseline_job_arn", monitorPlan.baselineJob}
}

// baselineDescribed starts a job that describes the baseline, and reports whether it
// is waited for. One that was started before, for the same data, is left alone.
func (k monitorKind) baselineDescribed(ctx context.Context, p monitorPlan, d description) (waiting bool, err error) {
	job, err := p.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &d.name})
	if err == nil && job.ProcessingJobStatus == types.ProcessingJobStatusCompleted {
		return false, nil
	}
	if err == nil || !k.is(err, mlops.NotFound) {
		return true, err
	}
	in, err := d.request(p)
	if err != nil {
		return true, err
	}
	in.Tags = sagemakerTags(withoutRecord(k.tagsFor(p.place.spec, p.spec.Labels, nil)))
	if err := override(in, patchOf(p.spec.Overrides, overridesBaseline)); err != nil {
		return true, wrongOverrides(err)
	}
	_, err = p.c.sagemaker.CreateProcessingJob(ctx, in)
	return true, err
}

// lookAtBaseline adds to a look how far a description of the baseline is, and
// reports whether it is there.
func (k monitorKind) lookAtBaseline(ctx context.Context, p monitorPlan, d description, seen *monitorSeen) (described bool, err error) {
	job, err := p.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &d.name})
	switch {
	case k.is(err, mlops.NotFound):
		hold(seen, "the baseline is not described yet", true)
		return false, nil
	case err != nil:
		return false, err
	case unfinished(job.ProcessingJobStatus):
		seen.Phase = mlops.PhaseFailed
		seen.Reason = "the job that describes the baseline failed: " + aws.ToString(job.FailureReason) + aws.ToString(job.ExitMessage)
		return false, nil
	case job.ProcessingJobStatus != types.ProcessingJobStatusCompleted:
		hold(seen, "the baseline is being described by the job "+d.name, false)
		return false, nil
	}
	seen.Native[d.native] = aws.ToString(job.ProcessingJobArn)
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
	from, to := analyzerRoot+"/input/baseline_dataset_input", analyzerRoot+"/output"
	in := p.describingJob(p.baselineJobName(), image)
	in.Environment = map[string]string{
		"dataset_format": form, "dataset_source": from, "output_path": to, "publish_cloudwatch_metrics": disabled,
	}
	in.ProcessingInputs = []types.ProcessingInput{{
		InputName: aws.String("baseline_dataset_input"),
		S3Input: &types.ProcessingS3Input{
			S3Uri: &p.kept.Baseline, LocalPath: &from, S3DataType: types.ProcessingS3DataTypeS3Prefix,
			S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
		},
	}}
	in.ProcessingOutputConfig.Outputs = []types.ProcessingOutput{{
		OutputName: aws.String("monitoring_output"),
		S3Output:   &types.ProcessingS3Output{S3Uri: aws.String(p.place.uri(p.folder() + p.baselineJobName())), LocalPath: &to, S3UploadMode: types.ProcessingS3UploadModeEndOfJob},
	}}
	return in, nil
}

// describingJob is what the jobs that describe a baseline have in common.
func (p monitorPlan) describingJob(name, image string) *sagemaker.CreateProcessingJobInput {
	return &sagemaker.CreateProcessingJobInput{
		ProcessingJobName:      &name,
		RoleArn:                &p.place.Role,
		AppSpecification:       &types.AppSpecification{ImageUri: &image},
		ProcessingOutputConfig: &types.ProcessingOutputConfig{KmsKeyId: optional(p.place.Key)},
		ProcessingResources: &types.ProcessingResources{ClusterConfig: &types.ProcessingClusterConfig{
			InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceType(monitorMachine), VolumeSizeInGB: aws.Int32(monitorVolume), VolumeKmsKeyId: optional(p.place.Key),
		}},
		StoppingCondition: &types.ProcessingStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(monitorLongestJob.Seconds()))},
		NetworkConfig:     p.place.processingNetwork(),
	}
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
