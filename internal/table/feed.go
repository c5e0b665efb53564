package table

import (
	"context"
	"math"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
)

// reader is a drift.Collector or a drift.Window.
type reader interface {
	Numbers(column int, values []float64)
	Texts(column int, values []string, missing []bool)
}

// batch is how many rows are handed on at once.
const batch = 1024

// feed hands cells on column by column, in batches.
type feed struct {
	to      reader
	columns []Column
	numbers [][]float64
	texts   [][]string
	missing [][]bool
}

func newFeed(to reader, columns []Column) *feed {
	n := len(columns)
	return &feed{to, columns, make([][]float64, n), make([][]string, n), make([][]bool, n)}
}

// add takes a value in. One that does not fit its column's type is missing.
func (f *feed) add(column int, cell Cell) {
	t := f.columns[column].Type
	missing := cell.Type == Empty || !cell.Fits(t)
	if t.Numeric() {
		v := cell.Number
		if missing {
			v = math.NaN()
		}
		f.numbers[column] = append(f.numbers[column], v)
	} else {
		f.texts[column] = append(f.texts[column], cell.Form(t))
		f.missing[column] = append(f.missing[column], missing)
	}
	if len(f.numbers[column]) >= batch || len(f.texts[column]) >= batch {
		f.flush(column)
	}
}

// flush hands on what is left of a column.
func (f *feed) flush(column int) {
	if len(f.numbers[column]) > 0 {
		f.to.Numbers(column, f.numbers[column])
	}
	if len(f.texts[column]) > 0 {
		f.to.Texts(column, f.texts[column], f.missing[column])
	}
	clear(f.texts[column]) // lets go of the lines that they are cut from
	f.numbers[column], f.texts[column], f.missing[column] = f.numbers[column][:0], f.texts[column][:0], f.missing[column][:0]
}

func (f *feed) end() {
	for i := range f.columns {
		f.flush(i)
	}
}

// Add reads one cell into a column of a type. A value that does not fit the type
// is one that is not there.
func Add(to reader, column int, t Type, cell Cell) {
	missing := cell.Type == Empty || !cell.Fits(t)
	if !t.Numeric() {
		to.Texts(column, []string{cell.Form(t)}, []bool{missing})
		return
	}
	v := cell.Number
	if missing {
		v = math.NaN()
	}
	to.Numbers(column, []float64{v})
}

// Collect reads a file whole and profiles the given columns, in their order. A
// value that does not fit its column's type is one that is not there.
func Collect(ctx context.Context, path, format string, columns []Column) (*drift.Profile, error) {
	wanted := make([]drift.Column, len(columns))
	for i, c := range columns {
		wanted[i] = drift.Column{Name: c.Name, Kind: c.Kind()}
	}
	collector := drift.NewCollector(wanted)
	f := newFeed(collector, columns)
	place := places{}
	_, err := each(ctx, path, format, func(names []string, row []Cell) error {
		collector.Rows(1)
		for i, at := range place.of(names, columns) {
			cell := Cell{}
			if at >= 0 {
				cell = row[at]
			}
			f.add(i, cell)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.end()
	return collector.Profile(), nil
}

// places remembers where in a row columns are.
type places struct {
	known int
	at    []int // -1 for a column that the row does not have
}

// of looks again only when there are more names than before.
func (p *places) of(names []string, columns []Column) []int {
	if p.at != nil && p.known == len(names) {
		return p.at
	}
	in := make(map[string]int, len(names))
	for i, n := range names {
		in[n] = i
	}
	p.known, p.at = len(names), make([]int, len(columns))
	for i, c := range columns {
		p.at[i] = -1
		if at, ok := in[c.Name]; ok {
			p.at[i] = at
		}
	}
	return p.at
}
