package kubernetes

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Where a step's container has its data, and the volumes that are there.
const (
	inputFolder      = "/mlops/inputs"
	outputFolder     = "/mlops/outputs"
	packageFolder    = "/mlops/packages"
	volumeOfOutputs  = "outputs"
	volumeOfPackages = "packages"
)

func outputPath(output string) string { return outputFolder + "/" + output }

// brace is the variable that stands for an opening brace where Argo would take two of
// them for a reference of its own.
const brace = "MLOPS_BRACE"

// The programs that run a step which has packages or a script: sh, with what is to be
// run as its arguments.
const (
	findPython = `python=$(command -v python3 || command -v python) || { echo "the image has no python" >&2; exit 127; }; `
	install    = `printf '%s\n' "$MLOPS_PACKAGES" > ` + packageFolder + `/requirements.txt; ` +
		`"$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --target ` + packageFolder + ` --requirement ` + packageFolder + `/requirements.txt || exit 1; ` +
		`export PYTHONPATH=` + packageFolder + `"${PYTHONPATH:+:$PYTHONPATH}" PATH=` + packageFolder + `/bin:"$PATH"; `
	runScript  = `exec "$python" "$0"`
	runCommand = `exec "$@"`
)

// need is one reference to data that a step's container has to have: where it comes
// from, and its path there.
type need struct {
	name, path string
	from       string // in Argo's words
}

// wiring is how one step's data and values reach its container.
type wiring struct {
	container *container

	step  mlops.Step
	paths map[string]string // by reference to data, or by input as "inputs.<name>"
	needs []need
	brace bool // whether a text has two braces that are its own
}

// wire gives a step its inputs, its variables and its program.
func (c compiler) wire(name string, s mlops.Step) (*wiring, error) {
	w := &wiring{container: &container{Image: c.image}, step: s, paths: map[string]string{}}
	if s.Image != "" {
		w.container.Image = s.Image
	}
	w.container.Mounts = []volumeMount{{volumeOfOutputs, outputFolder}}
	if len(s.Packages) > 0 {
		w.container.Mounts = append(w.container.Mounts, volumeMount{volumeOfPackages, packageFolder})
	}
	if err := c.wireData(w); err != nil {
		return nil, err
	}
	if err := w.program(); err != nil {
		return nil, err
	}
	return w, c.variables(w, name)
}

// wireData finds what the step's templates refer to, and gives each a path.
func (c compiler) wireData(w *wiring) error {
	for _, in := range slices.Sorted(maps.Keys(w.step.Inputs)) {
		if err := c.wireInput(w, in, w.step.Inputs[in]); err != nil {
			return err
		}
	}
	for _, text := range valueTexts(w.step) {
		t, err := mlops.ParseTemplate(text)
		if err != nil {
			return invalid(err)
		}
		for _, r := range t.References() {
			w.require(r)
		}
	}
	return nil
}

// wireInput gives an input its path. One that is another's output, or a dataset, and
// one that says where data is, are fetched into the input's own place; any other text
// is a path with such in it.
func (c compiler) wireInput(w *wiring, in, text string) error {
	t, err := mlops.ParseTemplate(text)
	if err != nil {
		return invalid(err)
	}
	refs, own := t.References(), inputFolder+"/"+in
	alone := len(refs) == 1 && isData(refs[0]) && strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") && strings.Count(text, "{{") == 1
	switch {
	case alone:
		w.needs = append(w.needs, need{in, own, originOf(refs[0])})
		w.paths["inputs."+in] = own
	case isExternal(t, text):
		w.needs = append(w.needs, need{in, own, "{{inputs.artifacts." + externalName(text) + "}}"})
		w.paths["inputs."+in] = own
	default:
		for _, r := range refs {
			w.require(r)
		}
		w.paths["inputs."+in], err = w.render(text)
	}
	return err
}

// isData reports whether a reference is to data, which has a path, not to a value.
func isData(r mlops.Reference) bool {
	return r.Kind == mlops.RefStepOutput || r.Kind == mlops.RefDataset
}

// require has data that is referred to fetched, once.
func (w *wiring) require(r mlops.Reference) {
	if _, known := w.paths[r.String()]; known || !isData(r) {
		return
	}
	name := strings.NewReplacer(".", "-").Replace(r.String()) + "-" + revisionOf(r.String())[:6]
	w.paths[r.String()] = inputFolder + "/" + name
	w.needs = append(w.needs, need{name, w.paths[r.String()], originOf(r)})
}

// originOf is where data comes from, as a task of the graph says it.
func originOf(r mlops.Reference) string {
	if r.Kind == mlops.RefDataset {
		return "{{inputs.artifacts." + datasetArtifact(r.Name) + "}}"
	}
	return "{{tasks." + nativeStep(r.Step) + ".outputs.artifacts." + r.Name + "}}"
}

// valueTexts are the templates of a step that are not inputs.
func valueTexts(s mlops.Step) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		all = append(all, s.Env[key])
	}
	return append(all, s.Command...)
}

