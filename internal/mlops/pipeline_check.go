package mlops

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	stepName     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	notInEnvName = regexp.MustCompile(`[^A-Z0-9]`)
)

const stepNameForm = "lower-case letters, digits, hyphens and underscores, starting with a letter, at most 63 characters"

// EnvName is the name of an input or output in a step's environment variables,
// behind MLOPS_INPUT_ or MLOPS_OUTPUT_.
func EnvName(name string) string {
	return notInEnvName.ReplaceAllString(strings.ToUpper(name), "_")
}

// Validate checks what every backend refuses.
func (s PipelineSpec) Validate(c *Checker) {
	s.validateParameters(c)
	s.validateDefinition(c)
	checkID(c, At("experiment"), s.Experiment, NounExperiment)
	if s.Experiment != "" && s.Environment != "" && s.Experiment.Environment() != s.Environment {
		c.AddIf(At("experiment"), []Path{At("experiment"), At("environment")}, "Another environment", "The experiment must be of the pipeline's environment %q.", s.Environment)
	}
	if s.Parallelism < 0 {
		c.Add(At("parallelism"), "Negative parallelism", "Allow at least one step at a time, or leave it out.")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Steps)) {
		at := At("steps", Key(name))
		if !stepName.MatchString(name) {
			c.AddIf(at, nil, "Invalid step name", "%q is not a valid step name; use %s.", name, stepNameForm)
		}
		s.Steps[name].validate(c, at)
		s.validateReferences(c, at, name)
		s.validateWhen(c, at, name)
	}
	if _, err := s.Graph(); isCycle(err) {
		c.AddIf(s.cyclePlace(), nil, "Cycle", "%s. A step can only use outputs of steps that end before it starts.", sentence(err.Error()))
	}
}

// validateDefinition insists on one way to say what the pipeline does.
func (s PipelineSpec) validateDefinition(c *Checker) {
	both := []Path{At("steps"), At("definition")}
	switch {
	case len(s.Steps) == 0 && s.Definition == "":
		c.AddIf(At("steps"), both, "No steps", "A pipeline needs at least one step, or the platform's own definition.")
	case len(s.Steps) > 0 && s.Definition != "":
		c.AddIf(At("definition"), both, "Steps and definition", "A pipeline has either steps, or the platform's own definition, not both.")
	case s.Definition != "" && !json.Valid([]byte(s.Definition)):
		c.Add(At("definition"), "Invalid JSON", "The definition must be JSON; write it with jsonencode, or read it with file.")
	}
}

func (s PipelineSpec) validateParameters(c *Checker) {
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		at, p := At("parameters", Key(name)), s.Parameters[name]
		if !identifier.MatchString(name) {
			c.Add(at, "Invalid parameter name", "%q is not a valid parameter name; use letters, digits, hyphens and underscores, not starting with a digit.", name)
		}
		if !slices.Contains(ParameterTypes(), p.Type) {
			c.Add(at.With("type"), "Unknown type", "%q is no parameter type; use one of %s.%s", p.Type, list(ParameterTypes()), DidYouMean(p.Type, ParameterTypes()))
		}
		if p.Default != nil {
			if err := p.CheckValue(*p.Default); err != nil {
				c.Add(at.With("default"), "Wrong type", "The parameter is of type %s: %s.", p.Type, err)
			}
		}
	}
}

func (s Step) validate(c *Checker, at Path) {
	what := []Path{at.With("script"), at.With("command"), at.With("image")}
	switch {
	case s.Script != "" && len(s.Command) > 0:
		c.AddIf(at, what, "Script and command", "A step has either a script or a command, not both.")
	case s.Script == "" && len(s.Command) == 0 && s.Image == "":
		c.AddIf(at, what, "Nothing to do", "Give the step a script, a command or an image.")
	}
	checkNames(c, at.With("inputs"), slices.Sorted(maps.Keys(s.Inputs)), func(n string) any { return Key(n) })
	checkNames(c, at.With("outputs"), s.Outputs, func(n string) any { return slices.Index(s.Outputs, n) })
	checkRequirements(c, at.With("packages"), s.Packages)
	s.Compute.validate(c, at.With("compute"))
	checkPositive(c, at.With("timeout"), s.Timeout)
	if r := s.Retry; r != nil {
		if r.Attempts < 1 {
			c.Add(at.With("retry", "attempts"), "Too few attempts", "attempts counts the first one too: 1 or more.")
		}
		checkPositive(c, at.With("retry", "backoff"), r.Backoff)
	}
}

