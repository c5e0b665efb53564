package aws

import (
	"slices"
	"strings"
)

// smGet returns what a reference refers to: {"Get": "Steps.train.ModelArtifacts"}.
func smGet(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return "", false
	}
	s, ok := m["Get"].(string)
	return s, ok
}

// smWild reports whether a value is decided only when the pipeline runs.
func smWild(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return false
	}
	for key := range m {
		return key == "Get" || key == "Std:Join" || key == "Std:JsonGet"
	}
	return false
}

// smWalk calls visit for every reference in a value.
func smWalk(v any, visit func(reference string)) {
	if target, ok := smGet(v); ok {
		visit(target)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			smWalk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			smWalk(inner, visit)
		}
	}
}

// checkReferences refuses references to what is not declared, and learns from the
// others which step waits for which.
func (g *smGraph) checkReferences() error {
	for _, s := range g.steps {
		own := smWithout(s.Arguments, "IfSteps", "ElseSteps")
		var bad string
		waits := slices.Clone(s.DependsOn)
		smWalk(own, func(reference string) {
			step, ok := g.resolves(reference)
			if !ok {
				bad = reference
			}
			if step != "" {
				waits = append(waits, step)
			}
		})
		if bad != "" {
			return smUnparsed("Reference '%s' in step '%s' cannot be resolved.", bad, s.Name)
		}
		for _, name := range s.DependsOn {
			if g.step(name) == nil {
				return smUnparsed("Step '%s' depends on the unknown step '%s'.", s.Name, name)
			}
		}
		if s.branch != nil {
			waits = append(waits, s.branch.Name)
		}
		slices.Sort(waits)
		s.waits = slices.Compact(waits)
	}
	return nil
}

// smExecutionFacts are what a definition can ask of its execution (developer
// guide, "Execution variables").
func smExecutionFacts() []string {
	return []string{"StartDateTime", "CurrentDateTime", "PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "TrainingJobName", "ProcessingJobName"}
}

// resolves reports whether a reference means something, and which step if any.
func (g *smGraph) resolves(reference string) (step string, ok bool) {
	scope, rest, found := strings.Cut(reference, ".")
	if !found {
		return "", false
	}
	switch scope {
	case "Parameters":
		return "", g.parameter(rest) != nil
	case "Execution":
		return "", slices.Contains(smExecutionFacts(), rest)
	case "Steps":
		name, _, _ := strings.Cut(rest, ".")
		return name, g.step(name) != nil
	}
	return "", false
}

// checkOrder refuses steps that wait for each other.
func (g *smGraph) checkOrder() error {
	done := map[string]bool{}
	for range g.steps {
		for _, s := range g.steps {
			done[s.Name] = done[s.Name] || !slices.ContainsFunc(s.waits, func(name string) bool { return !done[name] })
		}
	}
	for _, s := range g.steps {
		if !done[s.Name] {
			return smUnparsed("Cyclic dependency at step '%s'.", s.Name)
		}
	}
	return nil
}
