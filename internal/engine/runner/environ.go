package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// python is the environment that a step's programs find.
func (e *execution) python(ctx context.Context, step mlops.Step) (pyenv.Env, error) {
	if step.Script == "" && len(step.Packages) == 0 {
		return pyenv.Env{}, nil
	}
	return e.Python.Ensure(ctx, step.Packages)
}

// command returns the process's arguments and environment.
func (j *job) command(python pyenv.Env, value func(mlops.Reference) (string, error)) (args, env []string, err error) {
	if args, err = renderAll(j.step.Command, value); err != nil {
		return nil, nil, failf("could not be started: command: %s", err)
	}
	if j.step.Script != "" {
		args = []string{python.Python(), j.scriptFile()}
	}
	vars := process.Inherited()
	vars["PYTHONUNBUFFERED"] = "1" // the log is whole even if the step is killed
	if c := j.step.Compute; c != nil {
		vars.HintThreads(c.CPU)
	}
	vars.Set(python.Vars(vars["PATH"])...)
	for _, name := range slices.Sorted(maps.Keys(j.step.Env)) {
		if vars[name], err = render(j.step.Env[name], value); err != nil {
			return nil, nil, failf("could not be started: env %q: %s", name, err)
		}
	}
	runID, err := value(mlops.Reference{Kind: mlops.RefRunID})
	vars["MLOPS_RUN_ID"], vars["MLOPS_STEP"] = runID, j.name
	if j.experiment != "" {
		vars["MLOPS_EXPERIMENT"] = j.experiment
	}
	for name, path := range j.inputs {
		vars["MLOPS_INPUT_"+mlops.EnvName(name)] = path
	}
	for _, name := range j.step.Outputs {
		vars["MLOPS_OUTPUT_"+mlops.EnvName(name)] = j.outputPath(name)
	}
	if j.step.OnSpot() {
		vars[mlops.EnvCheckpoints] = j.checkpoints
	}
	return args, vars.Environ(), err
}

func render(text string, value func(mlops.Reference) (string, error)) (string, error) {
	t, err := mlops.ParseTemplate(text)
	if err != nil {
		return "", err
	}
	return t.Render(value)
}

func renderAll(texts []string, value func(mlops.Reference) (string, error)) ([]string, error) {
	out := make([]string, len(texts))
	for i, text := range texts {
		s, err := render(text, value)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
		out[i] = s
	}
	return out, nil
}
