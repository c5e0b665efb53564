package table

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
)

// Sample reads a file whole and returns some columns of at most so many of its rows,
// in the order of the file, with the columns' types. Which rows is chance, and the
// same for the same file. The error is Invalid for what is no table, and for columns
// that it lacks.
func Sample(ctx context.Context, path, format string, names []string, most int) (columns []Column, rows [][]Cell, err error) {
	all, _, err := Scan(ctx, path, format)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		at := slices.IndexFunc(all, func(c Column) bool { return c.Name == name })
		if at < 0 {
			return nil, nil, invalidf("there is no column %q", name)
		}
		columns = append(columns, all[at])
	}
	kept, place := newReservoir(most), places{}
	_, err = each(ctx, path, format, func(known []string, row []Cell) error {
		if !kept.takes() {
			return nil
		}
		cells := make([]Cell, len(columns))
		for i, at := range place.of(known, columns) {
			if at >= 0 {
				cells[i] = row[at]
				cells[i].Text = strings.Clone(row[at].Text) // lets go of the line that it is cut from
			}
		}
		kept.put(cells)
		return nil
	})
	return columns, kept.inOrder(), err
}

// reservoir keeps some of the rows that pass by, each as likely as any other (Vitter's
// algorithm R).
type reservoir struct {
	most   int
	seen   int
	chance *rand.Rand
	at     int // where the row that was taken goes
	rows   []numbered
}

// numbered is a row with its place in the file.
type numbered struct {
	number int
	cells  []Cell
}

func newReservoir(most int) *reservoir {
	return &reservoir{most: most, chance: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same file, the same rows: nothing is secret
}

// takes reports whether the next row is one to keep.
func (r *reservoir) takes() bool {
	r.seen++
	if r.at = r.seen - 1; r.at >= r.most {
		r.at = r.chance.IntN(r.seen)
	}
	return r.at < r.most
}

func (r *reservoir) put(cells []Cell) {
	row := numbered{r.seen, cells}
	if r.at == len(r.rows) {
		r.rows = append(r.rows, row)
		return
	}
	r.rows[r.at] = row
}

func (r *reservoir) inOrder() [][]Cell {
	slices.SortFunc(r.rows, func(a, b numbered) int { return a.number - b.number })
	var all [][]Cell
	for _, row := range r.rows {
		all = append(all, row.cells)
	}
	return all
}
