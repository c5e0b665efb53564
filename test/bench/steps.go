package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// measureSteps runs a pipeline of steps that do nothing and reports what the
// engine itself needs for each: starting, recording and following it. The
// steps' own processes are not counted.
func measureSteps(ctx context.Context, s site) (out []result, err error) {
	steps := 1000
	if s.short {
		steps = 200
	}
	l, err := openLab(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	pipeline, err := create(ctx, l, mlops.NounPipeline, l.backend.Pipelines(), idlePipeline(l.environment, steps))
	if err != nil {
		return nil, err
	}
	before, err := l.engine.cpu(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	run, err := create(ctx, l, mlops.NounPipelineRun, l.backend.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: pipeline.Ref})
	if err != nil {
		return nil, err
	}
	wall := time.Since(begin)
	after, err := l.engine.cpu(ctx)
	if err != nil {
		return nil, err
	}
	if ran := len(run.Status.Steps); ran != steps {
		return nil, fmt.Errorf("%d steps ran, not %d", ran, steps)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(steps) }
	return []result{
		atMost(fmt.Sprintf("pipeline of %d steps, engine CPU per step", steps), each(after-before), "ms", 5),
		figure(fmt.Sprintf("pipeline of %d steps, wall time per step", steps), each(wall), "ms"),
	}, nil
}

// idlePipeline has steps in rows of ten, each of which waits for the row before.
func idlePipeline(environment mlops.ID, steps int) mlops.PipelineSpec {
	p := mlops.PipelineSpec{Environment: environment, Name: "idle", Steps: map[string]mlops.Step{}}
	name := func(i int) string { return fmt.Sprintf("step-%04d", i) }
	for i := range steps {
		step := mlops.Step{Command: []string{"true"}, NoCache: true}
		if i >= 10 {
			step.After = []string{name(i - 10)}
		}
		p.Steps[name(i)] = step
	}
	return p
}
