package sagemaker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wiring is how one step's data and values reach its container.
type wiring struct {
	at     layout
	app    map[string]any
	env    map[string]any
	inputs []jobInput
}

// stepFile is step.json, which bootstrap.py reads.
type stepFile struct {
	Script   bool              `json:"script"`
	Command  []string          `json:"command"`
	Packages []string          `json:"packages"`
	Env      map[string]string `json:"env"`
	Given    []string          `json:"given"`  // inputs that the user named
	Inputs   map[string]string `json:"inputs"` // reference to the directory's name below input/
	Values   map[string]string `json:"values"` // reference to the variable that has its value
	Outputs  []string          `json:"outputs"`
	Attempts int64             `json:"attempts"`
	Backoff  float64           `json:"backoff"` // seconds
	Timeout  float64           `json:"timeout"` // seconds; 0 is none
	Layout   layout            `json:"layout"`
}

// wire gives a step its inputs and its program. Steps in the user's own image,
// which may have no Python, run their command as it is; all others are run by
// bootstrap.py.
func (c *compiler) wire(name string, s mlops.Step) (wiring, error) {
	w := wiring{at: layoutOf(s), env: map[string]any{}, app: map[string]any{"ImageUri": c.image}}
	if s.Image != "" {
		w.app["ImageUri"] = s.Image
	}
	file := stepFile{
		Script: s.Script != "", Command: orNone(s.Command), Packages: orNone(s.Packages), Env: s.Env, Outputs: orNone(s.Outputs),
		Given: orNone(slices.Sorted(maps.Keys(s.Inputs))), Inputs: map[string]string{}, Values: map[string]string{}, Attempts: 1,
		Layout: w.at,
	}
	if s.Env == nil {
		file.Env = map[string]string{}
	}
	if r := s.Retry; r != nil {
		file.Attempts, file.Backoff = max(r.Attempts, 1), inSeconds(r.Backoff)
	}
	file.Timeout = inSeconds(s.Timeout)
	if err := c.wireInputs(&w, &file, s); err != nil {
		return w, err
	}
	if direct(s) {
		return w, c.runDirectly(&w, s, file)
	}
	if err := c.wireValues(&w, &file, s); err != nil {
		return w, err
	}
	return w, c.runByBootstrap(&w, name, s, file)
}

// direct steps run their command as it is.
func direct(s mlops.Step) bool { return s.Image != "" && s.Script == "" && len(s.Packages) == 0 }

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func inSeconds(d mlops.Duration) float64 { return float64(d) / 1e9 }