// inputs are what the step's template declares; arguments are what its task gives.
func (w *wiring) inputs() *argoArguments {
	if len(w.needs) == 0 {
		return nil
	}
	out := &argoArguments{}
	for _, n := range w.needs {
		out.Artifacts = append(out.Artifacts, argoArtifact{Name: n.name, Path: n.path})
	}
	return out
}

func (w *wiring) arguments() *argoArguments {
	if len(w.needs) == 0 {
		return nil
	}
	out := &argoArguments{}
	for _, n := range w.needs {
		out.Artifacts = append(out.Artifacts, argoArtifact{Name: n.name, From: n.from})
	}
	return out
}

// program says what the container runs. A command runs as it is, unless packages have
// to be installed first.
func (w *wiring) program() error {
	before := ""
	if len(w.step.Packages) > 0 {
		before = findPython + install
	}
	if w.step.Script != "" {
		if before == "" {
			before = findPython
		}
		w.container.Command, w.container.Source = []string{"sh", "-c", before + runScript}, sourceOf(w.step.Script)
		return nil
	}
	var command []string
	for _, text := range w.step.Command {
		part, err := w.render(text)
		if err != nil {
			return err
		}
		command = append(command, part)
	}
	if before != "" && len(command) > 0 {
		command = append([]string{"sh", "-c", before + runCommand, "sh"}, command...)
	}
	w.container.Command = command
	return nil
}

// sourceOf is a script that Argo leaves as it is. It would take two braces for a
// reference of its own.
func sourceOf(script string) string {
	if !strings.Contains(script, "{{") {
		return script
	}
	packed := base64.StdEncoding.EncodeToString([]byte(script))
	return "# The script has double braces, which Argo would take for references.\nimport base64\n\n" +
		"exec(compile(base64.b64decode(\"" + packed + "\"), \"script.py\", \"exec\"))\n"
}

// variables are the step's environment: the contract's own, and the user's.
func (c compiler) variables(w *wiring, name string) error {
	own := map[string]string{"MLOPS_RUN_ID": runVariable, "MLOPS_STEP": name, "PYTHONUNBUFFERED": "1"}
	if len(w.step.Packages) > 0 {
		own["MLOPS_PACKAGES"] = w.literal(strings.Join(w.step.Packages, "\n"))
	}
	if w.step.OnSpot() {
		own[mlops.EnvCheckpoints] = checkpointFolder
	}
	for in := range w.step.Inputs {
		own["MLOPS_INPUT_"+mlops.EnvName(in)] = w.paths["inputs."+in]
	}
	for _, o := range w.step.Outputs {
		own["MLOPS_OUTPUT_"+mlops.EnvName(o)] = outputPath(o)
	}
	for key, text := range w.step.Env {
		if _, taken := own[key]; taken {
			continue
		}
		var err error
		if own[key], err = w.render(text); err != nil {
			return err
		}
	}
	if w.brace { // a variable may refer to those before it
		w.container.Env = []envVar{{Name: brace, Value: "{"}}
	}
	tracked := c.tracking()
	for _, key := range slices.Sorted(maps.Keys(own)) {
		w.container.Env = append(w.container.Env, envVar{Name: key, Value: own[key]})
		tracked = slices.DeleteFunc(tracked, func(v envVar) bool { return v.Name == key })
	}
	w.container.Env = append(w.container.Env, tracked...)
	return nil
}

