package table

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
)

// Type is what a column holds: one of mlops.ColumnTypes.
type Type string

// The types, from the narrowest.
const (
	Empty     Type = "" // no value was seen
	Boolean   Type = "boolean"
	Integer   Type = "integer"
	Number    Type = "number"
	Timestamp Type = "timestamp"
	String    Type = "string"
)

// Column is a column that was found.
type Column struct {
	Name string
	Type Type
}

// Numeric reports whether values of the type are numbers to statistics.
func (t Type) Numeric() bool { return t == Integer || t == Number || t == Timestamp }

// Kind is what the column is to internal/drift.
func (c Column) Kind() drift.Kind {
	if c.Type.Numeric() {
		return drift.Numeric
	}
	return drift.Categorical
}

// widen returns the narrowest type that holds values of both.
func widen(a, b Type) Type {
	switch {
	case a == b, b == Empty:
		return a
	case a == Empty:
		return b
	case a == Integer && b == Number, a == Number && b == Integer:
		return Number
	}
	return String
}

// Cell is one value.
type Cell struct {
	Type   Type    // Empty for a value that is not there
	Number float64 // of a timestamp, seconds since 1970
	Text   string  // as written
}

// exact is up to where a float64 counts without gaps.
const exact = 1 << 53

// Fits reports whether a cell can be a value of a type. Programs that know no
// missing integers write 3.0 for 3: it fits a column of integers.
func (c Cell) Fits(t Type) bool {
	if t == Integer && c.Type == Number {
		return c.Number == math.Trunc(c.Number) && math.Abs(c.Number) < exact
	}
	return c.Type == Empty || widen(t, c.Type) == t
}

// Form is the text of a value in a column of a type: the same value has the same,
// however it was written.
func (c Cell) Form(t Type) string {
	switch {
	case t == Boolean && c.Type == Boolean:
		return strings.ToLower(strings.TrimSpace(c.Text))
	case t.Numeric() && c.Type.Numeric() && math.Abs(c.Number) < exact:
		return strconv.FormatFloat(c.Number, 'g', -1, 64)
	}
	return c.Text
}

// Parse finds the type of a value in text form. What pandas takes for a missing
// value by default is one.
func Parse(text string) Cell {
	trimmed := strings.TrimSpace(text)
	switch trimmed {
	case "", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "NA", "N/A", "n/a", "<NA>",
		"#N/A", "#N/A N/A", "#NA", "-1.#IND", "1.#IND", "-1.#QNAN", "1.#QNAN":
		return Cell{}
	case "true", "false", "True", "False", "TRUE", "FALSE":
		return Cell{Type: Boolean, Text: text}
	}
	switch first := trimmed[0] | 0x20; { // in lower case
	case first == 'i', trimmed[0] == '-', trimmed[0] == '+', trimmed[0] == '.', trimmed[0] >= '0' && trimmed[0] <= '9':
		if c, ok := parseNumber(trimmed); ok {
			c.Text = text
			return c
		}
		if at, ok := parseTime(trimmed); ok {
			return Cell{Type: Timestamp, Number: at, Text: text}
		}
	}
	return Cell{Type: String, Text: text}
}

// parseNumber reads a number in decimal notation, or an infinite one. What surely
// is none is told at once: a failed attempt costs far more than a good one.
func parseNumber(text string) (Cell, bool) {
	digits, decimal := true, true
	for _, b := range []byte(strings.TrimLeft(text, "+-")) {
		if b >= '0' && b <= '9' {
			continue
		}
		digits = false
		decimal = decimal && (b == '.' || b|0x20 == 'e' || b == '-' || b == '+')
	}
	if digits {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Cell{Type: Integer, Number: float64(n)}, true
		}
	}
	if !decimal && !isInfinite(text) {
		return Cell{}, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(n, 0) { // one that is too large is infinite
		return Cell{}, false
	}
	return Cell{Type: Number, Number: n}, true
}

func isInfinite(text string) bool {
	const longest = len("-infinity")
	if len(text) > longest {
		return false
	}
	unsigned := strings.ToLower(strings.TrimLeft(text, "+-"))
	return unsigned == "inf" || unsigned == "infinity"
}

// timeForms are those of RFC 3339, with or without time of day and zone; a
// fraction of a second may follow.
func timeForms() [6]string {
	return [...]string{time.RFC3339, time.DateTime, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700"}
}

// parseTime returns seconds since 1970.
func parseTime(text string) (float64, bool) {
	const shortest, longest, dash = len(time.DateOnly), 40, 4
	if len(text) < shortest || len(text) > longest || text[dash] != '-' {
		return 0, false // nearly all that is no time is told by this
	}
	for _, form := range timeForms() {
		if t, err := time.Parse(form, text); err == nil {
			return seconds(t), true
		}
	}
	return 0, false
}

func seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// JSONCell is the cell of a JSON value, as encoding/json decodes it, with or
// without json.Number. What is neither number, text, boolean nor null is text.
func JSONCell(v any) Cell {
	switch v := v.(type) {
	case nil:
		return Cell{}
	case json.Number:
		c, _ := parseNumber(v.String()) // JSON's numbers are all read
		c.Text = v.String()
		return c
	case float64:
		return NumberCell(v)
	case bool:
		return Cell{Type: Boolean, Text: strconv.FormatBool(v)}
	case string:
		if at, ok := parseTime(v); ok {
			return Cell{Type: Timestamp, Number: at, Text: v}
		}
		return Cell{Type: String, Text: v}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Cell{}
	}
	return Cell{Type: String, Text: string(b)}
}

// NumberCell is the cell of a number whose notation is not known; NaN is missing.
func NumberCell(n float64) Cell {
	if math.IsNaN(n) {
		return Cell{}
	}
	t := Number
	if n == math.Trunc(n) && math.Abs(n) < exact {
		t = Integer
	}
	return Cell{Type: t, Number: n, Text: strconv.FormatFloat(n, 'g', -1, 64)}
}
