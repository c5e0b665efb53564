package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Limits of processing jobs. Source: the API's model; of their time, the service's
// quotas.
const (
	maxEntrypoint   = 256 // characters of one argument
	maxArguments    = 100
	maxJobValue     = 256 // characters of one variable
	maxJobVariables = 100
	maxJobInputs    = 10
	maxJobOutputs   = 10
	maxVolume       = 16384 // GiB
	maxParameters   = 200
	maxRunValue     = 1024 // characters of a parameter's value
)

// Preflight refuses what only SageMaker does not have, and what this environment
// does not; see mlops.Preflighter.
func (k pipelineKind) Preflight(ctx context.Context, spec mlops.PipelineSpec, c *mlops.Checker) error {
	checkPipeline(c, spec)
	p, err := k.place(ctx, spec.Environment)
	if err != nil {
		if k.is(err, mlops.NotFound) {
			return nil // it is made by the same apply
		}
		return err
	}
	checkIsolation(c, spec, p)
	return nil
}

// checkIsolation refuses packages where a job has no network to fetch them by.
func checkIsolation(c *mlops.Checker, spec mlops.PipelineSpec, p place) {
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		if p.Isolated && len(spec.Steps[name].Packages) > 0 {
			c.Add(mlops.At("steps", mlops.Key(name), "packages"), "No network",
				"The environment isolates its jobs from the network, so that no packages can be installed: use an image that has them.")
		}
	}
}

// checkPipeline refuses what would fail later, or mean something else.
func checkPipeline(c *mlops.Checker, spec mlops.PipelineSpec) {
	checkPipelineSchedule(c, spec)
	checkDefaults(c, spec)
	checkConditions(c, spec)
	if n := len(spec.Parameters) + len(spec.Datasets()); n > maxParameters {
		c.Add(mlops.At("parameters"), "Too many parameters", "A pipeline of SageMaker has at most %d parameters, and each dataset is one; these are %d.", maxParameters, n)
	}
	if spec.Definition != "" {
		if err := checkDefinition(spec.Definition); err != nil {
			c.Add(mlops.At("definition"), "Not a pipeline of SageMaker", "%s.", err)
		}
	}
	region, _ := regionOf(spec.Environment) // "" while it is not known
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		checkStep(c, mlops.At("steps", mlops.Key(name)), spec.Steps[name])
		checkImageRegion(c, mlops.At("steps", mlops.Key(name), "image"), spec.Steps[name].Image, region)
	}
}

func checkPipelineSchedule(c *mlops.Checker, spec mlops.PipelineSpec) {
	if spec.Schedule == nil {
		return
	}
	if _, err := schedulerCron(spec.Schedule.Cron); err != nil {
		c.Add(mlops.At("schedule", "cron"), "Not a schedule of EventBridge", "%s.", err)
	}
}

// checkDefaults refuses empty defaults where nothing makes them empty again: see
// emptyValue.
func checkDefaults(c *mlops.Checker, spec mlops.PipelineSpec) {
	use := useOfParameters(spec)
	for _, name := range slices.Sorted(maps.Keys(spec.Parameters)) {
		d := spec.Parameters[name].Default
		if d != nil && *d == "" && (use.raw[name] || spec.Definition != "") {
			c.Add(mlops.At("parameters", mlops.Key(name), "default"), "Empty default",
				"SageMaker passes no empty value to what uses this: an input, or a command in an image of yours. Give it a value that is understood as none.")
		}
	}
}

func checkStep(c *mlops.Checker, at mlops.Path, s mlops.Step) {
	checkMachine(c, at.With("compute"), useOf(s), s.Compute)
	if s.Compute != nil && volumeOf(s.Compute) > maxVolume {
		c.Add(at.With("compute", "disk"), "Disk too large", "A job's disk has at most %d GiB.", maxVolume)
	}
	if needed := neededTime(s); needed > longestJob*time.Second {
		c.Add(at.With("timeout"), "Too long", "All attempts are one job of SageMaker, which ends after %s; with pauses these may take %s.", longestJob*time.Second, needed)
	}
	inputs := maxJobInputs
	if s.OnSpot() {
		inputs = maxChannels
	}
	if n := len(stepData(s)); n > inputs-1 {
		c.Add(at.With("inputs"), "Too many inputs", "A job has at most %d inputs, one of them for the step's program; this step reads %d.", inputs, n)
	}
	if n := len(s.Outputs); n > maxJobOutputs && !s.OnSpot() {
		c.Add(at.With("outputs"), "Too many outputs", "A job has at most %d outputs; this has %d.", maxJobOutputs, n)
	}
	if direct(s) {
		checkDirect(c, at, s)
	}
}

