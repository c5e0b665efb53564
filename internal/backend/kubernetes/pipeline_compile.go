package kubernetes

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Names in a compiled pipeline that no step can have, for a step's begin with a
// lower-case letter.
const (
	graphTemplate = "DAG"
	runVariable   = "{{workflow.name}}"
)

// compiler turns one pipeline into what Argo's WorkflowTemplate holds.
type compiler struct {
	artifacts artifacts
	spec      mlops.PipelineSpec
	graph     mlops.Graph
	image     string            // for steps that name none
	labels    map[string]string // of pods
	cache     string            // name of the config map that remembers outputs, "" for none
}

// newCompiler is a compiler of a spec that was checked.
func newCompiler(l layout, spec mlops.PipelineSpec) (compiler, error) {
	graph, err := spec.Graph()
	if err != nil {
		return compiler{}, invalid(err)
	}
	at, err := artifactsOf(l)
	if err != nil {
		at = artifacts{layout: l} // steps without outputs need none
	}
	return compiler{
		artifacts: at, spec: spec, graph: graph, image: l.stepImage(), cache: l.cacheOf(spec.Name),
		labels: l.runLabels(spec.Name),
	}, nil
}

// compile writes the steps as a graph of templates.
func (c compiler) compile() (workflowSpec, error) {
	graph := argoTemplate{Name: graphTemplate, DAG: &argoDAG{Tasks: []argoTask{}}}
	if all := c.external(); len(all) > 0 {
		graph.Inputs = &argoArguments{}
		for _, x := range all {
			graph.Inputs.Artifacts = append(graph.Inputs.Artifacts, argoArtifact{Name: x.name})
		}
	}
	spec := workflowSpec{
		Entrypoint: graphTemplate, Arguments: c.parameters(), ServiceAccount: c.artifacts.serviceAccount, Parallelism: c.spec.Parallelism,
		PodMetadata: &argoMetadata{Labels: c.labels}, PodGC: map[string]string{"strategy": "OnWorkflowSuccess"},
	}
	c.secure(&spec)
	for _, name := range c.graph.Order() {
		task, step, err := c.step(name)
		if err != nil {
			return spec, fmt.Errorf("step %q: %w", name, err)
		}
		c.saveCheckpoints(&spec, &step, name)
		graph.DAG.Tasks, spec.Templates = append(graph.DAG.Tasks, task), append(spec.Templates, step)
	}
	spec.Templates = append([]argoTemplate{graph}, spec.Templates...)
	return spec, nil
}

// parameters are the user's, with their defaults, and the digest of each dataset,
// which says whether what a step read is still the same.
func (c compiler) parameters() *argoArguments {
	out := &argoArguments{}
	for _, name := range slices.Sorted(maps.Keys(c.spec.Parameters)) {
		p := c.spec.Parameters[name]
		out.Parameters = append(out.Parameters, argoParameter{Name: name, Value: p.Default, Description: p.Description})
	}
	for _, d := range c.spec.Datasets() {
		out.Parameters = append(out.Parameters, argoParameter{Name: digestParameter(d), Value: new("")})
	}
	if len(out.Parameters) == 0 {
		return nil
	}
	return out
}

// digestParameter is the parameter that has the digest of a dataset. No parameter of
// the user's begins with a digit.
func digestParameter(dataset string) string { return "0-dataset-" + dataset }

// nativeStep is a step's name in Argo, which has no underscores in names.
func nativeStep(name string) string {
	if !strings.Contains(name, "_") {
		return name
	}
	return strings.ReplaceAll(name, "_", "-") + "-" + revisionOf(name)[:6]
}

// step is a step's place in the graph, and what it does.
func (c compiler) step(name string) (argoTask, argoTemplate, error) {
	s := c.spec.Steps[name]
	w, err := c.wire(name, s)
	if err != nil {
		return argoTask{}, argoTemplate{}, err
	}
	native := nativeStep(name)
	task := argoTask{Name: native, Template: native, Arguments: w.arguments()}
	c.order(&task, name)
	if task.When, err = c.when(name); err != nil {
		return task, argoTemplate{}, err
	}
	t := argoTemplate{
		Name: native, Inputs: w.inputs(), Deadline: deadlineOf(s.Timeout), Retry: retryOf(s.Retry),
		Volumes: []map[string]any{{"name": volumeOfOutputs, "emptyDir": map[string]any{}}},
	}
	if t.Outputs, err = c.outputs(name, s); err != nil {
		return task, t, err
	}
	if len(s.Packages) > 0 {
		t.Volumes = append(t.Volumes, map[string]any{"name": volumeOfPackages, "emptyDir": map[string]any{}})
	}
	if s.Script != "" {
		t.Script = w.container
	} else {
		t.Container = w.container
	}
	t.Memoize = c.memoize(name)
	placeStep(&t, w.container, s.Compute)
	return task, t, nil
}

// outputs are a step's, each at its place, and metrics also as a parameter, whose
// value the run's status has.
func (c compiler) outputs(name string, s mlops.Step) (*argoArguments, error) {
	if len(s.Outputs) == 0 {
		return nil, nil //nolint:nilnil // none is not said at all
	}
	out := &argoArguments{}
	for _, o := range s.Outputs {
		uri, archive := c.artifacts.output(c.spec.Name, runVariable, name, o)
		at, err := c.artifacts.locate(uri)
		if err != nil {
			return nil, err
		}
		out.Artifacts = append(out.Artifacts, argoArtifact{Name: o, Path: outputPath(o), Archive: archive, argoLocation: at})
		if o == metricsOutput {
			out.Parameters = []argoParameter{{Name: o, ValueFrom: &argoValueFrom{Path: outputPath(o)}}}
		}
	}
	return out, nil
}

// metricsOutput is the output that a run's metrics are read from.
const metricsOutput = "metrics"

// deadlineOf is a timeout in whole seconds; zero is none.
func deadlineOf(d mlops.Duration) int64 { return int64(math.Ceil(time.Duration(d).Seconds())) }

// retryOf repeats a step that failed, or whose machine was taken away. Attempts count
// the first, which Argo does not.
func retryOf(r *mlops.Retry) *argoRetry {
	if r == nil || r.Attempts < 2 {
		return nil
	}
	out := &argoRetry{Limit: strconv.FormatInt(r.Attempts-1, 10), Policy: "Always"}
	if r.Backoff > 0 {
		out.Backoff = &argoBackoff{Duration: time.Duration(r.Backoff).String(), Factor: "2"}
	}
	return out
}

// The user that pods are of where the namespace insists on one that is not root. Any
// would do; it is Argo's own.
const podUser = 8737

// secure makes pods what the Pod Security Standard "restricted" asks for. Argo's own
// containers are what its controller was told, so that they are patched.
func (c compiler) secure(spec *workflowSpec) {
	if c.artifacts.podSecurity != "restricted" {
		return
	}
	spec.Security = map[string]any{
		"runAsNonRoot": true, "runAsUser": podUser, "fsGroup": podUser, "seccompProfile": map[string]string{"type": "RuntimeDefault"},
	}
	const bare = `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}`
	spec.PodSpecPatch = `{"initContainers":[{"name":"init","securityContext":` + bare + `}],` +
		`"containers":[{"name":"main","securityContext":` + bare + `},{"name":"wait","securityContext":` + bare + `}]}`
}
