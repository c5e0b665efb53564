package runner

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultPath serves an engine that was started without a PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// inherited lists the variables of the engine that its steps get too, beside
// those that inheritedPrefixes match. The rest stays the engine's own: what
// comes out of a step should depend on what the pipeline says.
func inherited() []string {
	return []string{
		"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	}
}

func inheritedPrefixes() []string { return []string{"LC_", "PIP_", "UV_"} }

// threadHints lists the variables by which numeric libraries are told how many
// threads to use.
func threadHints() []string {
	return []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"}
}

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
	vars := map[string]string{"PATH": defaultPath}
	maps.Copy(vars, inheritedVars(os.Environ()))
	vars["PYTHONUNBUFFERED"] = "1" // the log is whole even if the step is killed
	j.hintThreads(vars)
	addAll(vars, python.Vars(vars["PATH"]))
	for _, name := range slices.Sorted(maps.Keys(j.step.Env)) {
		if vars[name], err = render(j.step.Env[name], value); err != nil {
			return nil, nil, failf("could not be started: env %q: %s", name, err)
		}
	}
	runID, err := value(mlops.Reference{Kind: mlops.RefRunID})
	vars["MLOPS_RUN_ID"], vars["MLOPS_STEP"] = runID, j.name
	for name, path := range j.inputs {
		vars["MLOPS_INPUT_"+mlops.EnvName(name)] = path
	}
	for _, name := range j.step.Outputs {
		vars["MLOPS_OUTPUT_"+mlops.EnvName(name)] = j.outputPath(name)
	}
	return args, environment(vars), err
}

// hintThreads keeps numeric libraries to the CPUs that were asked for.
func (j *job) hintThreads(vars map[string]string) {
	if j.step.Compute == nil || j.step.Compute.CPU <= 0 {
		return
	}
	n := strconv.Itoa(int(math.Ceil(j.step.Compute.CPU)))
	for _, name := range threadHints() {
		vars[name] = n
	}
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

func inheritedVars(environ []string) map[string]string {
	vars := map[string]string{}
	for _, pair := range environ {
		name, v, _ := strings.Cut(pair, "=")
		passes := slices.ContainsFunc(inheritedPrefixes(), func(p string) bool { return strings.HasPrefix(name, p) })
		if passes || slices.Contains(inherited(), name) {
			vars[name] = v
		}
	}
	return vars
}

func addAll(vars map[string]string, pairs []string) {
	for _, pair := range pairs {
		name, v, _ := strings.Cut(pair, "=")
		vars[name] = v
	}
}

// environment writes variables as a process takes them, in a stable order.
func environment(vars map[string]string) []string {
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env
}
