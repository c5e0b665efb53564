package mlops

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CheckValue reports a value that is not of the parameter's type, in text form.
func (p Parameter) CheckValue(v string) error {
	switch p.Type {
	case "integer":
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return fmt.Errorf("%q is not an integer", v)
		}
	case "number":
		if f, err := strconv.ParseFloat(v, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%q is not a number", v)
		}
	case "boolean":
		if v != "true" && v != "false" {
			return fmt.Errorf("%q is not a boolean; write true or false", v)
		}
	}
	return nil
}

// CheckParameters reports values that a pipeline does not take, and parameters
// without a value.
func (s PipelineSpec) CheckParameters(c *Checker, at Path, given map[string]string) {
	names := slices.Sorted(maps.Keys(s.Parameters))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, ok := s.Parameters[name]
		if !ok {
			c.Add(at.With(Key(name)), "Unknown parameter", "The pipeline has no parameter %q; it has %s.%s", name, list(names), DidYouMean(name, names))
			continue
		}
		if err := p.CheckValue(given[name]); err != nil {
			c.Add(at.With(Key(name)), "Wrong type", "The parameter is of type %s: %s.", p.Type, err)
		}
	}
	for _, name := range names {
		if _, ok := given[name]; !ok && s.Parameters[name].Default == nil {
			c.Add(at, "Missing parameter", "Parameter %q has no default: give it a value here.", name)
		}
	}
}

// Resolve returns the value of every parameter, defaults filled in.
func (s PipelineSpec) Resolve(given map[string]string) (map[string]string, error) {
	c := NewChecker()
	s.CheckParameters(c, At("parameters"), given)
	if err := c.Err(); err != nil {
		return nil, err
	}
	values := make(map[string]string, len(s.Parameters))
	for name, p := range s.Parameters {
		if p.Default != nil {
			values[name] = *p.Default
		}
	}
	maps.Copy(values, given)
	return values, nil
}

// ReadMetrics checks what a step wrote as metrics: a flat object of finite
// numbers. The error says what was found instead.
func ReadMetrics(values map[string]any) (map[string]float64, error) {
	out := make(map[string]float64, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, ok := values[name].(float64)
		if !ok {
			return nil, fmt.Errorf("metrics must be a flat JSON object of numbers; %q is %s", name, jsonKind(values[name]))
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("metrics must be finite numbers; " + strconv.Quote(name) + " is not")
		}
		out[name] = v
	}
	return out, nil
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

// list writes names for a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
