package table

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"

	"github.com/axiomhq/hyperloglog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Description is what a table holds, and how it keeps rules.
type Description struct {
	Columns    []Column
	Rows       int64
	Statistics map[string]mlops.ColumnStatistics
	Schema     []string // violations of the schema, in words
	Checks     []string // violations of the checks, in words
}

// describer goes through a table a second time, when its types are known.
type describer struct {
	columns  []Column
	profile  *drift.Collector
	feed     *feed
	distinct []*hyperloglog.Sketch
	rules    rules
}

// Describe reads a table whole and holds it to a schema and to checks, which may
// be empty. A column that the schema has is of the schema's type. The number of
// different values is an estimate, right to the last for most columns of up to
// some thousands, and within two percent above. The error is Invalid for what is
// no table, and also where the file changes while it is read.
func Describe(ctx context.Context, path, format string, schema map[string]mlops.Column, checks *mlops.DatasetChecks) (Description, error) {
	columns, rows, err := Scan(ctx, path, format)
	if err != nil {
		return Description{}, err
	}
	for i, c := range columns {
		columns[i].Type = cmp.Or(Type(schema[c.Name].Type), c.Type)
	}
	d := newDescriber(columns, schema, checks)
	if _, err := each(ctx, path, format, d.read); err != nil {
		return Description{}, err
	}
	d.feed.end()
	out := Description{Columns: columns, Rows: rows, Statistics: d.statistics()}
	out.Schema, out.Checks = d.rules.violations(out)
	return out, nil
}

func newDescriber(columns []Column, schema map[string]mlops.Column, checks *mlops.DatasetChecks) *describer {
	d := &describer{columns: columns, rules: newRules(columns, schema, checks)}
	profiled := make([]drift.Column, len(columns))
	for i, c := range columns {
		profiled[i] = drift.Column{Name: c.Name, Kind: c.Kind()}
		d.distinct = append(d.distinct, hyperloglog.New14())
	}
	d.profile = drift.NewCollector(profiled)
	d.feed = newFeed(d.profile, columns)
	return d
}

// read reads a row. The same file has the same columns, in the same order.
func (d *describer) read(names []string, row []Cell) error {
	if len(names) > len(d.columns) || len(names) > 0 && names[len(names)-1] != d.columns[len(names)-1].Name {
		return invalidf("the file was changed while it was read")
	}
	d.profile.Rows(1)
	for i, c := range d.columns {
		cell := Cell{}
		if i < len(row) {
			cell = row[i]
		}
		d.feed.add(i, cell)
		if cell.Type != Empty && cell.Fits(c.Type) {
			d.count(i, c.Type, cell)
		}
	}
	d.rules.read(row)
	return nil
}

// count counts a different value, however it is written.
func (d *describer) count(i int, t Type, cell Cell) {
	if t.Numeric() && cell.Type.Numeric() && math.Abs(cell.Number) < exact {
		var bits [8]byte
		binary.LittleEndian.PutUint64(bits[:], math.Float64bits(cell.Number+0)) // -0 is 0
		d.distinct[i].Insert(bits[:])
		return
	}
	d.distinct[i].Insert([]byte(cell.Form(t)))
}

func (d *describer) statistics() map[string]mlops.ColumnStatistics {
	out := map[string]mlops.ColumnStatistics{}
	profile := d.profile.Profile()
	for i := range profile.Columns {
		p := &profile.Columns[i]
		s := mlops.ColumnStatistics{Type: typeWord(d.columns[i].Type), Count: p.Count, Missing: p.Nulls}
		s.Distinct = min(int64(d.distinct[i].Estimate()), p.Count) //nolint:gosec // an int64 counts them
		if p.Kind == drift.Numeric && p.Count > 0 {
			s.Min, s.Max, s.Mean, s.Std = &p.Min, &p.Max, &p.Mean, &p.Std
			s.P25, s.P50, s.P75 = quantile(p, 0.25), quantile(p, 0.5), quantile(p, 0.75)
		}
		out[d.columns[i].Name] = s
	}
	return out
}

func quantile(p *drift.ColumnProfile, q float64) *float64 {
	v := p.Quantile(q)
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// typeWord is a type in words; a column without values could be anything.
func typeWord(t Type) string { return string(cmp.Or(t, String)) }
