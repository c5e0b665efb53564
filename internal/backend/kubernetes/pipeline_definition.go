package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// definition is a WorkflowTemplate of the user's own, as far as it is looked at: the
// API server takes a graph that cannot run.
type definition struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Entrypoint  string            `json:"entrypoint"`
		Arguments   definedArguments  `json:"arguments"`
		Templates   []definedTemplate `json:"templates"`
		TemplateRef *workflowRef      `json:"workflowTemplateRef"`
	} `json:"spec"`
}

type definedArguments struct {
	Parameters []struct {
		Name      string          `json:"name"`
		Value     json.RawMessage `json:"value"`
		Default   json.RawMessage `json:"default"`
		ValueFrom json.RawMessage `json:"valueFrom"`
	} `json:"parameters"`
	Artifacts []struct {
		Name string `json:"name"`
	} `json:"artifacts"`
}

// parameter names those that are declared, and whether each has a value by itself.
func (a definedArguments) parameters() map[string]bool {
	out := map[string]bool{}
	for _, p := range a.Parameters {
		out[p.Name] = p.Value != nil || p.Default != nil || p.ValueFrom != nil
	}
	return out
}

type definedTemplate struct {
	Name   string           `json:"name"`
	Inputs definedArguments `json:"inputs"`
	DAG    struct {
		Tasks []definedTask `json:"tasks"`
	} `json:"dag"`
	Steps [][]definedTask `json:"steps"`

	text string // the template in JSON
}

// UnmarshalJSON keeps the text, which references are looked for in.
func (t *definedTemplate) UnmarshalJSON(raw []byte) error {
	type plain definedTemplate
	if err := json.Unmarshal(raw, (*plain)(t)); err != nil {
		return err
	}
	t.text = string(raw)
	return nil
}

// definedTask is a task of a graph, or a step of a list.
type definedTask struct {
	Name         string           `json:"name"`
	Template     string           `json:"template"`
	TemplateRef  json.RawMessage  `json:"templateRef"`
	Inline       json.RawMessage  `json:"inline"`
	Dependencies []string         `json:"dependencies"`
	Depends      string           `json:"depends"`
	Arguments    definedArguments `json:"arguments"`
}

// words in a "depends" that are tasks' names.
var dependency = regexp.MustCompile(`[a-zA-Z0-9][-a-zA-Z0-9]*(\.[A-Z][a-zA-Z]+)?`)

// needs lists the tasks that a task comes after.
func (t definedTask) needs() []string {
	out := slices.Clone(t.Dependencies)
	for _, word := range dependency.FindAllString(t.Depends, -1) {
		name, _, _ := strings.Cut(word, ".")
		out = append(out, name)
	}
	return out
}

// checkDefinition finds what is wrong with a definition that an API server does not
// see.
func checkDefinition(spec mlops.PipelineSpec) error {
	var d definition
	if err := json.Unmarshal([]byte(spec.Definition), &d); err != nil {
		return fmt.Errorf("it is no WorkflowTemplate: %w", err)
	}
	switch {
	case d.APIVersion != kindWorkflowTemplate.apiVersion() || d.Kind != kindWorkflowTemplate.name():
		return fmt.Errorf("it is %q of %q, and a WorkflowTemplate of %q is needed", d.Kind, d.APIVersion, kindWorkflowTemplate.apiVersion())
	case d.Metadata.Name != "" && d.Metadata.Name != spec.Name:
		return fmt.Errorf("its metadata.name is %q, and the pipeline's name is %q; leave metadata.name out", d.Metadata.Name, spec.Name)
	case d.Spec.TemplateRef != nil:
		return nil // the rest is elsewhere
	}
	return errors.Join(d.checkTemplates(), d.checkParameters(spec))
}

// checkTemplates insists that what is named is there, once, and that no task waits for
// itself.
func (d definition) checkTemplates() error {
	templates := map[string]definedTemplate{}
	for _, t := range d.Spec.Templates {
		if _, twice := templates[t.Name]; twice || t.Name == "" {
			return fmt.Errorf("there are two templates %q, or one has no name", t.Name)
		}
		templates[t.Name] = t
	}
	names := slices.Sorted(maps.Keys(templates))
	if _, ok := templates[d.Spec.Entrypoint]; !ok {
		return fmt.Errorf("its entrypoint is %q, and no template is called so; there are %s.%s", d.Spec.Entrypoint, strings.Join(names, ", "), mlops.DidYouMean(d.Spec.Entrypoint, names))
	}
	for _, name := range names {
		if err := templates[name].check(templates); err != nil {
			return fmt.Errorf("template %q: %w", name, err)
		}
	}
	return nil
}

