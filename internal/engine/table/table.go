package table

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
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

// Cell is one value.
type Cell struct {
	Type   Type // Empty for a value that is not there
	Number float64
	Text   string // as written; of a number its shortest form
}

// source is the rows of one file.
type source interface {
	columns() []string
	// next returns a row with a cell for each column, valid until the next call,
	// or io.EOF.
	next() ([]Cell, error)
	close() error
}

// open opens a file in a format; "" goes by its name.
func open(path, format string) (source, error) {
	if format == "" {
		format = mlops.FormatOf(path)
	}
	switch format {
	case "csv":
		return openCSV(path)
	case "jsonl":
		return openJSONLines(path)
	case "parquet":
		return openParquet(path)
	case "":
		return nil, invalidf("the name %q does not show a format; say which it is", filepath.Base(path))
	}
	return nil, invalidf("%q is no format of data", format)
}

func invalidf(format string, args ...any) error {
	return mlops.NewError(mlops.Invalid, fmt.Errorf(format, args...))
}

// each calls f for every row.
func each(path, format string, f func(columns []string, row []Cell) error) (err error) {
	s, err := open(path, format)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for {
		row, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(s.columns(), row); err != nil {
			return err
		}
	}
}

// Scan reads a file whole and returns its columns, with the narrowest type that
// holds all of their values, and the number of rows. The error is Invalid for
// what is no table.
func Scan(path, format string) (columns []Column, rows int64, err error) {
	at := map[string]int{}
	err = each(path, format, func(names []string, row []Cell) error {
		rows++
		for i, cell := range row {
			j, known := at[names[i]]
			if !known {
				j = len(columns)
				at[names[i]], columns = j, append(columns, Column{Name: names[i]})
			}
			columns[j].Type = widen(columns[j].Type, cell.Type)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if columns == nil {
		columns, err = header(path, format)
	}
	return columns, rows, err
}

// header returns the columns of a file without rows.
func header(path, format string) ([]Column, error) {
	s, err := open(path, format)
	if err != nil {
		return nil, err
	}
	var columns []Column
	for _, name := range s.columns() {
		columns = append(columns, Column{Name: name})
	}
	return columns, s.close()
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

// Fits reports whether a cell can be a value of a type.
func (c Cell) Fits(t Type) bool { return c.Type == Empty || widen(t, c.Type) == t }

// Parse finds the type of a value in text form. What other programs write for a
// missing value is one.
func Parse(text string) Cell {
	trimmed := strings.TrimSpace(text)
	switch strings.ToLower(trimmed) {
	case "", "nan", "null", "na", "n/a", "none":
		return Cell{}
	case "true", "false":
		return Cell{Type: Boolean, Text: strings.ToLower(trimmed)}
	}
	if first := trimmed[0]; first == '-' || first == '+' || first == '.' || first >= '0' && first <= '9' {
		if n, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return Cell{Type: Integer, Number: float64(n), Text: trimmed}
		}
		if n, err := strconv.ParseFloat(trimmed, 64); err == nil {
			return NumberCell(n)
		}
		if t, ok := parseTime(trimmed); ok {
			return t
		}
	}
	return Cell{Type: String, Text: text}
}

// NumberCell is the cell of a number; NaN is missing.
func NumberCell(n float64) Cell {
	if math.IsNaN(n) {
		return Cell{}
	}
	t := Number
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 { //nolint:mnd // what a float64 counts to without gaps
		t = Integer
	}
	return Cell{Type: t, Number: n, Text: strconv.FormatFloat(n, 'g', -1, 64)}
}

// parseTime reads the forms of RFC 3339, with or without the time of day. Its
// number is seconds since 1970.
func parseTime(text string) (Cell, bool) {
	for _, form := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return Cell{Type: Timestamp, Number: float64(t.UnixMilli()) / 1000, Text: text}, true //nolint:mnd // ms in a second
		}
	}
	return Cell{}, false
}

// checkNames refuses columns that cannot be told apart.
func checkNames(names []string) error {
	seen := map[string]bool{}
	for i, n := range names {
		if n == "" {
			return invalidf("column %d has no name", i+1)
		}
		if seen[n] {
			return invalidf("two columns are called %q", n)
		}
		seen[n] = true
	}
	return nil
}
