package sagemaker

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A step with conditions stands in the branch of a condition step that is taken when
// they hold. None can stand in another's branch, so that each has all conditions of
// its steps: their own, and those of what they need. Steps with the same conditions
// share one. Source: the developer guide, "Add a condition step".
const (
	// conditionPrefix begins the names of condition steps; no step's own name has
	// capitals.
	conditionPrefix = "When-"
	conditionTitle  = "When " // and the step's name
	maxStepName     = 64
	maxStepNote     = 3072 // characters of a step's description
)

// guard is what must hold for a step, each condition once.
type guard []mlops.Condition

// key is the same for guards with the same conditions.
func (g guard) key() string {
	var all []string
	for _, c := range g {
		all = append(all, c.String())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// String writes the conditions as a sentence's part.
func (g guard) String() string {
	var all []string
	for _, c := range g {
		all = append(all, c.String())
	}
	return strings.Join(all, " and ")
}

// guardsOf returns what must hold for each step, empty for one that always runs.
// What does not parse is left out: the portable rules tell.
func guardsOf(spec mlops.PipelineSpec, graph mlops.Graph) map[string]guard {
	guards := map[string]guard{}
	for _, name := range graph.Order() {
		var all guard
		for _, need := range graph.Needs(name) {
			all = append(all, guards[need]...)
		}
		own, _ := spec.Steps[name].Conditions()
		for _, c := range append(all, own...) {
			if !slices.Contains(guards[name], c) {
				guards[name] = append(guards[name], c)
			}
		}
	}
	return guards
}

// branches puts steps with conditions into the branches of condition steps.
func (c *compiler) branches(steps []step) []step {
	guards := guardsOf(c.spec, c.graph)
	var out []step
	at := map[string]map[string]any{} // arguments of condition steps, by the guard's key
	for _, s := range steps {
		g := guards[s.Name]
		if len(g) == 0 {
			out = append(out, s)
			continue
		}
		key := g.key()
		if at[key] == nil {
			decides := c.conditionStep(s.Name, g)
			at[key] = decides.Arguments
			out = append(out, decides)
		}
		inside, _ := at[key]["IfSteps"].([]step)
		at[key]["IfSteps"] = append(inside, s)
	}
	return out
}

// conditionStep decides about the step of a name, and others with the same guard.
func (c *compiler) conditionStep(name string, g guard) step {
	var all []any
	for _, condition := range g {
		all = append(all, c.comparisons(condition)...)
	}
	return step{
		Name: conditionName(name), Type: "Condition", DisplayName: conditionTitle + name, Description: shortened(g.String(), maxStepNote),
		Arguments: map[string]any{"Conditions": all, "IfSteps": []step{}, "ElseSteps": []step{}},
	}
}

// conditionName is what a condition step is called: a long name is told apart by its
// digest.
func conditionName(step string) string {
	if name := conditionPrefix + step; len(name) <= maxStepName {
		return name
	}
	return conditionPrefix + shortHash(step)
}

// isCondition reports whether a step that SageMaker lists is none of the pipeline's.
func isCondition(name string) bool { return strings.HasPrefix(name, conditionPrefix) }

func shortened(s string, longest int) string {
	r := []rune(s)
	if len(r) <= longest {
		return s
	}
	return string(r[:longest-1]) + "…"
}

// comparisons are a condition in SageMaker's words; all of them must hold. Numbers
// are not compared by Equals, to which 1 and 1.0 are of different types. Source: local
// mode of AWS's SDK for Python (local/pipeline.py).
func (c *compiler) comparisons(condition mlops.Condition) []any {
	left, right := c.operand(condition, condition.Left), c.operand(condition, condition.Right)
	compare := func(kind string) map[string]any {
		return map[string]any{"Type": kind, "LeftValue": left, "RightValue": right}
	}
	ordered := map[string]string{"<": "LessThan", "<=": "LessThanOrEqualTo", ">": "GreaterThan", ">=": "GreaterThanOrEqualTo"}
	number := c.spec.Comparison(condition) == "number"
	switch {
	case ordered[condition.Operator] != "":
		return []any{compare(ordered[condition.Operator])}
	case number && condition.Operator == "==":
		return []any{compare(ordered["<="]), compare(ordered[">="])}
	case number:
		return []any{map[string]any{"Type": "Or", "Conditions": []any{compare(ordered["<"]), compare(ordered[">"])}}}
	case condition.Operator == "==":
		return []any{compare("Equals")}
	}
	// The member is Condition, whatever older versions of the SDK for Python call it
	// (sagemaker-python-sdk, pull request 4351).
	return []any{map[string]any{"Type": "Not", "Condition": compare("Equals")}}
}

// operand is one side of a condition. A literal has the type that it is compared as.
func (c *compiler) operand(condition mlops.Condition, o mlops.Operand) any {
	switch {
	case o.Parameter != "":
		return get("Parameters." + o.Parameter)
	case o.Step != "":
		return map[string]any{"Std:JsonGet": map[string]any{
			"PropertyFile": get("Steps." + o.Step + ".PropertyFiles." + mlops.MetricsOutput), "Path": metricPath(o.Metric),
		}}
	}
	switch c.spec.Comparison(condition) {
	case "number":
		return nativeNumber(o.Literal)
	case "boolean":
		return o.Literal == "true"
	}
	return nativeValue(o.Literal)
}

// metricPath is where a metric is in its file.
func metricPath(name string) string {
	if strings.Contains(name, "-") {
		return "['" + name + "']"
	}
	return name
}

// nativeNumber is a checked number as JSON has it, however it was written.
func nativeNumber(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(text, 64) // it was checked
	return f
}

// propertyFiles let condition steps read a step's metrics, if any does.
func (c *compiler) propertyFiles(name string) []map[string]string {
	for _, s := range c.spec.Steps {
		conditions, _ := s.Conditions() // they were checked
		for _, condition := range conditions {
			if condition.Left.Step == name || condition.Right.Step == name {
				return []map[string]string{{
					"PropertyFileName": mlops.MetricsOutput, "OutputName": mlops.MetricsOutput, "FilePath": mlops.MetricsOutput,
				}}
			}
		}
	}
	return nil
}

// checkConditions refuses conditions that condition steps cannot have.
func checkConditions(c *mlops.Checker, spec mlops.PipelineSpec) {
	graph, err := spec.Graph()
	if err != nil {
		return // the portable rules tell
	}
	guards := guardsOf(spec, graph)
	for _, name := range graph.Order() {
		for i, text := range spec.Steps[name].When {
			condition, _ := mlops.ParseCondition(text) // the portable rules tell
			for _, o := range condition.Operands() {
				if o.Step != "" {
					checkMeasured(c, mlops.At("steps", mlops.Key(name), "when", i), spec, o, guards[o.Step])
				}
			}
		}
	}
}

// checkMeasured refuses a metric that no condition step can read.
func checkMeasured(c *mlops.Checker, at mlops.Path, spec mlops.PipelineSpec, o mlops.Operand, g guard) {
	if len(g) > 0 {
		c.Add(at, "A condition within a condition",
			"On sagemaker the metrics that decide must be of steps that always run, and step %q runs only if %s. Let it run always, or let it decide by itself whether there is something to do.", o.Step, g)
	}
	if spec.Steps[o.Step].OnSpot() {
		c.AddIf(at, []mlops.Path{at, mlops.At("steps", mlops.Key(o.Step), "compute")}, "Metrics of a training job",
			"SageMaker reads the metrics that decide from processing jobs alone, and a step on spot capacity is a training job. Leave spot out for step %q, or measure in a step behind it.", o.Step)
	}
}

// undecided says why a condition step failed, if it did, and makes the step fail that
// it is called after.
func undecided(run mlops.StepRun, conditions, title string, steps map[string]mlops.StepRun) []string {
	if run.State != mlops.RunFailed {
		return nil
	}
	step := strings.TrimPrefix(title, conditionTitle)
	run.Reason = fmt.Sprintf("the condition %s cannot be decided: %s", conditions, cmp.Or(run.Reason, "no reason was given"))
	steps[step] = run
	return []string{fmt.Sprintf("step %q was not started: %s", step, run.Reason)}
}

// withoutSkipped is a pipeline without the steps that a run which succeeded did not
// start, and why it did not.
func withoutSkipped(pipeline mlops.PipelineSpec, started map[string]string) (mlops.PipelineSpec, map[string]string) {
	graph, err := pipeline.Graph()
	if err != nil {
		return pipeline, nil // SageMaker's own language
	}
	guards, skipped, steps := guardsOf(pipeline, graph), map[string]string{}, map[string]mlops.Step{}
	for name, s := range pipeline.Steps {
		if _, ok := started[name]; ok {
			steps[name] = s
			continue
		}
		skipped[name] = "a condition of it, or of a step that it needs, does not hold"
		if g := guards[name]; len(g) == 1 {
			skipped[name] = g.String() + " does not hold"
		} else if len(g) > 1 {
			skipped[name] = "not all of this holds: " + g.String()
		}
	}
	pipeline.Steps = steps
	return pipeline, skipped
}
