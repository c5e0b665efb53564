package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	argo "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
	kubernetes "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// workflows judges Workflows, WorkflowTemplates and CronWorkflows as `argo lint`
// does. A template that they name has to be among them.
func workflows(input []byte) []error {
	var found []error
	objects, err := documents(input)
	if err != nil {
		return []error{err}
	}
	known, err := templates(objects)
	if err != nil {
		found = append(found, err)
	}
	for _, o := range objects {
		if err := judge(o, known); err != nil {
			found = append(found, fmt.Errorf("%s %s: %w", o.Kind, o.Metadata.Name, err))
		}
	}
	return found
}

// object is one document of the input, with what says what it is.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`

	text []byte
}

func documents(input []byte) ([]object, error) {
	var out []object
	reader := kubernetes.NewYAMLReader(bufio.NewReader(bytes.NewReader(input)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		o := object{text: text}
		if err := yaml.Unmarshal(text, &o); err != nil {
			return nil, err
		}
		if o.Kind != "" {
			out = append(out, o)
		}
	}
}

// library is the templates of the input, by name.
type library map[string]*argo.WorkflowTemplate

// Get is what Argo's validation asks for a template.
func (l library) Get(name string) (*argo.WorkflowTemplate, error) {
	if t := l[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("workflow template %q is not in the input", name)
}

// cluster is the templates of the whole cluster: there are none.
type cluster struct{}

func (cluster) Get(name string) (*argo.ClusterWorkflowTemplate, error) {
	return nil, fmt.Errorf("cluster workflow template %q is not in the input", name)
}

func templates(objects []object) (library, error) {
	out := library{}
	var all error
	for _, o := range objects {
		if o.Kind != "WorkflowTemplate" {
			continue
		}
		var t argo.WorkflowTemplate
		if err := yaml.Unmarshal(o.text, &t); err != nil {
			all = errors.Join(all, err)
			continue
		}
		out[t.Name] = &t
	}
	return out, all
}

func judge(o object, known library) error {
	switch o.Kind {
	case "WorkflowTemplate":
		var t argo.WorkflowTemplate
		if err := yaml.UnmarshalStrict(o.text, &t); err != nil {
			return err
		}
		return validate.ValidateWorkflowTemplate(known, cluster{}, &t, nil, validate.ValidateOpts{Lint: true})
	case "CronWorkflow":
		var c argo.CronWorkflow
		if err := yaml.UnmarshalStrict(o.text, &c); err != nil {
			return err
		}
		return validate.ValidateCronWorkflow(context.Background(), known, cluster{}, &c, nil)
	case "Workflow":
		var w argo.Workflow
		if err := yaml.UnmarshalStrict(o.text, &w); err != nil {
			return err
		}
		return validate.ValidateWorkflow(known, cluster{}, &w, nil, validate.ValidateOpts{Lint: true})
	default:
		return errors.New("Argo has no such kind that can be checked")
	}
}
