package provider

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// runTrigger is the trigger that makes each run of the action another one.
const runTrigger = "action"

func runPipeline() *deed[runPipelineModel] {
	const limit = 2 * time.Hour
	return &deed[runPipelineModel]{
		name: "run_pipeline",
		doc: "Runs a pipeline once, now. Each invocation is another run, which no resource has: " +
			"the retention of its environment ends it, and it goes with its pipeline. " +
			"`data \"mlops_pipeline_run\"` with a `state` finds it. " +
			"An invocation that is interrupted leaves the run going.",
		attributes: attributes{
			"pipeline":   requiredText("ID of the pipeline."),
			"parameters": textMap("Values of the pipeline's parameters, in text form. Those that are left out have their defaults."),
			"wait": schema.BoolAttribute{
				MarkdownDescription: "Whether to wait for the end of the run, and to fail if it fails. Default: `true`.",
				Optional:            true,
			},
			"timeout": timeLimit(limit),
		},
		limit: func(m runPipelineModel) time.Duration { return durationOf(m.Timeout).Or(limit) },
		check: func(c *mlops.Checker, m runPipelineModel) {
			checkReference(c, "pipeline", m.Pipeline, mlops.NounPipeline)
		},
		do: doRunPipeline,
	}
}

type runPipelineModel struct {
	Pipeline   *string           `tfsdk:"pipeline"`
	Parameters map[string]string `tfsdk:"parameters"`
	Wait       *bool             `tfsdk:"wait"`
	Timeout    *string           `tfsdk:"timeout"`
}

type seenRun = mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

func doRunPipeline(ctx context.Context, p *platforms, m runPipelineModel, say func(string)) error {
	pipeline := idOf(m.Pipeline)
	target, err := targetOf(ctx, p, pipeline.Backend(), mlops.NounPipelineRun, mlops.Backend.PipelineRuns)
	if err != nil {
		return err
	}
	spec := mlops.PipelineRunSpec{
		Pipeline: pipeline, Parameters: m.Parameters, Detached: true,
		Triggers: map[string]string{runTrigger: rand.Text()},
	}
	started := func(c mlops.Change) { say("started " + string(c.Ref)) }
	if !valueOr(m.Wait, true) {
		_, err := target.Start(ctx, spec, started)
		return during("start", err)
	}
	var steps stepNews
	target.Saw = func(seen seenRun) { steps.tell(seen.Status.Steps, say) }
	seen, err := target.Create(ctx, spec, started)
	if err != nil {
		return during("finish", err)
	}
	say(succeeded(seen))
	return nil
}

// stepNews tells of each step whose state changed since the last look.
type stepNews map[string]mlops.RunState

func (n *stepNews) tell(steps map[string]mlops.StepRun, say func(string)) {
	if *n == nil {
		*n = stepNews{}
	}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		step := steps[name]
		if (*n)[name] == step.State || step.State == mlops.RunQueued {
			continue
		}
		(*n)[name] = step.State
		text := fmt.Sprintf("step %s: %s", name, step.State)
		if step.Cached {
			text += ", outputs taken from an earlier run"
		}
		say(text)
	}
}

// succeeded says in words how a run ended.
func succeeded(seen seenRun) string {
	s := seen.Status
	text := string(seen.Ref) + " succeeded"
	if took := s.FinishedAt.Sub(s.StartedAt); took > 0 {
		text += " in " + took.Round(time.Millisecond).String()
	}
	var metrics []string
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		metrics = append(metrics, fmt.Sprintf("%s = %g", name, s.Metrics[name]))
	}
	if len(metrics) > 0 {
		text += ": " + strings.Join(metrics, ", ")
	}
	return text
}
