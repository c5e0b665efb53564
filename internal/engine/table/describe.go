package table

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"strings"

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
	columns   []Column
	place     map[string]int
	profile   *drift.Collector
	distinct  []*hyperloglog.Sketch
	schema    map[string]mlops.Column
	checks    *mlops.DatasetChecks
	unfit     []int64 // values that do not fit the schema's type
	unfitLike []string
	low, high []int64 // values beyond a column's rule
	unknown   []int64 // values that a rule does not list
	seed      maphash.Seed
	rows      map[uint64]struct{} // hashes of what must be unique
	repeated  int64
}

// Describe reads a table whole and holds it to a schema and to checks, which may
// be empty. The number of different values is exact up to some thousands, and
// within two percent above. Rows that must be unique are compared by a hash of 64
// bits: of a hundred million rows, two are taken to be the same by mistake with a
// chance of one in three thousand.
func Describe(path, format string, schema map[string]mlops.Column, checks *mlops.DatasetChecks) (Description, error) {
	columns, rows, err := Scan(path, format)
	if err != nil {
		return Description{}, err
	}
	d := newDescriber(columns, schema, checks)
	if err := each(path, format, d.read); err != nil {
		return Description{}, err
	}
	out := Description{Columns: columns, Rows: rows, Statistics: d.statistics()}
	out.Schema = d.schemaViolations(out)
	out.Checks = d.checkViolations(out)
	return out, nil
}

func newDescriber(columns []Column, schema map[string]mlops.Column, checks *mlops.DatasetChecks) *describer {
	n := len(columns)
	d := &describer{
		columns: columns, place: map[string]int{}, schema: schema, checks: checks, seed: maphash.MakeSeed(), rows: map[uint64]struct{}{},
		unfit: make([]int64, n), unfitLike: make([]string, n), low: make([]int64, n), high: make([]int64, n), unknown: make([]int64, n),
	}
	if checks == nil {
		d.checks = &mlops.DatasetChecks{}
	}
	profiled := make([]drift.Column, n)
	for i, c := range columns {
		d.place[c.Name] = i
		profiled[i] = drift.Column{Name: c.Name, Kind: c.Kind()}
		d.distinct = append(d.distinct, hyperloglog.New14())
	}
	d.profile = drift.NewCollector(profiled)
	return d
}

func (d *describer) read(names []string, row []Cell) error {
	cells := make([]Cell, len(d.columns))
	for i, cell := range row {
		cells[d.place[names[i]]] = cell
	}
	d.profile.Rows(1)
	for i, cell := range cells {
		add(d.profile, i, d.columns[i].Type, cell)
		if cell.Type != Empty {
			d.distinct[i].Insert([]byte(cell.Text))
			d.judge(i, cell)
		}
	}
	d.unique(cells)
	return nil
}

// judge holds one value to what is said of its column.
func (d *describer) judge(i int, cell Cell) {
	name := d.columns[i].Name
	if want, ok := d.schema[name]; ok && !cell.Fits(Type(want.Type)) {
		if d.unfit[i]++; d.unfitLike[i] == "" {
			d.unfitLike[i] = cell.Text
		}
	}
	rule, ok := d.checks.Columns[name]
	if !ok {
		return
	}
	if rule.Min != nil && cell.Type.Numeric() && cell.Number < *rule.Min {
		d.low[i]++
	}
	if rule.Max != nil && cell.Type.Numeric() && cell.Number > *rule.Max {
		d.high[i]++
	}
	if len(rule.Values) > 0 && !slices.Contains(rule.Values, cell.Text) {
		d.unknown[i]++
	}
}

func (d *describer) unique(cells []Cell) {
	if len(d.checks.Unique) == 0 {
		return
	}
	var h maphash.Hash
	h.SetSeed(d.seed)
	for _, name := range d.checks.Unique {
		if i, ok := d.place[name]; ok {
			_, _ = fmt.Fprintf(&h, "%d:%s;", len(cells[i].Text), cells[i].Text) // a hash never fails to write
		}
	}
	key := h.Sum64()
	if _, seen := d.rows[key]; seen {
		d.repeated++
	}
	d.rows[key] = struct{}{}
}

func (d *describer) statistics() map[string]mlops.ColumnStatistics {
	out := map[string]mlops.ColumnStatistics{}
	profile := d.profile.Profile()
	for i := range profile.Columns {
		p := &profile.Columns[i]
		s := mlops.ColumnStatistics{Type: typeWord(d.columns[i].Type), Count: p.Count, Missing: p.Nulls, Distinct: int64(d.distinct[i].Estimate())}
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
func typeWord(t Type) string {
	if t == Empty {
		return string(String)
	}
	return string(t)
}

// schemaViolations tells what the schema does not allow.
func (d *describer) schemaViolations(found Description) []string {
	var out []string
	if len(d.schema) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.schema)) {
		i, ok := d.place[name]
		want := d.schema[name]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("column %q is missing; there is %s", name, d.names()))
		case d.unfit[i] > 0:
			out = append(out, fmt.Sprintf("column %q is of type %s; %d of %d values are not, such as %q", name, want.Type, d.unfit[i], found.Rows, d.unfitLike[i]))
		case want.Required && found.Statistics[name].Missing > 0:
			out = append(out, fmt.Sprintf("column %q is required; %d of %d values are missing", name, found.Statistics[name].Missing, found.Rows))
		}
	}
	return out
}

func (d *describer) names() string {
	names := make([]string, len(d.columns))
	for i, c := range d.columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// checkViolations tells which rules are broken.
func (d *describer) checkViolations(found Description) []string {
	var out []string
	add := func(broken bool, format string, args ...any) {
		if broken {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	k := d.checks
	add(found.Rows < k.MinRows, "there are %d rows, fewer than min_rows = %d", found.Rows, k.MinRows)
	add(k.MaxRows > 0 && found.Rows > k.MaxRows, "there are %d rows, more than max_rows = %d", found.Rows, k.MaxRows)
	add(d.repeated > 0, "%d rows repeat the values of %s", d.repeated, strings.Join(k.Unique, ", "))
	for _, name := range k.Unique {
		_, ok := d.place[name]
		add(!ok, "column %q, which is to be unique, is missing", name)
	}
	for _, c := range d.columns {
		missing := percent(found.Statistics[c.Name].Missing, found.Rows)
		add(k.MaxMissingPercent != nil && missing > valueOf(k.MaxMissingPercent), "column %q lacks %.2f %% of its values, more than max_missing_percent = %g", c.Name, missing, valueOf(k.MaxMissingPercent))
	}
	for _, name := range slices.Sorted(maps.Keys(k.Columns)) {
		rule, i := k.Columns[name], d.place[name]
		if _, ok := d.place[name]; !ok {
			add(true, "column %q, which has rules, is missing", name)
			continue
		}
		missing := percent(found.Statistics[name].Missing, found.Rows)
		add(d.low[i] > 0, "column %q has %d values below min = %g", name, d.low[i], valueOf(rule.Min))
		add(d.high[i] > 0, "column %q has %d values above max = %g", name, d.high[i], valueOf(rule.Max))
		add(d.unknown[i] > 0, "column %q has %d values that are not among %s", name, d.unknown[i], strings.Join(rule.Values, ", "))
		add(rule.MaxMissingPercent != nil && missing > valueOf(rule.MaxMissingPercent), "column %q lacks %.2f %% of its values, more than max_missing_percent = %g", name, missing, valueOf(rule.MaxMissingPercent))
	}
	return out
}

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole) //nolint:mnd // percent
}

func valueOf(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
