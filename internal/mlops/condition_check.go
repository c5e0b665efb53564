package mlops

import (
	"fmt"
	"maps"
	"slices"
)

// validateWhen checks the conditions of a step.
func (s PipelineSpec) validateWhen(c *Checker, at Path, name string) {
	for i, text := range s.Steps[name].When {
		where := at.With("when", i)
		condition, err := ParseCondition(text)
		if err != nil {
			c.Add(where, "Invalid condition", "%s.", sentence(err.Error()))
			continue
		}
		if condition.Left.IsLiteral() && condition.Right.IsLiteral() {
			c.Add(where, "Nothing to decide", "Both sides are literals, so that this is known now: compare {{params.x}} or {{steps.s.metrics.m}}.")
			continue
		}
		ok := true
		for _, o := range condition.Operands() {
			ok = s.validateOperand(c, where, o) && ok
		}
		if ok {
			s.validateTypes(c, where, condition)
		}
	}
}

// validateOperand checks that what an operand refers to is there.
func (s PipelineSpec) validateOperand(c *Checker, at Path, o Operand) bool {
	if o.Parameter != "" {
		names := slices.Sorted(maps.Keys(s.Parameters))
		if !slices.Contains(names, o.Parameter) {
			c.AddIf(at, []Path{at, At("parameters", Key(o.Parameter))}, "Unknown parameter", "%s: there is no parameter %q; there is %s.%s", o, o.Parameter, list(names), DidYouMean(o.Parameter, names))
			return false
		}
	}
	if o.Step == "" {
		return true
	}
	other, ok := s.Steps[o.Step]
	if !ok {
		names := slices.Sorted(maps.Keys(s.Steps))
		c.AddIf(at, []Path{at, At("steps", Key(o.Step))}, "Unknown step", "%s: there is no step %q; there is %s.%s", o, o.Step, list(names), DidYouMean(o.Step, names))
		return false
	}
	if !slices.Contains(other.Outputs, MetricsOutput) {
		c.AddIf(at, []Path{at, At("steps", Key(o.Step), "outputs")}, "No metrics", "%s: step %q has no output named %q. Add it to the step's outputs, and write a JSON object with %q to it.", o, o.Step, MetricsOutput, o.Metric)
		return false
	}
	return true
}

// validateTypes checks that the two sides can be compared by the operator.
func (s PipelineSpec) validateTypes(c *Checker, at Path, condition Condition) {
	needs := []Path{at}
	for _, o := range condition.Operands() {
		if o.Parameter != "" {
			needs = append(needs, At("parameters", Key(o.Parameter), "type"))
		}
	}
	refuse := func(detail string, args ...any) { c.AddIf(at, needs, "Wrong type", "%s", fmt.Sprintf(detail, args...)) }
	kind := s.Comparison(condition)
	if !slices.Contains(ParameterTypes(), kind) {
		return // told of the parameter
	}
	if condition.Operator != "==" && condition.Operator != "!=" && kind != "number" {
		refuse("%s compares numbers, and this is of type %s; use == or !=.", condition.Operator, kind)
		return
	}
	for i, o := range condition.Operands() {
		other := condition.Operands()[1-i]
		switch {
		case !o.IsLiteral():
			if got := comparedAs(s.typeOf(o)); got != kind {
				refuse("%s is of type %s, and %s of type %s: they are never equal.", other, kind, o, got)
			}
		case o.Quoted && s.typeOf(other) != "string":
			refuse("%s is of type %s, and %s is text; write it without quotes.", other, s.typeOf(other), o)
		default:
			if err := (Parameter{Type: s.typeOf(other)}).CheckValue(o.Literal); err != nil {
				refuse("%s is of type %s: %s.", other, s.typeOf(other), err)
			}
		}
	}
}

// cyclePlace is where a cycle of steps is best told: at the first condition that
// closes it, or at the steps where there is one without any condition.
func (s PipelineSpec) cyclePlace() Path {
	bare := s
	bare.Steps = map[string]Step{}
	names := slices.Sorted(maps.Keys(s.Steps))
	for _, name := range names {
		step := s.Steps[name]
		step.When = nil
		bare.Steps[name] = step
	}
	if bare.cyclic() {
		return At("steps")
	}
	for _, name := range names {
		for i := range s.Steps[name].When {
			step := bare.Steps[name]
			step.When = s.Steps[name].When[:i+1]
			bare.Steps[name] = step
			if bare.cyclic() {
				return At("steps", Key(name), "when", i)
			}
		}
	}
	return At("steps")
}
