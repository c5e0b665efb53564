package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// accepts refuses a value that a parameter cannot have.
func (p smParameter) accepts(v any) error {
	if len(p.EnumValues) > 0 && !slices.Contains(p.EnumValues, v) {
		return fmt.Errorf("the value %v of parameter '%s' is not among its enum values", v, p.Name)
	}
	ok := false
	switch p.Type {
	case "String":
		s, text := v.(string)
		if text && s == "" {
			// As a user reports it (sagemaker-python-sdk, issue 4016).
			return errors.New(`[string "" is too short (length: 0, required minimum: 1)]`)
		}
		ok = text
	case "Boolean":
		_, ok = v.(bool)
	case "Integer":
		n, isNumber := v.(json.Number)
		_, err := n.Int64()
		ok = isNumber && err == nil
	case "Float":
		n, isNumber := v.(json.Number)
		_, err := n.Float64()
		ok = isNumber && err == nil
	}
	if !ok {
		return fmt.Errorf("the value %v of parameter '%s' is not of type %s", v, p.Name, p.Type)
	}
	return nil
}

// parsed reads a parameter's value from the text in which it is given to an
// execution.
func (p smParameter) parsed(value string) (any, error) {
	var v any = value
	switch p.Type {
	case "Integer", "Float":
		v = json.Number(value)
	case "Boolean":
		b, err := strconv.ParseBool(value)
		if err != nil || (!strings.EqualFold(value, "true") && !strings.EqualFold(value, "false")) {
			return nil, fmt.Errorf("the value %s of parameter '%s' is not of type Boolean", value, p.Name)
		}
		v = b
	}
	return v, p.accepts(v)
}

// smTextOf writes a parameter's value as the service lists it.
func smTextOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(v)
}

// values decides the parameters of an execution from what it was given.
func (g *smGraph) values(given []Params) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range g.parameters {
		if p.DefaultValue != nil {
			out[p.Name] = p.DefaultValue
		}
	}
	seen := map[string]bool{}
	for _, in := range given {
		name := text(in, "Name")
		p := g.parameter(name)
		if p == nil {
			return nil, fault("ValidationException", "Parameter '%s' is not defined in the pipeline definition.", name)
		}
		if seen[name] {
			return nil, fault("ValidationException", "Parameter '%s' is given more than once.", name)
		}
		seen[name] = true
		v, err := p.parsed(text(in, "Value"))
		if err != nil {
			return nil, fault("ValidationException", "%s", err.Error())
		}
		out[name] = v
	}
	for _, p := range g.parameters {
		if _, ok := out[p.Name]; !ok {
			return nil, fault("ValidationException", "Parameter '%s' has no default value and none was given.", p.Name)
		}
	}
	return out, nil
}
