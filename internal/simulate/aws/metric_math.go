package aws

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// metricMath computes expressions of CloudWatch's metric math (user guide, "Using
// math expressions with CloudWatch metrics"). Its arithmetic, comparisons and calls
// are written as Go writes them, so Go's parser reads them. It knows arithmetic
// but powers, comparisons, AND, OR, and the functions below; what it does not know
// it refuses.
type metricMath struct {
	known  map[string]series
	bins   []int64 // all periods that are asked about
	period int64
}

// mathValue is a number, a series, or a list of series.
type mathValue struct {
	number float64
	series series
	list   []series
}

// parseMath reads an expression. Lists in brackets become calls of LIST.
func parseMath(source string) (ast.Expr, error) {
	e, err := parser.ParseExpr(strings.NewReplacer("[", "LIST(", "]", ")", " AND ", " && ", " OR ", " || ").Replace(source))
	if err != nil {
		return nil, fmt.Errorf("the expression %q cannot be read", source)
	}
	return e, nil
}

// mathNames are the metrics and expressions that an expression refers to.
func mathNames(e ast.Expr) []string {
	functions := map[*ast.Ident]bool{}
	var names []string
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.Ident); ok {
				functions[f] = true
			}
		}
		if id, ok := n.(*ast.Ident); ok && !functions[id] && id.Name != "REPEAT" && id.Name != "LINEAR" {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// compute is the series that an expression is.
func (m metricMath) compute(e ast.Expr) (series, error) {
	v, err := m.value(e)
	switch {
	case err != nil:
		return nil, err
	case v.list != nil:
		return nil, errors.New("an expression must be one time series")
	case v.series == nil:
		return nil, errors.New("an expression must be a time series, not a number")
	}
	return v.series, nil
}

func (m metricMath) value(e ast.Expr) (mathValue, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return m.value(e.X)
	case *ast.BasicLit:
		n, err := strconv.ParseFloat(e.Value, 64)
		return mathValue{number: n}, err
	case *ast.Ident:
		s, ok := m.known[e.Name]
		if !ok {
			return mathValue{}, fmt.Errorf("nothing has the Id %s", e.Name)
		}
		return mathValue{series: s}, nil
	case *ast.UnaryExpr:
		if e.Op == token.SUB {
			return m.binary(token.MUL, &ast.BasicLit{Kind: token.INT, Value: "-1"}, e.X)
		}
	case *ast.BinaryExpr:
		return m.binary(e.Op, e.X, e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.Ident); ok {
			return m.call(f.Name, e.Args)
		}
	}
	return mathValue{}, errors.New("the expression has something that is not simulated")
}

func (m metricMath) binary(op token.Token, x, y ast.Expr) (mathValue, error) {
	a, err := m.value(x)
	if err != nil {
		return a, err
	}
	b, err := m.value(y)
	if err != nil {
		return b, err
	}
	do := mathOperators()[op]
	if do == nil {
		return mathValue{}, fmt.Errorf("the operator %s is not simulated", op)
	}
	return m.each([]mathValue{a, b}, func(v []float64) float64 { return do(v[0], v[1]) })
}

func mathOperators() map[token.Token]func(a, b float64) float64 {
	truth := func(test func(a, b float64) bool) func(a, b float64) float64 {
		return func(a, b float64) float64 {
			if test(a, b) {
				return 1
			}
			return 0
		}
	}
	return map[token.Token]func(a, b float64) float64{
		token.ADD: func(a, b float64) float64 { return a + b }, token.SUB: func(a, b float64) float64 { return a - b },
		token.MUL: func(a, b float64) float64 { return a * b }, token.QUO: func(a, b float64) float64 { return a / b },
		token.LSS: truth(func(a, b float64) bool { return a < b }), token.LEQ: truth(func(a, b float64) bool { return a <= b }),
		token.GTR: truth(func(a, b float64) bool { return a > b }), token.GEQ: truth(func(a, b float64) bool { return a >= b }),
		token.EQL: truth(func(a, b float64) bool { return a == b }), token.NEQ: truth(func(a, b float64) bool { return a != b }),
		token.LAND: truth(func(a, b float64) bool { return a != 0 && b != 0 }), token.LOR: truth(func(a, b float64) bool { return a != 0 || b != 0 }),
	}
}