// stepData are the references to data that a step's job has inputs for.
func stepData(s mlops.Step) map[string]bool {
	found := map[string]bool{}
	for name := range s.Inputs {
		found["inputs."+name] = true
	}
	for _, text := range append(slices.Collect(maps.Values(s.Env)), s.Command...) {
		t, err := mlops.ParseTemplate(text)
		if err != nil {
			continue // the portable rules tell
		}
		for _, r := range t.References() {
			if r.Kind == mlops.RefStepOutput || r.Kind == mlops.RefDataset {
				found[r.String()] = true
			}
		}
	}
	return found
}

// checkDirect refuses what a container without our program cannot do.
func checkDirect(c *mlops.Checker, at mlops.Path, s mlops.Step) {
	if s.Retry != nil {
		c.Add(at.With("retry"), "Not available on sagemaker", "SageMaker repeats only what it fails at itself, and a command in an image of yours is run as it is: leave retry out, or give the step a script.")
	}
	if s.OnSpot() && len(s.Command) == 0 {
		c.AddIf(at.With("command"), []mlops.Path{at.With("command"), at.With("script"), at.With("compute", "spot")}, "Not available on sagemaker",
			"A training job starts an image with the argument \"train\", and makes no folders for its outputs: give the step the command to run, or leave spot out.")
	}
	if n := len(s.Command) + len(makesFolders(s)); n > maxArguments {
		c.Add(at.With("command"), "Too many arguments", "A container has at most %d arguments; this has %d. Give the step a script.", maxArguments, n)
	}
	for i, part := range s.Command {
		if len(part) > maxEntrypoint {
			c.Add(at.With("command", i), "Argument too long", "An argument of a container has at most %d characters; this has %d. Give the step a script.", maxEntrypoint, len(part))
		}
	}
	if n := len(s.Env) + len(s.Inputs) + len(s.Outputs); n > maxJobVariables {
		c.Add(at.With("env"), "Too many variables", "A container has at most %d variables, and each input and output is one; these are %d. Give the step a script.", maxJobVariables, n)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		if n := len(s.Env[key]); n > maxJobValue {
			c.Add(at.With("env", mlops.Key(key)), "Value too long", "A variable of a container has at most %d characters; this has %d. Give the step a script.", maxJobValue, n)
		}
		if !environName.MatchString(key) {
			c.Add(at.With("env", mlops.Key(key)), "Not a name here", "The name of a container's variable has letters, digits and underscores; %q has others. Give the step a script.", key)
		}
	}
}

// checkDefinition looks at what every definition must have.
func checkDefinition(text string) error {
	version, steps, err := readDefinition(text)
	switch {
	case err != nil:
		return fmt.Errorf("it is no JSON object: %w", err)
	case version != definitionVersion:
		return fmt.Errorf("its Version is %q, and SageMaker knows %q", version, definitionVersion)
	case steps == 0:
		return errors.New("it has no Steps")
	}
	return nil
}

// Preflight refuses values that SageMaker does not take; see mlops.Preflighter.
func (k pipelineRunKind) Preflight(_ context.Context, spec mlops.PipelineRunSpec, c *mlops.Checker) error {
	checkRun(c, spec)
	return nil
}

func checkRun(c *mlops.Checker, spec mlops.PipelineRunSpec) {
	for _, name := range slices.Sorted(maps.Keys(spec.Parameters)) {
		if n := len([]rune(spec.Parameters[name])); n > maxRunValue {
			c.Add(mlops.At("parameters", mlops.Key(name)), "Value too long", "A parameter's value has at most %d characters; this has %d.", maxRunValue, n)
		}
	}
}
