package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// smComparisons are the types of a condition with two values.
func smComparisons() []string {
	return []string{"Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"}
}

// smConditionMembers are the members of a condition beside its type, by type (AWS's
// SDK for Python, workflow/conditions.py). That of Not is Condition: the service knows
// no Expression, which the SDK sent (sagemaker-python-sdk, issue 2746 and pull request
// 4351).
func smConditionMembers(kind string) []string {
	switch {
	case slices.Contains(smComparisons(), kind):
		return []string{"LeftValue", "RightValue"}
	case kind == "Not":
		return []string{"Condition"}
	case kind == "Or":
		return []string{"Conditions"}
	case kind == "In":
		return []string{"QueryValue", "Values"}
	}
	return nil
}

// checkConditions refuses condition steps that the service refuses.
func (g *smGraph) checkConditions() error {
	for _, s := range g.steps {
		for _, name := range s.DependsOn {
			// "Pipeline creation will fail" (sagemaker-python-sdk, issue 3565).
			if before := g.step(name); before != nil && before.Type == "Condition" {
				return smUnparsed("Step '%s' cannot depend on the condition step '%s'.", s.Name, name)
			}
		}
		if s.Type != "Condition" {
			continue
		}
		// Developer guide, "Condition step": the service does not support the use of
		// nested condition steps.
		if s.branch != nil {
			return smUnparsed("The condition step '%s' cannot be in the condition step '%s'.", s.Name, s.branch.Name)
		}
		for _, c := range list(s.Arguments, "Conditions") {
			if err := g.checkCondition(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkCondition refuses a condition that is none, and one that reads a property file
// which no step declares.
func (g *smGraph) checkCondition(v any) error {
	c, ok := v.(map[string]any)
	if !ok {
		return smUnparsed("Expecting start of Json Object.")
	}
	members := smConditionMembers(text(c, "Type"))
	if members == nil {
		return smUnparsed("Unknown condition type '%s'.", text(c, "Type"))
	}
	for name := range c {
		if name != "Type" && !slices.Contains(members, name) {
			return smUnparsed("Cannot parse object, unknown property '%s'.", name)
		}
	}
	for _, name := range members {
		if _, ok := c[name]; !ok {
			return smUnparsed("Missing required field '%s'.", name)
		}
		if err := g.checkPropertyFile(c[name]); err != nil {
			return err
		}
	}
	inner := list(c, "Conditions")
	if c["Condition"] != nil {
		inner = append(inner, c["Condition"])
	}
	for _, v := range inner {
		if err := g.checkCondition(v); err != nil {
			return err
		}
	}
	return nil
}

// checkPropertyFile refuses a value of a property file that its step does not declare
// (sagemaker-python-sdk, issue 3642: the pipeline is refused).
func (g *smGraph) checkPropertyFile(v any) error {
	m, _ := v.(map[string]any)
	read, ok := m["Std:JsonGet"].(map[string]any)
	if !ok || read["S3Uri"] != nil {
		return nil
	}
	reference, _ := smGet(read["PropertyFile"])
	parts := strings.Split(reference, ".")
	if len(parts) == 4 && parts[0] == "Steps" && parts[2] == "PropertyFiles" {
		s := g.step(parts[1])
		if s != nil && slices.ContainsFunc(s.PropertyFiles, func(f smPropertyFile) bool { return f.PropertyFileName == parts[3] }) {
			return nil
		}
	}
	return smUnparsed("Property file '%s' cannot be resolved.", reference)
}

// smEndCondition decides a condition step: all of its conditions must hold.
func (w *World) smEndCondition(s *smStepRun) error {
	s.taken = true
	for _, c := range structures(s.arguments, "Conditions") {
		holds, err := smHolds(c)
		if err != nil {
			return err
		}
		s.taken = s.taken && holds
	}
	outcome := map[bool]string{true: "True", false: "False"}[s.taken]
	s.metadata, s.result = Params{"Condition": Params{"Outcome": outcome}}, Params{"Outcome": outcome}
	return nil
}

// smHolds decides one condition (developer guide, "Condition step"). Values that
// cannot be compared fail the step, as in local mode of AWS's SDK for Python
// (local/pipeline.py), whose words these are.
func smHolds(c Params) (bool, error) {
	kind := text(c, "Type")
	switch kind {
	case "Not":
		holds, err := smHolds(structure(c, "Condition"))
		return !holds, err
	case "Or":
		for _, inner := range structures(c, "Conditions") {
			if holds, err := smHolds(inner); holds || err != nil {
				return holds, err
			}
		}
		return false, nil
	case "In":
		return slices.ContainsFunc(list(c, "Values"), func(v any) bool { return smTextOf(v) == smTextOf(c["QueryValue"]) }), nil
	}
	left, right := c["LeftValue"], c["RightValue"]
	if kind == "Equals" {
		if smKind(left) != smKind(right) {
			return false, fmt.Errorf("LeftValue [%v] of type [%s] and RightValue [%v] of type [%s] are not of the same type.", left, smKind(left), right, smKind(right)) //nolint:staticcheck // AWS's words
		}
		return smTextOf(left) == smTextOf(right) || smKind(left) == "float" && smNumber(left) == smNumber(right), nil
	}
	order, err := smCompared(kind, left, right)
	return map[string]bool{
		"GreaterThan": order > 0, "GreaterThanOrEqualTo": order >= 0, "LessThan": order < 0, "LessThanOrEqualTo": order <= 0,
	}[kind], err
}

// smCompared orders two values: numbers, or texts.
func smCompared(kind string, left, right any) (int, error) {
	number := func(v any) bool { return smKind(v) == "int" || smKind(v) == "float" }
	switch {
	case number(left) && number(right):
		a, b := smNumber(left), smNumber(right)
		switch {
		case a < b:
			return -1, nil
		case a > b:
			return 1, nil
		}
		return 0, nil
	case smKind(left) == "str" && smKind(right) == "str":
		return strings.Compare(smTextOf(left), smTextOf(right)), nil
	}
	return 0, fmt.Errorf("condition of type [%s] not supported between [%v] of type [%s] and [%v] of type [%s]", kind, left, smKind(left), right, smKind(right))
}

// smKind is the type of a resolved value.
func smKind(v any) string {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "int"
		}
		return "float"
	case bool:
		return "bool"
	case string:
		return "str"
	}
	return "object"
}

// smNumber is a value as a number.
func smNumber(v any) float64 {
	if n, ok := v.(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	f, _ := strconv.ParseFloat(smTextOf(v), 64)
	return f
}