// each computes period by period. A period in which something has no value has
// none, nor has one whose result is no number, as that of a division by zero.
func (m metricMath) each(args []mathValue, do func([]float64) float64) (mathValue, error) {
	if !slices.ContainsFunc(args, func(v mathValue) bool { return v.series != nil }) {
		return mathValue{number: do(numbersAt(args, 0))}, nil
	}
	out := series{}
	for _, bin := range m.bins {
		values := numbersAt(args, bin)
		if len(values) < len(args) {
			continue
		}
		if v := do(values); !math.IsNaN(v) && !math.IsInf(v, 0) {
			out[bin] = v
		}
	}
	return mathValue{series: out}, nil
}

// numbersAt are the values in one period; fewer if one is missing.
func numbersAt(args []mathValue, bin int64) []float64 {
	var out []float64
	for _, a := range args {
		if a.series == nil {
			out = append(out, a.number)
		} else if v, ok := a.series[bin]; ok {
			out = append(out, v)
		}
	}
	return out
}

func (m metricMath) call(name string, given []ast.Expr) (mathValue, error) {
	switch {
	case name == "METRICS" && len(given) == 0:
		return mathValue{list: sorted(m.known)}, nil
	case name == "PERIOD" && len(given) == 1:
		return mathValue{number: float64(m.period)}, nil
	case name == "FILL" && len(given) == 2:
		return m.fill(given[0], given[1])
	}
	var args []mathValue
	for _, g := range given {
		v, err := m.value(g)
		if err != nil {
			return v, err
		}
		args = append(args, v)
	}
	return m.apply(name, args)
}

// apply calls a function whose arguments are all values.
func (m metricMath) apply(name string, args []mathValue) (mathValue, error) {
	switch {
	case name == "LIST":
		all := []series{}
		for _, a := range args {
			all = append(all, a.series)
		}
		return mathValue{list: all}, nil
	case name == "IF" && len(args) == 3:
		return m.choose(args)
	case mathFunctions()[name] != nil && len(args) == 1:
		return m.each(args, func(v []float64) float64 { return mathFunctions()[name](v[0]) })
	case slices.Contains([]string{"SUM", "AVG", "MIN", "MAX"}, name) && len(args) == 1:
		return m.aggregate(name, args[0])
	}
	return mathValue{}, fmt.Errorf("the function %s is not simulated with %d arguments", name, len(args))
}

func mathFunctions() map[string]func(float64) float64 {
	return map[string]func(float64) float64{"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor}
}

// choose needs values of the branch that is taken only.
func (m metricMath) choose(args []mathValue) (mathValue, error) {
	out := series{}
	for _, bin := range m.bins {
		condition := numbersAt(args[:1], bin)
		if len(condition) == 0 {
			continue
		}
		taken := args[1:2]
		if condition[0] == 0 {
			taken = args[2:]
		}
		if v := numbersAt(taken, bin); len(v) == 1 {
			out[bin] = v[0]
		}
	}
	return mathValue{series: out}, nil
}

// fill gives periods without a value one.
func (m metricMath) fill(of, with ast.Expr) (mathValue, error) {
	v, err := m.value(of)
	if err != nil || v.series == nil {
		return v, err
	}
	out := maps.Clone(v.series)
	if id, ok := with.(*ast.Ident); ok && id.Name == "REPEAT" {
		for i, bin := range m.bins {
			if _, there := out[bin]; !there && i > 0 {
				if last, ok := out[m.bins[i-1]]; ok {
					out[bin] = last
				}
			}
		}
		return mathValue{series: out}, nil
	}
	n, err := m.value(with)
	if err != nil {
		return n, err
	}
	for _, bin := range m.bins {
		if _, there := out[bin]; !there {
			out[bin] = n.number
		}
	}
	return mathValue{series: out}, nil
}

// aggregate is a number of one series, and a series of a list.
func (m metricMath) aggregate(name string, of mathValue) (mathValue, error) {
	if of.series != nil {
		return mathValue{number: aggregated(name, sorted(of.series))}, nil
	}
	out := series{}
	for _, bin := range m.bins {
		var all []float64
		for _, s := range of.list {
			if v, ok := s[bin]; ok {
				all = append(all, v)
			}
		}
		if len(all) > 0 {
			out[bin] = aggregated(name, all)
		}
	}
	return mathValue{series: out}, nil
}

func aggregated(name string, all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	total := 0.0
	for _, v := range all {
		total += v
	}
	switch name {
	case "AVG":
		return total / float64(len(all))
	case "MIN":
		return slices.Min(all)
	case "MAX":
		return slices.Max(all)
	}
	return total
}
