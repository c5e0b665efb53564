package aws

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// smGraph is a pipeline definition, read and found to be sound.
type smGraph struct {
	text       string
	parameters []smParameter
	steps      []*smStep // with those of conditions' branches
}

// smParameter is a declared parameter.
type smParameter struct {
	Name         string
	Type         string
	DefaultValue any
	EnumValues   []any
}

// smStep is one step of a definition.
type smStep struct {
	Name          string
	Type          string
	DisplayName   string
	Description   string
	Arguments     Params
	DependsOn     []string
	PropertyFiles []smPropertyFile
	CacheConfig   *struct {
		Enabled     bool
		ExpireAfter string
	}
	RetryPolicies []smRetryPolicy

	// branch is the condition in whose branch the step stands, and when that
	// branch is taken; nil outside of conditions.
	branch *smStep
	taken  bool
	waits  []string // the steps that must have succeeded before
}

// smPropertyFile is a JSON file among a step's outputs that conditions may read.
type smPropertyFile struct{ PropertyFileName, OutputName, FilePath string }

// smRetryPolicy says which failures of a step are tried again, and how often.
type smRetryPolicy struct {
	ExceptionType []string
	MaxAttempts   int
}

// smStepTypes are the types that a definition may have, from the developer guide
// ("Pipelines steps"), and the shape of the request that the arguments are, "" where
// there is none in the model.
func smStepTypes() map[string]string {
	return map[string]string{
		"Processing": "CreateProcessingJobRequest", "Training": "CreateTrainingJobRequest", "Transform": "CreateTransformJobRequest",
		"Tuning": "CreateHyperParameterTuningJobRequest", "Model": "CreateModelInput", "RegisterModel": "CreateModelPackageInput",
		"AutoML": "CreateAutoMLJobV2Request", "Condition": "", "Callback": "", "Lambda": "", "EMR": "", "EMRServerless": "",
		"QualityCheck": "", "ClarifyCheck": "", "Fail": "", "Endpoint": "", "EndpointConfig": "",
	}
}

var (
	smStepName      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	smParameterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,255}$`)
)

// smUnparsed is how the service refuses a definition: words as users report them
// (sagemaker-python-sdk, issues 2345, 3908, 4994).
func smUnparsed(format string, args ...any) *Fault {
	return fault("ValidationException", "Unable to parse pipeline definition. %s", fmt.Sprintf(format, args...))
}

// smParse reads a definition and refuses what the service refuses in one.
func smParse(source string) (*smGraph, error) {
	var top struct {
		Version    *string
		Metadata   any
		Parameters []smParameter
		Steps      []*smStep

		PipelineExperimentConfig any
	}
	if err := smDecode([]byte(source), &top); err != nil {
		return nil, err
	}
	if top.Version == nil {
		return nil, smUnparsed("Missing required field 'Version'.")
	}
	if *top.Version != "2020-12-01" {
		return nil, smUnparsed("Unsupported schema version '%s'.", *top.Version)
	}
	if len(top.Steps) == 0 {
		return nil, smUnparsed("A pipeline must have at least one step.")
	}
	for i := range top.Parameters {
		// A sample in the developer guide has a parameter without a type.
		top.Parameters[i].Type = cmp.Or(top.Parameters[i].Type, "String")
	}
	g := &smGraph{text: source, parameters: top.Parameters}
	if err := g.gather(top.Steps, nil, false); err != nil {
		return nil, err
	}
	for _, check := range []func() error{g.checkParameters, g.checkSteps, g.checkConditions, g.checkReferences, g.checkOrder} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// smDecode reads JSON in the service's strict way: nothing of the wrong type, and
// numbers as they stand. Unknown members of steps are let pass: their set differs
// by type and grows.
func smDecode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return smUnparsed("Unexpected content after the end.")
		}
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		switch wrong.Type.Kind().String() {
		case "slice":
			return smUnparsed("Expecting start of Json Array.")
		case "struct", "map", "ptr":
			return smUnparsed("Expecting start of Json Object.")
		}
		return smUnparsed("Unexpected %s in '%s'.", wrong.Value, wrong.Field)
	}
	return smUnparsed("Not valid JSON: %v", err)
}

// gather flattens the steps and those of conditions' branches.
func (g *smGraph) gather(steps []*smStep, branch *smStep, taken bool) error {
	for _, s := range steps {
		if s == nil {
			return smUnparsed("Expecting start of Json Object.")
		}
		s.branch, s.taken = branch, taken
		g.steps = append(g.steps, s)
		if s.Type != "Condition" {
			continue
		}
		for _, side := range []struct {
			name  string
			taken bool
		}{{"IfSteps", true}, {"ElseSteps", false}} {
			inner, err := smInner(s.Arguments[side.name])
			if err != nil {
				return err
			}
			if err := g.gather(inner, s, side.taken); err != nil {
				return err
			}
		}
	}
	return nil
}

// smInner reads the steps of one branch.
func smInner(v any) ([]*smStep, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var steps []*smStep
	return steps, smDecode(raw, &steps)
}

func (g *smGraph) checkParameters() error {
	seen := map[string]bool{}
	for _, p := range g.parameters {
		switch {
		case !smParameterName.MatchString(p.Name):
			return smUnparsed("Invalid parameter name '%s'.", p.Name)
		case seen[p.Name]:
			return smUnparsed("Duplicate parameter name '%s'.", p.Name)
		case !slices.Contains([]string{"String", "Integer", "Float", "Boolean"}, p.Type):
			return smUnparsed("Unknown type '%s' of parameter '%s'.", p.Type, p.Name)
		}
		seen[p.Name] = true
		if p.DefaultValue == nil {
			continue
		}
		if err := p.accepts(p.DefaultValue); err != nil {
			return smUnparsed("Default value: %s", err.Error())
		}
	}
	return nil
}

func (g *smGraph) checkSteps() error {
	types, seen := smStepTypes(), map[string]bool{}
	for _, s := range g.steps {
		if !smStepName.MatchString(s.Name) {
			return smUnparsed("Invalid step name '%s'.", s.Name)
		}
		if seen[s.Name] {
			return smUnparsed("Duplicate step name '%s'.", s.Name)
		}
		seen[s.Name] = true
		if _, known := types[s.Type]; !known {
			return smUnparsed("Unknown step type '%s'.", s.Type)
		}
		if s.Arguments == nil && s.Type != "Fail" {
			return smUnparsed("Missing Arguments of step '%s'.", s.Name)
		}
		if s.Type == "Condition" && len(list(s.Arguments, "Conditions")) == 0 {
			return smUnparsed("Step '%s' has no conditions.", s.Name)
		}
		// Users who give a name are refused (sagemaker-python-sdk, pull request
		// 3472): the service names what a step makes.
		for _, name := range []string{"ModelPackageName", "ModelName", "ProcessingJobName", "TrainingJobName", "TransformJobName"} {
			if _, given := s.Arguments[name]; given && s.Type != "Transform" {
				return smUnparsed("Unknown Argument member '%s'.", name)
			}
		}
	}
	return nil
}

// step returns a step by its name, or nil.
func (g *smGraph) step(name string) *smStep {
	for _, s := range g.steps {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// parameter returns a declared parameter by its name, or nil.
func (g *smGraph) parameter(name string) *smParameter {
	for i := range g.parameters {
		if g.parameters[i].Name == name {
			return &g.parameters[i]
		}
	}
	return nil
}
