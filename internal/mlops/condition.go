package mlops

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Condition is one comparison of a step's When, such as
// {{steps.evaluate.metrics.accuracy}} >= 0.9.
type Condition struct {
	Left, Right Operand
	Operator    string // one of operators
}

// Operand is one side of a condition: a parameter, a metric of a step, or a
// literal.
type Operand struct {
	Parameter    string // {{params.p}}
	Step, Metric string // {{steps.s.metrics.m}}: a number in the output named metrics of that step
	Literal      string // anything else
	Quoted       bool   // of a literal: it is text, whatever it looks like
}

// MetricsOutput is the output of a step that is read back: a flat JSON object of
// numbers.
const MetricsOutput = "metrics"

// operators lists those that a condition may have; none begins with one before it.
func operators() []string { return []string{"==", "!=", "<=", ">=", "<", ">"} }

// ParseCondition parses one comparison of two operands. A literal is a word, or
// text in single or double quotes.
func ParseCondition(text string) (Condition, error) {
	var c Condition
	left, rest, err := parseOperand(text)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(operators(), func(op string) bool { return strings.HasPrefix(rest, op) })
	if i < 0 {
		return c, fmt.Errorf("a comparison with one of %s is expected, such as {{params.x}} == 1; found %s", strings.Join(operators(), " "), found(rest))
	}
	op := operators()[i]
	right, rest, err := parseOperand(rest[len(op):])
	if err != nil {
		return c, err
	}
	if rest != "" {
		return c, fmt.Errorf("each entry is one comparison, and all entries must hold: %s comes after it", found(rest))
	}
	return Condition{left, right, op}, nil
}

// found quotes a part of a condition for an error.
func found(text string) string {
	if text == "" {
		return "nothing"
	}
	return strconv.Quote(clip(text))
}

// parseOperand reads an operand, and returns what is behind it.
func parseOperand(text string) (o Operand, rest string, err error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "{{"); ok {
		inner, rest, closed := strings.Cut(inner, "}}")
		if !closed {
			return o, "", fmt.Errorf("\"{{%s\" has no closing \"}}\"", clip(inner))
		}
		o, err = parseValue(strings.TrimSpace(inner))
		return o, strings.TrimSpace(rest), err
	}
	if text != "" && strings.ContainsRune(`"'`, rune(text[0])) {
		inner, rest, closed := strings.Cut(text[1:], text[:1])
		if !closed {
			return o, "", fmt.Errorf("%s%s has no closing quote", text[:1], clip(inner))
		}
		return Operand{Literal: inner, Quoted: true}, strings.TrimSpace(rest), nil
	}
	end := strings.IndexAny(text, " \t\r\n=!<>{}\"'")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return o, "", fmt.Errorf("a value is expected; found %s", found(text))
	}
	return Operand{Literal: text[:end]}, strings.TrimSpace(text[end:]), nil
}

// parseValue reads what stands between the braces.
func parseValue(s string) (Operand, error) {
	words := strings.Split(s, ".")
	known := !slices.ContainsFunc(words, func(w string) bool { return !identifier.MatchString(w) })
	switch {
	case known && len(words) == 2 && words[0] == string(RefParam):
		return Operand{Parameter: words[1]}, nil
	case known && len(words) == 4 && words[0] == string(RefStepOutput) && words[2] == MetricsOutput:
		return Operand{Step: words[1], Metric: words[3]}, nil
	}
	return Operand{}, fmt.Errorf("{{%s}} cannot be compared: write {{params.x}}, or {{steps.s.metrics.m}} for a number that step s writes to its output named metrics", clip(s))
}

// IsLiteral reports whether the operand is known before any run.
func (o Operand) IsLiteral() bool { return o.Parameter == "" && o.Step == "" }

// String writes the operand as in a condition.
func (o Operand) String() string {
	switch {
	case o.Parameter != "":
		return "{{params." + o.Parameter + "}}"
	case o.Step != "":
		return "{{steps." + o.Step + ".metrics." + o.Metric + "}}"
	case !o.Quoted:
		return o.Literal
	case strings.Contains(o.Literal, "'"):
		return `"` + o.Literal + `"`
	}
	return "'" + o.Literal + "'"
}

// String writes the condition as it is parsed.
func (c Condition) String() string {
	return c.Left.String() + " " + c.Operator + " " + c.Right.String()
}