// wireInputs brings what the step's templates refer to: its inputs, outputs of
// other steps, and datasets.
func (c *compiler) wireInputs(w *wiring, file *stepFile, s mlops.Step) error {
	for _, name := range file.Given {
		uri, err := c.inputURI(s.Inputs[name], w.at.slash)
		if err != nil {
			return err
		}
		addInput(w, file, "inputs."+name, name, uri)
	}
	for _, text := range append(slices.Collect(maps.Values(s.Env)), s.Command...) {
		t, err := mlops.ParseTemplate(text)
		if err != nil {
			return invalid(err)
		}
		for _, r := range t.References() {
			if _, known := file.Inputs[r.String()]; known || r.Kind != mlops.RefStepOutput && r.Kind != mlops.RefDataset {
				continue
			}
			uri := c.reference(r)
			if r.Kind == mlops.RefStepOutput {
				uri = c.outputURI(r, w.at.slash)
			}
			addInput(w, file, r.String(), strings.NewReplacer(".", "-", "_", "-").Replace(r.String()), uri)
		}
	}
	slices.SortFunc(w.inputs, func(a, b jobInput) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func addInput(w *wiring, file *stepFile, reference, name string, uri any) {
	inJob, directory := w.at.names(name)
	file.Inputs[reference] = directory
	w.inputs = append(w.inputs, nativeInput(inJob, uri, w.at.input(directory)))
}

// jobInput is a ProcessingInput.
type jobInput struct {
	Name string         `json:"InputName"`
	S3   map[string]any `json:"S3Input"`
}

func nativeInput(name string, uri any, path string) jobInput {
	return jobInput{name, map[string]any{
		"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated",
	}}
}

// uriOf is an input's template as a URI.
func (c *compiler) uriOf(text string) (any, error) {
	return c.native(text, func(r mlops.Reference) (any, error) { return c.reference(r), nil })
}

// reference is where a reference to data or a value leads, in SageMaker's words.
func (c *compiler) reference(r mlops.Reference) any {
	switch r.Kind {
	case mlops.RefParam:
		return get("Parameters." + r.Name)
	case mlops.RefDataset:
		return get("Parameters." + datasetPrefix + r.Name)
	case mlops.RefStepOutput:
		return c.outputURI(r, "")
	}
	return get("Execution.PipelineExecutionId")
}

// native writes a template as SageMaker has text with references in it.
func (c *compiler) native(text string, value func(mlops.Reference) (any, error)) (any, error) {
	t, err := mlops.ParseTemplate(text)
	if err != nil {
		return nil, invalid(err)
	}
	refs := t.References()
	if len(refs) == 0 {
		return t.Render(nil)
	}
	// A mark that no text has, to take the text apart where the references stand.
	const mark = "\x00"
	marked, err := t.Render(func(mlops.Reference) (string, error) { return mark, nil })
	if err != nil {
		return nil, invalid(err)
	}
	var parts []any
	for i, piece := range strings.Split(marked, mark) {
		if i > 0 {
			v, err := value(refs[i-1])
			if err != nil {
				return nil, err
			}
			parts = appendPart(parts, v)
		}
		if piece != "" {
			parts = appendPart(parts, piece)
		}
	}
	if len(parts) == 1 && !isParameter(parts[0]) {
		return parts[0], nil
	}
	return joined("", parts...), nil
}

// appendPart adds a part; text next to text is one.
func appendPart(parts []any, part any) []any {
	if text, ok := part.(string); ok && len(parts) > 0 {
		if before, ok := parts[len(parts)-1].(string); ok {
			parts[len(parts)-1] = before + text
			return parts
		}
	}
	return append(parts, part)
}

// isParameter reports whether a part may be of another type than a string.
func isParameter(part any) bool {
	g, ok := part.(map[string]any)
	return ok && strings.HasPrefix(fmt.Sprint(g["Get"]), "Parameters.")
}

// wireValues passes the values that the step's templates refer to, each in a
// variable of its own: they are known only when the pipeline runs.
func (c *compiler) wireValues(w *wiring, file *stepFile, s mlops.Step) error {
	found := map[string]mlops.Reference{}
	for _, text := range append(slices.Collect(maps.Values(s.Env)), s.Command...) {
		t, err := mlops.ParseTemplate(text)
		if err != nil {
			return invalid(err)
		}
		for _, r := range t.References() {
			if r.Kind == mlops.RefParam || r.Kind == mlops.RefRunID {
				found[r.String()] = r
			}
		}
	}
	for i, reference := range slices.Sorted(maps.Keys(found)) {
		variable := "MLOPS_VALUE_" + strconv.Itoa(i)
		file.Values[reference] = variable
		w.env[variable] = joined("", c.reference(found[reference]))
	}
	return nil
}

// runByBootstrap keeps the step's files, and runs them by Python.
func (c *compiler) runByBootstrap(w *wiring, name string, s mlops.Step, file stepFile) error {
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	folder := "code/" + c.spec.Name + "/" + name + "-" + shortHash(bootstrap+string(text)+"\x00"+s.Script)
	c.files[folder+"/bootstrap.py"] = []byte(bootstrap)
	c.files[folder+"/step.json"] = text
	if s.Script != "" {
		c.files[folder+"/script.py"] = []byte(s.Script)
	}
	at := jobRoot + w.at.code
	w.inputs = append(w.inputs, nativeInput(codeInput, c.place.uri(folder)+w.at.slash, at))
	w.app["ContainerEntrypoint"] = []string{"python3", at + "/bootstrap.py"}
	return nil
}

// runDirectly says command and variables to the container itself.
func (c *compiler) runDirectly(w *wiring, s mlops.Step, file stepFile) error {
	value := func(r mlops.Reference) (any, error) {
		if directory, ok := file.Inputs[r.String()]; ok {
			return pathIn(w.at.input(directory), s, r), nil
		}
		if r.Kind == mlops.RefOutput {
			return w.at.output(r.Name), nil
		}
		return c.reference(r), nil
	}
	var command []any
	for _, text := range s.Command {
		v, err := c.native(text, value)
		if err != nil {
			return err
		}
		command = append(command, v)
	}
	if len(command) > 0 {
		w.app["ContainerEntrypoint"] = append(makesFolders(s), command...)
	}
	for name, text := range s.Env {
		v, err := c.native(text, value)
		if err != nil {
			return err
		}
		w.env[name] = v
	}
	for _, o := range s.Outputs {
		w.env["MLOPS_OUTPUT_"+mlops.EnvName(o)] = w.at.output(o)
	}
	for _, in := range file.Given {
		w.env["MLOPS_INPUT_"+mlops.EnvName(in)] = pathIn(w.at.input(file.Inputs["inputs."+in]), s, mlops.Reference{Kind: mlops.RefInput, Name: in})
	}
	if w.at.Checkpoints != "" {
		w.env[mlops.EnvCheckpoints] = jobRoot + w.at.Checkpoints
	}
	return nil
}

// pathIn is the path of an input in a container without bootstrap.py: what another
// step wrote has the output's name below the input's directory, anything else is
// the directory.
func pathIn(at string, s mlops.Step, r mlops.Reference) string {
	if r.Kind == mlops.RefStepOutput {
		return at + "/" + r.Name
	}
	if t, err := mlops.ParseTemplate(s.Inputs[r.Name]); err == nil && r.Kind == mlops.RefInput {
		if refs := t.References(); len(refs) == 1 && refs[0].Kind == mlops.RefStepOutput {
			return at + "/" + refs[0].Name
		}
	}
	return at
}
