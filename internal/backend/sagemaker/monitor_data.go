package sagemaker

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed preprocess.py
var preprocess string

// The containers' own paths, and what monitoring jobs run on.
const (
	analyzerRoot      = "/opt/ml/processing"
	monitorMachine    = "ml.m5.xlarge"
	monitorVolume     = 20 // GiB
	monitorLongestJob = 1800 * time.Second
	maxConstraints    = 16 << 20
)

// dataMonitor names the parts of a monitor that compares data. All are named by
// what they are made from, so that a change makes new ones.
type dataMonitor struct {
	baseline   string // URI of the data
	format     string
	job        string // name of the job that describes the baseline
	definition string // name of the job definition
	folder     string // key of what is kept for this baseline
}

// dataMonitorOf names the parts of a monitor whose baseline is kept at a URI.
func dataMonitorOf(s monitorScene, spec mlops.MonitorSpec, baseline string) dataMonitor {
	m := dataMonitor{baseline: baseline, format: cmp.Or(spec.Baseline.Format, mlops.FormatOf(baseline), "csv")}
	short := nativeName(s.id, maxName-1-len(shortHash("")))
	m.job = short + "-" + shortHash(baseline+"\n"+m.format)
	m.definition = short + "-" + shortHash(mlops.DigestOf([]any{
		m.baseline, spec.Baseline, spec.DataDrift, spec.DataQuality, spec.Endpoint, spec.Window, s.place.Role, s.place.Key, s.place.Subnets, s.place.Groups,
	}))
	m.folder = "monitors/" + spec.Name + "/" + m.job
	return m
}

// keepBaseline says where a monitor's baseline is, empty for one that has none.
// Files of this machine are sent to the bucket, and named by their content.
func (k monitorKind) keepBaseline(ctx context.Context, s monitorScene, spec mlops.MonitorSpec) (string, error) {
	if !watchesData(spec) {
		return "", nil
	}
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
	return from.put(ctx, files, s.place, s.place.key("monitors/"+spec.Name+"/baseline/"+strings.TrimPrefix(digest, "sha256:")+"/"), digest)
}

// baselineOf is what keepBaseline said when the record was written.
func baselineOf(r record) string {
	var uri string
	if json.Unmarshal(r.Extra, &uri) != nil {
		return ""
	}
	return uri
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

// startBaseline starts the job that describes the baseline. One that was started
// before, for the same data, is left alone.
func (k monitorKind) startBaseline(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, baseline string) error {
	m := dataMonitorOf(s, spec, baseline)
	_, err := s.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &m.job})
	if err == nil || !k.is(err, mlops.NotFound) {
		return err
	}
	in, err := baselineJob(s, m)
	if err != nil {
		return err
	}
	in.Tags = sagemakerTags(withoutRecord(k.tagsFor(s.place.spec, spec.Labels, nil)))
	_, err = s.c.sagemaker.CreateProcessingJob(ctx, in)
	return err
}

// baselineJob is the analyzer's job on the baseline. Its settings are those that
// its documentation gives for a baseline: where the data are, and in which form.
func baselineJob(s monitorScene, m dataMonitor) (*sagemaker.CreateProcessingJobInput, error) {
	image, err := s.c.analyzerImage()
	if err != nil {
		return nil, err
	}
	form, err := datasetForm(m.format)
	if err != nil {
		return nil, err
	}
	in, out := analyzerRoot+"/input/baseline_dataset_input", analyzerRoot+"/output"
	return &sagemaker.CreateProcessingJobInput{
		ProcessingJobName: &m.job,
		RoleArn:           &s.place.Role,
		AppSpecification:  &types.AppSpecification{ImageUri: &image},
		Environment: map[string]string{
			"dataset_format": form, "dataset_source": in, "output_path": out, "publish_cloudwatch_metrics": disabled,
		},
		ProcessingInputs: []types.ProcessingInput{{
			InputName: aws.String("baseline_dataset_input"),
			S3Input: &types.ProcessingS3Input{
				S3Uri: &m.baseline, LocalPath: &in, S3DataType: types.ProcessingS3DataTypeS3Prefix,
				S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
			},
		}},
		ProcessingOutputConfig: &types.ProcessingOutputConfig{
			KmsKeyId: optional(s.place.Key),
			Outputs: []types.ProcessingOutput{{
				OutputName: aws.String("monitoring_output"),
				S3Output:   &types.ProcessingS3Output{S3Uri: aws.String(s.place.uri(m.folder + "/suggested")), LocalPath: &out, S3UploadMode: types.ProcessingS3UploadModeEndOfJob},
			}},
		},
		ProcessingResources: &types.ProcessingResources{ClusterConfig: &types.ProcessingClusterConfig{
			InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceType(monitorMachine), VolumeSizeInGB: aws.Int32(monitorVolume), VolumeKmsKeyId: optional(s.place.Key),
		}},
		StoppingCondition: &types.ProcessingStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(monitorLongestJob.Seconds()))},
		NetworkConfig:     s.place.processingNetwork(),
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
