package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// runResult is what came of a run, kept beside its outputs when it has succeeded.
type runResult struct {
	Outputs map[string]string  `json:"outputs"`
	Metrics map[string]float64 `json:"metrics"`
	Lineage *mlops.Lineage     `json:"lineage"`
	Skipped map[string]string  `json:"skipped,omitempty"` // why steps did not run, by step
	Problem string             `json:"problem,omitempty"` // why the run is no success after all
}

const (
	maxResult  = 4 << 20
	maxMetrics = 1 << 20
)

// addResult adds what came of a run that succeeded. A run of a configuration is
// ready when that is kept; one of a schedule is read as it is.
func (k pipelineRunKind) addResult(ctx context.Context, s scene, e execution, seen *runObserved) error {
	seen.Phase = mlops.PhaseReady
	result, err := k.keptResult(ctx, s, e)
	switch {
	case err == nil:
	case !k.is(err, mlops.NotFound):
		return err
	case e.record != nil:
		seen.Phase, seen.Reason, seen.Due = mlops.PhasePending, "its outputs are being read", true
		return nil
	default:
		result, err = k.collect(ctx, s, e, false)
	}
	if err != nil {
		return err
	}
	if result.Problem != "" {
		seen.Phase, seen.Reason, seen.Status.State = mlops.PhaseFailed, result.Problem, mlops.RunFailed
	}
	seen.Status.Outputs, seen.Status.Metrics, seen.Status.Lineage = result.Outputs, result.Metrics, result.Lineage
	for step, reason := range result.Skipped {
		seen.Status.Steps[step] = mlops.StepRun{State: mlops.RunSkipped, Reason: reason, FinishedAt: seen.Status.FinishedAt}
	}
	return nil
}

// resultKey is where a run's result is kept: with its pipeline, so that it outlives
// the outputs, which retention removes.
func resultKey(s scene, run string) string {
	return s.place.key("pipelines/" + s.id.Name() + "/results/" + run + ".json")
}

// keptResult reads the result of a run; NotFound while none is kept.
func (k pipelineRunKind) keptResult(ctx context.Context, s scene, e execution) (result runResult, err error) {
	raw, err := s.files.getBytes(ctx, resultKey(s, e.id), maxResult)
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(raw, &result)
}

// stands reports whether a run is under way or succeeded: whether it is what was
// asked for.
func (k pipelineRunKind) stands(ctx context.Context, s scene, e execution) (bool, error) {
	switch e.status {
	case types.PipelineExecutionStatusFailed, types.PipelineExecutionStatusStopped:
		return false, nil
	case types.PipelineExecutionStatusSucceeded:
		result, err := k.keptResult(ctx, s, e)
		if k.is(err, mlops.NotFound) {
			return true, nil
		}
		return result.Problem == "", err
	}
	return true, nil
}

// Advance keeps what came of a run, or forgets one that was stopped.
func (k pipelineRunKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, e, err := k.execution(ctx, ref)
	if err != nil {
		return err
	}
	if e.note == deletingRun {
		if !ended(e.status) {
			return nil
		}
		return k.remove(ctx, s, e)
	}
	if e.status != types.PipelineExecutionStatusSucceeded || e.record == nil {
		return nil
	}
	result, err := k.collect(ctx, s, e, true)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return s.files.putBytes(ctx, resultKey(s, e.id), raw)
}

// collect reads what a run wrote: where its outputs are, its metrics and, with
// evidence, the digests of it all.
func (k pipelineRunKind) collect(ctx context.Context, s scene, e execution, evidence bool) (runResult, error) {
	r := runResult{Outputs: map[string]string{}, Metrics: map[string]float64{}}
	pipeline, err := k.pipelineOf(ctx, s, e)
	if err != nil {
		return r, err
	}
	folders, err := k.stepFolders(ctx, s, e)
	if err != nil {
		return r, err
	}
	pipeline, r.Skipped = withoutSkipped(pipeline, folders)
	for step, outputs := range outputsOf(pipeline) {
		for _, o := range outputs {
			r.Outputs[step+"."+o] = s.place.uri(path.Join(folders[step], o, outputFolder, o))
		}
	}
	if evidence {
		var digests map[string]string
		if digests, r.Problem, err = k.digests(ctx, s, r.Outputs); err != nil || r.Problem != "" {
			return r, err
		}
		r.Lineage = lineageOf(e, pipeline, digests)
	}
	r.Problem, err = k.readMetrics(ctx, s, r)
	return r, err
}

// digests are those of a run's outputs. One that is not there is a problem of the
// run, in words: a step in an image of the user's need not have written it.
func (k pipelineRunKind) digests(ctx context.Context, s scene, outputs map[string]string) (digests map[string]string, problem string, err error) {
	digests = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(outputs)) {
		digests[key], _, err = s.files.digest(ctx, outputs[key])
		if k.is(err, mlops.NotFound) {
			step, output, _ := strings.Cut(key, ".")
			return nil, fmt.Sprintf("step %q: it succeeded and did not write its output %q", step, output), nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("the output %s: %w", key, err)
		}
	}
	return digests, "", nil
}

