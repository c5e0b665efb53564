package sagemaker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Limits of processing jobs. Source: the API's model.
const (
	maxEntrypoint = 256 // characters of one argument
	maxJobValue   = 256 // characters of one variable
)

// Preflight refuses what only SageMaker does not have; see mlops.Preflighter.
func (k pipelineKind) Preflight(_ context.Context, spec mlops.PipelineSpec, c *mlops.Checker) error {
	checkPipeline(c, spec)
	return nil
}

// checkPipeline refuses what would fail later, or mean something else.
func checkPipeline(c *mlops.Checker, spec mlops.PipelineSpec) {
	if s := spec.Schedule; s != nil {
		if _, err := schedulerCron(s.Cron); err != nil {
			c.Add(mlops.At("schedule", "cron"), "Not a schedule of EventBridge", "%s.", err)
		}
	}
	if spec.Parallelism > maxParallel {
		c.Add(mlops.At("parallelism"), "Too many at once", "SageMaker runs at most %d steps of a pipeline at once.", maxParallel)
	}
	if spec.Definition != "" {
		if err := checkDefinition(spec.Definition); err != nil {
			c.Add(mlops.At("definition"), "Not a pipeline of SageMaker", "%s.", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		checkStep(c, mlops.At("steps", mlops.Key(name)), spec.Steps[name])
	}
}

func checkStep(c *mlops.Checker, at mlops.Path, s mlops.Step) {
	if _, err := resolveType("processing", s.Compute); err != nil {
		c.Add(at.With("compute"), "No such machine", "%s.", err)
	}
	if !direct(s) {
		return
	}
	if s.Retry != nil {
		c.Add(at.With("retry"), "Not available on sagemaker", "SageMaker repeats only what it fails at itself, and a command in an image of yours is run as it is: leave retry out, or give the step a script.")
	}
	for i, part := range s.Command {
		if len(part) > maxEntrypoint {
			c.Add(at.With("command", i), "Argument too long", "An argument of a container has at most %d characters; this has %d. Give the step a script.", maxEntrypoint, len(part))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		if n := len(s.Env[key]); n > maxJobValue {
			c.Add(at.With("env", mlops.Key(key)), "Value too long", "A variable of a container has at most %d characters; this has %d. Give the step a script.", maxJobValue, n)
		}
	}
}

// checkDefinition looks at what every definition must have.
func checkDefinition(text string) error {
	d, err := parseDefinition(text)
	switch {
	case err != nil:
		return fmt.Errorf("it is no JSON object: %w", err)
	case d.Version != definitionVersion:
		return fmt.Errorf("its Version is %q, and SageMaker knows %q", d.Version, definitionVersion)
	case len(d.Steps) == 0:
		return fmt.Errorf("it has no Steps")
	}
	return nil
}
