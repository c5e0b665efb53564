package table

import (
	"math"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
)

// Collect reads a file whole and profiles the given columns, in their order. A
// value that does not fit its column's type is one that is not there.
func Collect(path, format string, columns []Column) (*drift.Profile, error) {
	wanted := make([]drift.Column, len(columns))
	place := map[string]int{}
	for i, c := range columns {
		wanted[i], place[c.Name] = drift.Column{Name: c.Name, Kind: c.Kind()}, i
	}
	collector := drift.NewCollector(wanted)
	err := each(path, format, func(names []string, row []Cell) error {
		collector.Rows(1)
		seen := make([]bool, len(columns))
		for i, cell := range row {
			if at, ok := place[names[i]]; ok {
				seen[at] = true
				add(collector, at, columns[at].Type, cell)
			}
		}
		for at := range columns {
			if !seen[at] {
				add(collector, at, columns[at].Type, Cell{})
			}
		}
		return nil
	})
	return collector.Profile(), err
}

// reader is a drift.Collector or a drift.Window.
type reader interface {
	Numbers(column int, values []float64)
	Texts(column int, values []string, missing []bool)
}

// Add reads one cell into a column of a type.
func Add(to reader, column int, t Type, cell Cell) { add(to, column, t, cell) }

func add(to reader, column int, t Type, cell Cell) {
	missing := cell.Type == Empty || !cell.Fits(t)
	if !t.Numeric() {
		to.Texts(column, []string{cell.Text}, []bool{missing})
		return
	}
	v := cell.Number
	if missing {
		v = math.NaN()
	}
	to.Numbers(column, []float64{v})
}