func (t definedTemplate) check(templates map[string]definedTemplate) error {
	tasks := slices.Clone(t.DAG.Tasks)
	for _, group := range t.Steps {
		tasks = append(tasks, group...)
	}
	byName := map[string]definedTask{}
	for _, task := range tasks {
		if _, twice := byName[task.Name]; twice || task.Name == "" {
			return fmt.Errorf("there are two tasks %q, or one has no name", task.Name)
		}
		byName[task.Name] = task
		if err := task.check(templates); err != nil {
			return fmt.Errorf("task %q: %w", task.Name, err)
		}
	}
	return checkOrder(byName)
}

// check insists that a task's template is there, and is given what it needs.
func (t definedTask) check(templates map[string]definedTemplate) error {
	if t.TemplateRef != nil || t.Inline != nil {
		return nil
	}
	of, ok := templates[t.Template]
	if !ok {
		names := slices.Sorted(maps.Keys(templates))
		return fmt.Errorf("there is no template %q; there are %s.%s", t.Template, strings.Join(names, ", "), mlops.DidYouMean(t.Template, names))
	}
	given, wanted := t.Arguments.parameters(), of.Inputs.parameters()
	for _, p := range slices.Sorted(maps.Keys(wanted)) {
		if _, ok := given[p]; !ok && !wanted[p] {
			return fmt.Errorf("the template %q needs a parameter %q, which is not among the arguments", t.Template, p)
		}
	}
	return nil
}

// checkOrder insists that tasks come after tasks that there are, and none after itself.
func checkOrder(tasks map[string]definedTask) error {
	steps := map[string]mlops.Step{}
	for name, task := range tasks {
		for _, before := range task.needs() {
			if _, ok := tasks[before]; !ok {
				return fmt.Errorf("task %q comes after %q, and there is no such task", name, before)
			}
		}
		steps[name] = mlops.Step{After: task.needs()}
	}
	_, err := mlops.PipelineSpec{Steps: steps}.Graph()
	return err
}

// The references of Argo that name a parameter.
var (
	workflowParameter = regexp.MustCompile(`\{\{\s*workflow\.parameters\.([-a-zA-Z0-9_]+)\s*\}\}`)
	inputParameter    = regexp.MustCompile(`\{\{\s*inputs\.parameters\.([-a-zA-Z0-9_]+)\s*\}\}`)
)

// checkParameters insists that the parameters are declared which templates or the
// pipeline name.
func (d definition) checkParameters(spec mlops.PipelineSpec) error {
	declared := d.Spec.Arguments.parameters()
	names := slices.Sorted(maps.Keys(declared))
	for _, p := range slices.Sorted(maps.Keys(spec.Parameters)) {
		if _, ok := declared[p]; !ok {
			return fmt.Errorf("the pipeline has a parameter %q, which is not among spec.arguments.parameters.%s", p, mlops.DidYouMean(p, names))
		}
	}
	for _, t := range d.Spec.Templates {
		if err := t.checkReferences(workflowParameter, declared); err != nil {
			return err
		}
		if err := t.checkReferences(inputParameter, t.Inputs.parameters()); err != nil {
			return err
		}
	}
	return nil
}

func (t definedTemplate) checkReferences(what *regexp.Regexp, declared map[string]bool) error {
	for _, m := range what.FindAllStringSubmatch(t.text, -1) {
		if _, ok := declared[m[1]]; !ok {
			return fmt.Errorf("template %q: %s: there is no parameter %q.%s", t.Name, m[0], m[1], mlops.DidYouMean(m[1], slices.Sorted(maps.Keys(declared))))
		}
	}
	return nil
}

// definedSpec is the spec of the user's own template, whose pods are of the
// environment's service account unless it names another.
func definedSpec(l layout, spec mlops.PipelineSpec) (map[string]any, error) {
	if err := checkDefinition(spec); err != nil {
		return nil, &mlops.Error{Code: mlops.Invalid, Field: "definition", Err: err}
	}
	var d struct {
		Spec map[string]any `json:"spec"`
	}
	if err := json.Unmarshal([]byte(spec.Definition), &d); err != nil {
		return nil, err
	}
	if _, given := d.Spec["serviceAccountName"]; !given {
		d.Spec["serviceAccountName"] = l.serviceAccount
	}
	return d.Spec, nil
}
