package kubernetes

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestDefinitions proves what is refused at plan of a template of the user's own, which
// an API server takes.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	const head = `{"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "spec": `
	const leaf = `{"name": "a", "inputs": {"parameters": [{"name": "x"}, {"name": "y", "value": "1"}]}, "container": {"image": "busybox", "args": ["{{inputs.parameters.x}}"]}}`
	dag := func(tasks string) string {
		return head + `{"entrypoint": "m", "arguments": {"parameters": [{"name": "p", "value": "v"}]}, "templates": [` + leaf + `, {"name": "m", "dag": {"tasks": [` + tasks + `]}}]}}`
	}
	const given = `"template": "a", "arguments": {"parameters": [{"name": "x", "value": "{{workflow.parameters.p}}"}]}`
	for _, test := range []struct{ name, text, want string }{
		{"good", dag(`{"name": "one", ` + given + `}, {"name": "two", "depends": "one.Succeeded || one.Failed", ` + given + `}`), ""},
		{"list", `[1]`, "no WorkflowTemplate"},
		{"kind", `{"apiVersion": "v1", "kind": "Pod"}`, `"Pod"`},
		{"name", `{"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": "other"}}`, "metadata.name"},
		{"entrypoint", head + `{"entrypoint": "mian", "templates": [{"name": "main"}]}}`, `Did you mean "main"?`},
		{"twice", head + `{"entrypoint": "a", "templates": [{"name": "a"}, {"name": "a"}]}}`, "two templates"},
		{"task", dag(`{"name": "one", "template": "b"}`), `no template "b"`},
		{"tasks twice", dag(`{"name": "one", ` + given + `}, {"name": "one", ` + given + `}`), `two tasks "one"`},
		{"dependency", dag(`{"name": "one", "dependencies": ["zero"], ` + given + `}`), `comes after "zero"`},
		{"cycle", dag(`{"name": "one", "depends": "two", ` + given + `}, {"name": "two", "dependencies": ["one"], ` + given + `}`), "cycle"},
		{"argument", dag(`{"name": "one", "template": "a"}`), `needs a parameter "x"`},
		{"workflow parameter", strings.Replace(dag(`{"name": "one", `+given+`}`), "parameters.p}}", "parameters.q}}", 1), `no parameter "q"`},
		{"input", strings.Replace(dag(`{"name": "one", `+given+`}`), "inputs.parameters.x", "inputs.parameters.z", 1), `no parameter "z"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkPipeline(c, mlops.PipelineSpec{Name: "train", Definition: test.text})
			err := c.Err()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "definition: ")):
				t.Errorf("error is %v, want one of the definition that says %q", err, test.want)
			}
		})
	}
}

// TestUnknownParameter proves that a parameter of the pipeline has to be one of its
// template.
func TestUnknownParameter(t *testing.T) {
	t.Parallel()
	err := checkDefinition(mlops.PipelineSpec{
		Parameters: map[string]mlops.Parameter{"depth": {Type: "string"}},
		Definition: `{"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "spec": {"entrypoint": "a", "templates": [{"name": "a"}]}}`,
	})
	if err == nil || !strings.Contains(err.Error(), `parameter "depth"`) {
		t.Errorf("error is %v", err)
	}
}
