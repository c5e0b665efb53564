package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// queued is the status of a run that is accepted and not begun.
func queued(id mlops.ID, pipeline mlops.PipelineSpec) mlops.PipelineRunStatus {
	status := mlops.PipelineRunStatus{
		Run: id.Name(), State: mlops.RunQueued, StartedAt: time.Now().UTC(),
		Outputs: map[string]string{}, Metrics: map[string]float64{}, Steps: map[string]mlops.StepRun{},
	}
	for name := range pipeline.Steps {
		status.Steps[name] = mlops.StepRun{State: mlops.RunQueued}
	}
	return status
}

// observe shows a run; while it is under way its steps are in rows of their own.
func (s *Service) observe(ctx context.Context, r record) (mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus], error) {
	o := r.Observed()
	dir, err := s.directory(ctx, r.ID)
	if err != nil {
		return o, err
	}
	o.Native = map[string]string{"directory": dir}
	if o.Status.State.Ended() {
		return o, nil
	}
	steps, err := s.Store.Steps(ctx, r.ID)
	if err != nil {
		return o, err
	}
	for name, step := range steps {
		o.Status.Steps[name] = step.StepRun
	}
	if o.Phase == mlops.PhasePending {
		o.Reason = progress(o.Status.Steps)
	}
	if trouble := s.trouble(r.ID); trouble != "" {
		o.Reason = "the engine cannot go on for now and tries again: " + trouble
	}
	return o, nil
}

// progress tells in one line how far a run is.
func progress(steps map[string]mlops.StepRun) string {
	done, running := 0, []string{}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		switch steps[name].State {
		case mlops.RunSucceeded, mlops.RunSkipped:
			done++
		case mlops.RunRunning:
			running = append(running, name)
		case mlops.RunQueued, mlops.RunFailed, mlops.RunCancelled:
		}
	}
	line := fmt.Sprintf("%d of %d steps done", done, len(steps))
	if len(running) > 0 {
		line += ", running " + brief(running)
	}
	return line
}

// brief lists a few names.
func brief(names []string) string {
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// summary folds the steps of a run that has ended into its status.
func summary(status mlops.PipelineRunStatus, plan store.RunPlan, steps map[string]store.Step, engine string) mlops.PipelineRunStatus {
	status.FinishedAt = time.Now().UTC()
	status.Steps = map[string]mlops.StepRun{}
	status.Outputs = map[string]string{}
	status.Metrics = metricsOf(steps)
	status.Lineage = &mlops.Lineage{
		PipelineVersion: plan.Pipeline.Version(), Parameters: plan.Parameters, Engine: engine,
		Steps: map[string]mlops.StepLineage{}, Datasets: map[mlops.ID]mlops.DatasetVersion{},
	}
	for _, d := range plan.Datasets {
		status.Lineage.Datasets[d.ID] = d.Version
	}
	for name := range plan.Pipeline.Steps {
		step := steps[name]
		if !step.State.Ended() {
			step.State, step.FinishedAt = mlops.RunCancelled, status.FinishedAt
		}
		status.Steps[name] = step.StepRun
		for output, path := range step.Paths {
			status.Outputs[name+"."+output] = fileURI(path)
		}
		if step.Code != "" {
			status.Lineage.Steps[name] = step.StepLineage
		}
	}
	return status
}

// metricsOf joins the metrics of all steps. A name that several steps wrote is
// told apart by the step: "train.accuracy".
func metricsOf(steps map[string]store.Step) map[string]float64 {
	writers := map[string]int{}
	for _, step := range steps {
		for name := range step.Metrics {
			writers[name]++
		}
	}
	all := map[string]float64{}
	for stepName, step := range steps {
		for name, v := range step.Metrics {
			if writers[name] > 1 {
				name = stepName + "." + name
			}
			all[name] = v
		}
	}
	return all
}