// Operands lists both sides.
func (c Condition) Operands() []Operand { return []Operand{c.Left, c.Right} }

// Conditions parses a step's When.
func (s Step) Conditions() ([]Condition, error) {
	var all []Condition
	for _, text := range s.When {
		c, err := ParseCondition(text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// measured lists the steps whose metrics a step's When compares. What does not
// parse is left to Validate.
func (s Step) measured() []string {
	var steps []string
	for _, text := range s.When {
		c, _ := ParseCondition(text) // the zero Condition has no steps
		for _, o := range c.Operands() {
			if o.Step != "" {
				steps = append(steps, o.Step)
			}
		}
	}
	return steps
}

// RunFacts is what is known of a run when it comes to one of its steps.
type RunFacts struct {
	Parameters map[string]string             // with defaults filled in
	Metrics    map[string]map[string]float64 // by step
	Skipped    map[string]bool               // steps that were skipped
}

// WhySkipped decides whether a step runs whose needs have all ended well: it says
// why the step is skipped, or nothing if it runs. The error names a metric that is
// not there.
func (s PipelineSpec) WhySkipped(step string, needs []string, f RunFacts) (reason string, err error) {
	for _, need := range needs {
		if f.Skipped[need] {
			return fmt.Sprintf("step %q, which it needs, was skipped", need), nil
		}
	}
	conditions, err := s.Steps[step].Conditions()
	if err != nil {
		return "", err
	}
	for _, c := range conditions {
		holds, seen, err := s.holds(c, f)
		if err != nil {
			return "", fmt.Errorf("the condition %s cannot be decided: %w", c, err)
		}
		if !holds {
			return fmt.Sprintf("%s does not hold: %s", c, seen), nil
		}
	}
	return "", nil
}

// holds decides a condition that was checked. seen tells its values.
func (s PipelineSpec) holds(c Condition, f RunFacts) (holds bool, seen string, err error) {
	left, err := f.value(c.Left)
	if err != nil {
		return false, "", err
	}
	right, err := f.value(c.Right)
	if err != nil {
		return false, "", err
	}
	order, err := compareAs(s.Comparison(c), left, right)
	return map[string]bool{
		"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0,
	}[c.Operator], left + " " + c.Operator + " " + right, err
}

// value is what an operand stands for, in text form.
func (f RunFacts) value(o Operand) (string, error) {
	switch {
	case o.Parameter != "":
		v, ok := f.Parameters[o.Parameter]
		if !ok {
			return "", fmt.Errorf("there is no parameter %q", o.Parameter)
		}
		return v, nil
	case o.Step != "":
		v, ok := f.Metrics[o.Step][o.Metric]
		if !ok {
			have := slices.Sorted(maps.Keys(f.Metrics[o.Step]))
			return "", fmt.Errorf("step %q wrote no metric %q; it wrote %s.%s", o.Step, o.Metric, list(have), DidYouMean(o.Metric, have))
		}
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return o.Literal, nil
}

// Comparison is the type that a condition's values are compared as: string,
// boolean or number.
func (s PipelineSpec) Comparison(c Condition) string {
	for _, o := range c.Operands() {
		if !o.IsLiteral() {
			return comparedAs(s.typeOf(o))
		}
	}
	return "string"
}

// typeOf is the type of what an operand refers to; empty for a literal and for
// what is not there.
func (s PipelineSpec) typeOf(o Operand) string {
	if o.Step != "" {
		return "number"
	}
	return s.Parameters[o.Parameter].Type
}

// comparedAs is the type that values of a parameter's type are compared as.
func comparedAs(parameterType string) string {
	if parameterType == "integer" {
		return "number"
	}
	return parameterType
}

// compareAs orders two values of a type; false comes before true.
func compareAs(kind, left, right string) (int, error) {
	if kind != "number" {
		return cmp.Compare(left, right), nil
	}
	// Integers beyond what a float64 holds exactly are told apart.
	a, errA := strconv.ParseInt(left, 10, 64)
	b, errB := strconv.ParseInt(right, 10, 64)
	if errA == nil && errB == nil {
		return cmp.Compare(a, b), nil
	}
	x, errX := strconv.ParseFloat(left, 64)
	y, errY := strconv.ParseFloat(right, 64)
	return cmp.Compare(x, y), errors.Join(errX, errY)
}