// checkNames checks the names of inputs or outputs, which become environment
// variables.
func checkNames(c *Checker, at Path, names []string, key func(string) any) {
	taken := map[string]string{}
	for _, n := range names {
		if !stepName.MatchString(n) {
			c.AddIf(at.With(key(n)), nil, "Invalid name", "%q is not a valid name here; use %s.", n, stepNameForm)
		}
		if other, ok := taken[EnvName(n)]; ok {
			c.AddIf(at.With(key(n)), nil, "Names collide", "%q and %q have the same environment variable, …_%s; rename one.", other, n, EnvName(n))
		}
		taken[EnvName(n)] = n
	}
}

func (s PipelineSpec) validateReferences(c *Checker, at Path, name string) {
	step := s.Steps[name]
	for i, other := range step.After {
		if _, ok := s.Steps[other]; !ok {
			c.AddIf(at.With("after", i), []Path{at.With("after", i), At("steps", Key(other))}, "Unknown step", "There is no step %q.%s", other, DidYouMean(other, slices.Sorted(maps.Keys(s.Steps))))
		}
	}
	for _, f := range step.templates() {
		where := at.With(f.path...)
		t, err := ParseTemplate(f.text)
		if err != nil {
			c.Add(where, "Invalid template", "%s", sentence(err.Error()))
			continue
		}
		for _, r := range t.References() {
			s.validateReference(c, where, name, r)
		}
		if f.path[0] == "inputs" {
			s.validateInput(c, where, t)
		}
	}
}

// validateInput checks that an input can be a path.
func (s PipelineSpec) validateInput(c *Checker, at Path, t Template) {
	for _, r := range t.References() {
		if p, ok := s.Parameters[r.Name]; r.Kind == RefParam && ok && p.Type != "string" {
			c.AddIf(at, []Path{at, At("parameters", Key(r.Name), "type")}, "Wrong type", "An input is a path; {{%s}} is of type %s. Pass it in env instead.", r, p.Type)
		}
		if r.Kind == RefInput || r.Kind == RefOutput {
			c.Add(at, "Not available here", "An input cannot be made from the step's own {{%s}}; use an output of another step or a parameter.", r)
		}
	}
}

func (s PipelineSpec) validateReference(c *Checker, at Path, name string, r Reference) {
	step := s.Steps[name]
	missing := func(needs Path, kind string, have []string) {
		if !slices.Contains(have, r.Name) {
			c.AddIf(at, []Path{at, needs}, "Unknown "+kind, "{{%s}}: there is no %s %q; there is %s.%s", r, kind, r.Name, list(have), DidYouMean(r.Name, have))
		}
	}
	switch r.Kind {
	case RefParam:
		missing(At("parameters", Key(r.Name)), "parameter", slices.Sorted(maps.Keys(s.Parameters)))
	case RefInput:
		missing(At("steps", Key(name), "inputs", Key(r.Name)), "input", slices.Sorted(maps.Keys(step.Inputs)))
	case RefOutput:
		missing(At("steps", Key(name), "outputs"), "output", step.Outputs)
	case RefStepOutput:
		other, ok := s.Steps[r.Step]
		if !ok {
			steps := slices.Sorted(maps.Keys(s.Steps))
			c.AddIf(at, []Path{at, At("steps", Key(r.Step))}, "Unknown step", "{{%s}}: there is no step %q; there is %s.%s", r, r.Step, list(steps), DidYouMean(r.Step, steps))
			return
		}
		missing(At("steps", Key(r.Step), "outputs"), "output of step "+r.Step, other.Outputs)
	case RefRunID, RefDataset: // always there; datasets are looked for when a run starts
	}
}

// checkRequirements refuses what would be an option or several requirements to
// pip.
func checkRequirements(c *Checker, at Path, requirements []string) {
	for i, r := range requirements {
		if strings.TrimSpace(r) != r || r == "" || strings.HasPrefix(r, "-") || strings.ContainsAny(r, "\n\r") {
			c.Add(at.With(i), "Not a requirement", "%q is not a pip requirement such as \"pandas==2.3.3\".", r)
		}
	}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
