package kubernetes

import (
	"cmp"
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// startingDeadline is for how many seconds after its time a run is still started that
// was missed, while Argo's controller was away.
const startingDeadline = 600

// keptRuns is how many runs of a schedule stay, of those that succeeded and of those
// that failed.
const keptRuns = 10

// cronSpec is what the provider says of a CronWorkflow.
type cronSpec struct {
	Schedules   []string       `json:"schedules"`
	Timezone    string         `json:"timezone"`
	Suspend     bool           `json:"suspend"`
	Concurrency string         `json:"concurrencyPolicy"`
	Deadline    int64          `json:"startingDeadlineSeconds"`
	Succeeded   int64          `json:"successfulJobsHistoryLimit"`
	Failed      int64          `json:"failedJobsHistoryLimit"`
	Metadata    map[string]any `json:"workflowMetadata"`
	Workflow    workflowSpec   `json:"workflowSpec"`
}

// cronManifest starts the pipeline with its defaults, and with the datasets as they
// are now: Argo cannot look them up. A dataset that changes says so by repoint.
func (k pipelineKind) cronManifest(ctx context.Context, s scene, spec mlops.PipelineSpec) (manifest, error) {
	datasets, err := k.datasetsOf(ctx, spec)
	if err != nil {
		return manifest{}, err
	}
	return s.cronManifest(spec, statuses(datasets))
}

// cronManifest starts the pipeline with its defaults, and with datasets as they are by
// name.
func (s scene) cronManifest(spec mlops.PipelineSpec, datasets map[string]mlops.DatasetStatus) (manifest, error) {
	values, err := spec.Resolve(nil)
	if err != nil {
		return manifest{}, err
	}
	at, err := artifactsOf(s.layout)
	if err != nil {
		at = artifacts{layout: s.layout}
	}
	given, err := at.given(spec, runVariable, values, datasets)
	if err != nil {
		return manifest{}, err
	}
	cron := cronOf(spec.Schedule)
	cron.Workflow = workflowSpec{TemplateRef: &workflowRef{s.id.Name()}, Arguments: given, ServiceAccount: s.serviceAccount}
	// No record: the controller names these runs.
	cron.Metadata = map[string]any{"labels": s.runLabels(s.id.Name()), "annotations": map[string]string{notePipeline: string(s.id)}}
	return s.component(s.cronOf(), map[string]any{"spec": cron}, nil), nil
}

// cronOf is a schedule in Argo's words.
func cronOf(of *mlops.Schedule) cronSpec {
	return cronSpec{
		Schedules: []string{of.Cron}, Timezone: cmp.Or(of.Timezone, "UTC"), Suspend: of.Disabled,
		Concurrency: "Forbid", Deadline: startingDeadline, Succeeded: keptRuns, Failed: keptRuns,
	}
}

// checkSchedule refuses a schedule that Argo takes and then never carries out.
func checkSchedule(c *mlops.Checker, spec mlops.PipelineSpec) {
	if spec.Schedule == nil {
		return
	}
	if _, err := schedule.Parse(*spec.Schedule); err != nil {
		c.Add(mlops.At("schedule", "cron"), "Not a schedule", "%s.", err)
	}
	check := mlops.NewChecker()
	spec.CheckParameters(check, mlops.At("schedule"), nil)
	if check.Err() != nil {
		for _, p := range check.Problems() {
			c.Add(mlops.At("schedule"), "Missing default", "A schedule starts runs without values: %s", p.Detail)
		}
	}
}

// runLabels are the labels of a pipeline's runs, and of their pods.
func (l layout) runLabels(pipeline string) map[string]string {
	labels := labelsFor(l.spec, mlops.NounPipelineRun, pipeline, nil)
	labels[labelPipeline] = pipeline
	return labels
}