// pipelineOf is the pipeline as it was when the run started, if the record says
// which that was, or as it is.
func (k pipelineRunKind) pipelineOf(ctx context.Context, s scene, e execution) (mlops.PipelineSpec, error) {
	seen, err := pipelineKind(k).look(ctx, s)
	if err != nil {
		return mlops.PipelineSpec{}, err
	}
	now, err := pipelineKind(k).pipelineSpec(ctx, s, seen)
	if err != nil || e.record == nil || now.Version() == e.facts.Version {
		return now, err
	}
	then := mlops.PipelineSpec{Steps: map[string]mlops.Step{}}
	for step, outputs := range e.facts.Outputs {
		then.Steps[step] = mlops.Step{Outputs: outputs}
	}
	return then, nil
}

// stepFolders are where the outputs of the steps are that ran, or those that took
// their place.
func (k pipelineRunKind) stepFolders(ctx context.Context, s scene, e execution) (map[string]string, error) {
	folders := map[string]string{}
	pages := sagemaker.NewListPipelineExecutionStepsPaginator(s.c.sagemaker, &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: &e.arn, MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range page.PipelineExecutionSteps {
			from, step := e.id, aws.ToString(x.StepName)
			if x.CacheHitResult != nil {
				from = lastSegment(aws.ToString(x.CacheHitResult.SourcePipelineExecutionArn))
			}
			folders[step] = stepFolder(from, step, x.Metadata)
		}
	}
	return folders, nil
}

// stepFolder is below the environment where a step of a run left its outputs: those
// of a training job are in its artifact.
func stepFolder(run, step string, m *types.PipelineExecutionStepMetadata) string {
	at := path.Join("runs", run, step)
	if m == nil || m.TrainingJob == nil {
		return at
	}
	return path.Join(at, lastSegment(aws.ToString(m.TrainingJob.Arn)), artifactFolder)
}

// readMetrics reads every output named metrics. What is no flat object of numbers
// is a problem of the run, in words.
func (k pipelineRunKind) readMetrics(ctx context.Context, s scene, r runResult) (problem string, err error) {
	for _, key := range slices.Sorted(maps.Keys(r.Outputs)) {
		step, output, _ := strings.Cut(key, ".")
		if output != "metrics" {
			continue
		}
		raw, err := s.files.getBytes(ctx, strings.TrimPrefix(r.Outputs[key], "s3://"+s.place.Bucket+"/"), maxMetrics)
		if k.is(err, mlops.NotFound) {
			continue // removed by retention since: the digests saw it where that matters
		}
		if err != nil {
			return "", fmt.Errorf("the metrics of step %q: %w", step, err)
		}
		var values map[string]any
		if err := json.Unmarshal(raw, &values); err != nil {
			return fmt.Sprintf("step %q: metrics must be a flat JSON object of numbers: %v", step, err), nil
		}
		metrics, err := mlops.ReadMetrics(values)
		if err != nil {
			return fmt.Sprintf("step %q: %v", step, err), nil
		}
		maps.Copy(r.Metrics, metrics)
	}
	return "", nil
}

// lineageOf is the evidence of a run.
func lineageOf(e execution, pipeline mlops.PipelineSpec, digests map[string]string) *mlops.Lineage {
	l := &mlops.Lineage{
		PipelineVersion: e.facts.Version, Parameters: filled(e.facts.Values), Engine: "Amazon SageMaker Pipelines",
		Steps: map[string]mlops.StepLineage{}, Datasets: e.facts.Datasets,
	}
	for name, step := range pipeline.Steps {
		one := mlops.StepLineage{Code: mlops.DigestOf([]any{step.Script, step.Command, step.Image}), Packages: orNone(step.Packages), Inputs: map[string]string{}, Outputs: map[string]string{}}
		for _, o := range step.Outputs {
			one.Outputs[o] = digests[name+"."+o]
		}
		for in, text := range step.Inputs {
			if d := inputDigest(text, digests, e.facts.Datasets); d != "" {
				one.Inputs[in] = d
			}
		}
		l.Steps[name] = one
	}
	return l
}

// inputDigest is that of what an input's template refers to, empty where nobody
// knows it.
func inputDigest(text string, outputs map[string]string, datasets map[mlops.ID]mlops.DatasetVersion) string {
	t, err := mlops.ParseTemplate(text)
	if err != nil || len(t.References()) != 1 {
		return ""
	}
	r := t.References()[0]
	if r.Kind == mlops.RefStepOutput {
		return outputs[r.Step+"."+r.Name]
	}
	for id, d := range datasets {
		if r.Kind == mlops.RefDataset && id.Name() == r.Name {
			return d.Digest
		}
	}
	return ""
}
