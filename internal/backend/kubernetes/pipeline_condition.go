package kubernetes

import (
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// conditional reports whether any step of the pipeline may be skipped.
func (c compiler) conditional() bool {
	for _, s := range c.spec.Steps {
		if len(s.When) > 0 {
			return true
		}
	}
	return false
}

// order says what a task comes after. Argo takes a dependency for met whose task was
// skipped, and what needs such a step is to be skipped too: where steps may be, a task
// insists on success. One graph cannot have both ways to say it.
func (c compiler) order(task *argoTask, name string) {
	var all []string
	for _, before := range c.graph.Needs(name) {
		all = append(all, nativeStep(before))
	}
	if !c.conditional() {
		task.Dependencies = all
		return
	}
	for i := range all {
		all[i] += ".Succeeded"
	}
	task.Depends = strings.Join(all, " && ")
}

// when is the expression that a step's conditions come to, which Argo replaces by true
// or false; "" for a step without any. It names parameters and outputs and has none of
// their text, so that no value can be taken for a part of it.
func (c compiler) when(name string) (string, error) {
	conditions, err := c.spec.Steps[name].Conditions()
	if err != nil {
		return "", invalid(err)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	var all []string
	for _, one := range conditions {
		convert := c.conversion(one)
		all = append(all, convert(one.Left)+" "+one.Operator+" "+convert(one.Right))
	}
	return "{{=" + strings.Join(all, " && ") + "}}", nil
}

// conversion writes the operands of a condition as values of one type. Argo has every
// parameter as text.
func (c compiler) conversion(one mlops.Condition) func(mlops.Operand) string {
	as := ""
	if c.spec.Comparison(one) == "number" {
		as = "asFloat"
		if c.isWhole(one.Left) && c.isWhole(one.Right) {
			as = "asInt" // exact where a float is not
		}
	}
	return func(o mlops.Operand) string {
		if as == "" {
			return operand(o)
		}
		return as + "(" + operand(o) + ")"
	}
}

// isWhole reports whether an operand is an integer in every run.
func (c compiler) isWhole(o mlops.Operand) bool {
	if o.IsLiteral() {
		_, err := strconv.ParseInt(o.Literal, 10, 64)
		return err == nil
	}
	return c.spec.Parameters[o.Parameter].Type == "integer"
}

// operand is one side of a condition in Argo's expressions. A metric that is not there
// is an error of the expression, which fails the run.
func operand(o mlops.Operand) string {
	switch {
	case o.Parameter != "":
		return "workflow.parameters[" + textual(o.Parameter) + "]"
	case o.Step != "":
		return "jsonpath(tasks[" + textual(nativeStep(o.Step)) + "].outputs.parameters." + metricsOutput + ", " + textual("$['"+o.Metric+"']") + ")"
	}
	return textual(o.Literal)
}

// textual is a literal text of an expression. Braces are escaped: those of an
// expression end at the first two.
func textual(text string) string {
	return strings.NewReplacer("{", `\x7b`, "}", `\x7d`).Replace(strconv.QuoteToASCII(text))
}
