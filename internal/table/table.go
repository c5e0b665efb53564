package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// mostColumns is how many columns a table may have. More are a mistake, such as
// JSON whose names are values, and would fill the memory.
const mostColumns = 10_000

// lookUp is after how many rows it is seen whether anybody still waits.
const lookUp = 1024

// source is the rows of one file.
type source interface {
	// columns are the names known so far. They are only ever added to.
	columns() []string
	// next returns a row with a cell for each column that is known by then, valid
	// until the next call, or io.EOF.
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

// first is the first of two errors. One that was joined would not be worded as it
// is alone.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// each calls f for every row, and returns the names of all columns.
func each(ctx context.Context, path, format string, f func(names []string, row []Cell) error) (names []string, err error) {
	s, err := open(path, format)
	if err != nil {
		return nil, err
	}
	defer func() { err = first(err, s.close()) }()
	for n := 0; ; n++ {
		if n%lookUp == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		row, err := s.next()
		if errors.Is(err, io.EOF) {
			return s.columns(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := f(s.columns(), row); err != nil {
			return nil, err
		}
	}
}

// Scan reads a file whole and returns its columns, with the narrowest type that
// holds all of their values, and the number of rows. The error is Invalid for
// what is no table.
func Scan(ctx context.Context, path, format string) (columns []Column, rows int64, err error) {
	known := func(names []string) {
		for i := len(columns); i < len(names); i++ {
			columns = append(columns, Column{Name: names[i]})
		}
	}
	names, err := each(ctx, path, format, func(names []string, row []Cell) error {
		rows++
		known(names)
		for i, cell := range row {
			columns[i].Type = widen(columns[i].Type, cell.Type)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	known(names)
	return columns, rows, nil
}

// checkNames refuses columns that cannot be told apart.
func checkNames(names []string) error {
	if len(names) > mostColumns {
		return invalidf("there are more than %d columns", mostColumns)
	}
	sorted := slices.Sorted(slices.Values(names))
	for i, n := range sorted {
		if n == "" {
			return invalidf("column %d has no name", slices.Index(names, "")+1)
		}
		if i > 0 && n == sorted[i-1] {
			return invalidf("two columns are called %q", n)
		}
	}
	return nil
}