// tracking are the variables by which MLflow's client in a step finds the experiment.
func (c compiler) tracking() []envVar {
	m := c.artifacts.spec.MLflowRegistry()
	if c.spec.Experiment == "" || m == nil {
		return nil
	}
	secret := func(key string) map[string]any {
		return map[string]any{"secretKeyRef": secretKey{nameOfRegistry, key}}
	}
	all := []envVar{{Name: "MLOPS_EXPERIMENT", Value: c.spec.Experiment.Name()}, {Name: "MLFLOW_TRACKING_URI", Value: m.URI}, {Name: "MLFLOW_EXPERIMENT_NAME", Value: mlflow.ExperimentName(c.spec.Experiment)}}
	switch {
	case m.Mark == "" && m.Token == "":
		return all
	case m.Username == "":
		return append(all, envVar{Name: "MLFLOW_TRACKING_TOKEN", ValueFrom: secret(keyOfToken)})
	}
	return append(all, envVar{Name: "MLFLOW_TRACKING_USERNAME", ValueFrom: secret(keyOfUsername)}, envVar{Name: "MLFLOW_TRACKING_PASSWORD", ValueFrom: secret(keyOfToken)})
}

// render writes a template as a container has text with Argo's references in it.
func (w *wiring) render(text string) (string, error) {
	t, err := mlops.ParseTemplate(text)
	if err != nil {
		return "", invalid(err)
	}
	// A mark that no text has, to take the text apart where the references stand.
	const mark = "\x00"
	marked, err := t.Render(func(mlops.Reference) (string, error) { return mark, nil })
	if err != nil {
		return "", invalid(err)
	}
	var b strings.Builder
	for i, piece := range strings.Split(marked, mark) {
		if i > 0 {
			b.WriteString(w.reference(t.References()[i-1]))
		}
		b.WriteString(w.literal(piece))
	}
	return b.String(), nil
}

// reference is what a reference becomes: a path, or a value that Argo fills in.
func (w *wiring) reference(r mlops.Reference) string {
	switch r.Kind {
	case mlops.RefParam:
		return "{{workflow.parameters." + r.Name + "}}"
	case mlops.RefRunID:
		return runVariable
	case mlops.RefOutput:
		return outputPath(r.Name)
	case mlops.RefInput, mlops.RefStepOutput, mlops.RefDataset:
		return w.paths[r.String()]
	}
	return ""
}

// literal is text that neither Argo nor the kubelet takes for a reference: the latter
// has $(NAME) for variables, and $$ for a dollar.
func (w *wiring) literal(text string) string {
	if strings.Contains(text, "$(") || strings.Contains(text, "$$") || strings.HasSuffix(text, "$") {
		text = strings.ReplaceAll(text, "$", "$$")
	}
	if strings.Contains(text, "{{") || strings.HasSuffix(text, "{") {
		w.brace = true
		text = strings.ReplaceAll(text, "{", "$("+brace+")")
	}
	return text
}

// cacheAge is for how long outputs are remembered, as a Go duration.
const cacheAge = "720h"

// memoize names what a step's outputs depend on, so that a run finds those of an
// earlier one: what the step and all before it are, and the values and data that they
// are given. Steps that come after one that always runs do so too.
func (c compiler) memoize(name string) *argoMemoize {
	if c.cache == "" {
		return nil
	}
	steps, values := map[string]mlops.Step{}, map[string]bool{}
	if !c.ancestry(name, steps, values) {
		return nil
	}
	parts := []string{strconv.Quote(revisionOf([]any{name, steps, c.image, c.artifacts.spec.ID}))}
	for _, v := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, "workflow.parameters['"+v+"']")
	}
	return &argoMemoize{
		Key:    "{{=sprig.sha256sum(toJson([" + strings.Join(parts, ", ") + "]))}}",
		MaxAge: cacheAge, Cache: map[string]any{"configMap": secretKey{c.cache, "outputs"}}, // the schema asks for a key, which nothing reads
	}
}

// ancestry gathers a step, those before it, and the parameters that they read. It
// reports whether all of them may be left out.
func (c compiler) ancestry(name string, steps map[string]mlops.Step, values map[string]bool) bool {
	if _, seen := steps[name]; seen {
		return true
	}
	s := c.spec.Steps[name]
	steps[name] = s
	if s.NoCache {
		return false
	}
	for _, text := range append(slices.Collect(maps.Values(s.Inputs)), valueTexts(s)...) {
		t, _ := mlops.ParseTemplate(text) // it was checked
		for _, r := range t.References() {
			switch r.Kind {
			case mlops.RefParam:
				values[r.Name] = true
			case mlops.RefDataset:
				values[digestParameter(r.Name)] = true
			case mlops.RefRunID:
				return false // another in each run
			case mlops.RefStepOutput, mlops.RefInput, mlops.RefOutput:
			}
		}
	}
	for _, before := range c.graph.Needs(name) {
		if !c.ancestry(before, steps, values) {
			return false
		}
	}
	return true
}
