package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
)

// result is one figure.
type result struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"` // null if it was not measured
	Unit   string   `json:"unit"`
	Budget string   `json:"budget"` // "<= 150"; empty for a figure that is there for comparison
	OK     *bool    `json:"ok"`     // null without a budget or a value
	Note   string   `json:"note,omitempty"`
}

// atMost is a figure that must not exceed its budget.
func atMost(name string, value float64, unit string, budget float64) result {
	return judged(name, value, unit, "<=", budget, value <= budget)
}

// atLeast is a figure that must reach its budget.
func atLeast(name string, value float64, unit string, budget float64) result { //nolint:unparam // the counterpart of atMost
	return judged(name, value, unit, ">=", budget, value >= budget)
}

func judged(name string, value float64, unit, relation string, budget float64, ok bool) result {
	return result{Name: name, Value: &value, Unit: unit, Budget: relation + " " + number(budget), OK: &ok}
}

// figure is a figure for comparison.
func figure(name string, value float64, unit string) result {
	return result{Name: name, Value: &value, Unit: unit}
}

// missing is what this machine cannot measure.
func missing(name, reason string) result { return result{Name: name, Note: "not measured: " + reason} }

// failed is a measure that broke off.
func failed(name string, err error) result {
	no := false
	return result{Name: name, OK: &no, Note: "failed: " + err.Error()}
}

// because adds a remark to a result.
func (r result) because(format string, args ...any) result {
	r.Note = fmt.Sprintf(format, args...)
	return r
}

type results []result

// ok reports whether nothing that was judged is out of budget.
func (rs results) ok() bool {
	for _, r := range rs {
		if r.OK != nil && !*r.OK {
			return false
		}
	}
	return true
}

// table writes the results for people.
func (rs results) table(w io.Writer) error {
	var aligned strings.Builder
	t := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	rows := [][]string{{"NAME", "VALUE", "UNIT", "BUDGET", "OK", "NOTE"}}
	for _, r := range rs {
		value := "-"
		if r.Value != nil {
			value = number(*r.Value)
		}
		note, _, _ := strings.Cut(r.Note, "\n")
		rows = append(rows, []string{r.Name, value, cmp.Or(r.Unit, "-"), cmp.Or(r.Budget, "-"), verdict(r.OK), note})
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(aligned.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// write writes the results for programs.
func (rs results) write(path string) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // a budget begins with "<="
	e.SetIndent("", "  ")
	if err := e.Encode(rs); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

func verdict(ok *bool) string {
	switch {
	case ok == nil:
		return "-"
	case *ok:
		return "yes"
	}
	return "NO"
}

// number writes a figure with the digits that mean something.
func number(v float64) string {
	if v >= 1000 || v == float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
