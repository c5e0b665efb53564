package sagemaker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxExpression is the longest expression of a schedule.
const maxExpression = 256

// cronField is one of cron's five fields: what it counts, and its names.
type cronField struct {
	what     string
	min, max int
	names    []string // of the values, from min on
}

// fieldsOfCron are in cron's order. Sunday is 0, and 7 as well.
func fieldsOfCron() [5]cronField {
	return [5]cronField{
		{what: "minute", max: 59},
		{what: "hour", max: 23},
		{what: "day of the month", min: 1, max: 31},
		{what: "month", min: 1, max: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
		{what: "day of the week", max: 7, names: weekdayNames()},
	}
}

func weekdayNames() []string { return []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"} }

// schedulerCron writes five fields of cron as EventBridge has them: six, of which
// one of the two for days is "?". The error says what EventBridge cannot have.
// Source: the user guide of EventBridge Scheduler.
//
// Steps count from a start there, and within a range are not documented; days of
// the week have other numbers. So steps are written from their start, or as the
// values that they mean, and days of the week by name.
func schedulerCron(cron string) (string, error) {
	given := strings.Fields(spelledCron(cron))
	fields := fieldsOfCron()
	if len(given) != len(fields) {
		return "", fmt.Errorf("%q has %d fields, and cron has five", cron, len(given))
	}
	var texts [len(fields)]string
	for i, f := range fields {
		var err error
		if texts[i], err = f.native(given[i]); err != nil {
			return "", err
		}
	}
	day, weekday := &texts[2], &texts[4]
	switch {
	case *weekday == "*":
		*weekday = "?"
	case *day == "*":
		*day = "?"
	default:
		return "", fmt.Errorf("%q names days of the month and days of the week; EventBridge takes one of the two", cron)
	}
	expression := "cron(" + strings.Join(texts[:], " ") + " *)"
	if len(expression) > maxExpression {
		return "", fmt.Errorf("%q has %d characters in EventBridge's own form, and at most %d are taken", cron, len(expression), maxExpression)
	}
	return expression, nil
}

// native writes a field for EventBridge.
func (f cronField) native(field string) (string, error) {
	var values []int
	stepped := false
	for part := range strings.SplitSeq(field, ",") {
		more, err := f.values(part)
		if err != nil {
			return "", err
		}
		values = append(values, more...)
		stepped = stepped || strings.Contains(part, "/")
	}
	week := f.max == 7
	if week { // Sunday has two numbers
		for i, v := range values {
			values[i] = v % 7
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	step, fromStart := strings.CutPrefix(field, "*/")
	switch {
	case len(values) == f.size():
		return "*", nil
	case week:
		return f.list(values, func(v int) string { return f.names[v] }), nil
	case fromStart && !strings.Contains(step, ","):
		return strconv.Itoa(f.min) + "/" + step, nil
	case stepped || f.names != nil:
		return f.list(values, strconv.Itoa), nil
	}
	return field, nil
}

// size is how many values there are.
func (f cronField) size() int {
	if f.max == 7 {
		return f.max
	}
	return f.max - f.min + 1
}

func (f cronField) list(values []int, text func(int) string) string {
	all := make([]string, 0, len(values))
	for _, v := range values {
		all = append(all, text(v))
	}
	return strings.Join(all, ",")
}

// values are what one part of a field means: all, one, a range, and steps of any.
func (f cronField) values(part string) ([]int, error) {
	span, stepText, stepped := strings.Cut(part, "/")
	from, to, err := f.ends(span, stepped)
	if err != nil {
		return nil, err
	}
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return nil, fmt.Errorf("%q is no step for the %s", stepText, f.what)
		}
	}
	var all []int
	for v := from; v <= to; v += step {
		all = append(all, v)
	}
	return all, nil
}

// ends are the first and last value of a span. One alone is a span of one, or,
// with a step, all that follow.
func (f cronField) ends(span string, stepped bool) (from, to int, err error) {
	if span == "*" || span == "?" {
		return f.min, f.min + f.size() - 1, nil
	}
	first, last, ranged := strings.Cut(span, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = f.value(last)
	case stepped:
		to = f.min + f.size() - 1
	default:
		to = from
	}
	if err == nil && to < from {
		err = fmt.Errorf("%q ends before it begins, for the %s", span, f.what)
	}
	return from, to, err
}

func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is no %s", text, f.what)
	}
	return n, nil
}
