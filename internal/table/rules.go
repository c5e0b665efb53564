package table

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// rules holds rows to a schema and to checks.
type rules struct {
	columns []Column
	place   map[string]int
	schema  map[string]mlops.Column
	checks  mlops.DatasetChecks
	byPlace []columnRules
	unique  *uniqueRows // nil if rows may repeat, or the columns are not there
}

// columnRules are the rules for one column, and how often they were broken.
type columnRules struct {
	want  Type // of the schema, Empty if it says nothing
	check *mlops.ColumnCheck

	unfit, noNumber, low, high, unknown int64

	unfitLike string // the first value that is of another type
}

func newRules(columns []Column, schema map[string]mlops.Column, checks *mlops.DatasetChecks) rules {
	r := rules{columns: columns, place: map[string]int{}, schema: schema, byPlace: make([]columnRules, len(columns))}
	if checks != nil {
		r.checks = *checks
	}
	for i, c := range columns {
		r.place[c.Name] = i
		r.byPlace[i].want = Type(schema[c.Name].Type)
		if check, ok := r.checks.Columns[c.Name]; ok {
			r.byPlace[i].check = &check
		}
	}
	if len(r.checks.Unique) > 0 && len(r.absent(r.checks.Unique)) == 0 {
		r.unique = newUniqueRows(columns, r.place, r.checks.Unique)
	}
	return r
}

// absent lists those columns that the table does not have.
func (r *rules) absent(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		_, ok := r.place[n]
		return ok
	})
}

// read judges one row.
func (r *rules) read(row []Cell) {
	for i := range row {
		if row[i].Type != Empty {
			r.byPlace[i].judge(row[i], r.columns[i].Type)
		}
	}
	if r.unique != nil {
		r.unique.read(row)
	}
}

// judge holds one value, which is there, to what is said of its column.
func (k *columnRules) judge(cell Cell, t Type) {
	if k.want != Empty && !cell.Fits(k.want) {
		if k.unfit++; k.unfit == 1 {
			k.unfitLike = strings.Clone(cell.Text)
		}
	}
	if k.check == nil {
		return
	}
	if lowest, highest := k.check.Min, k.check.Max; lowest != nil || highest != nil {
		switch {
		case !cell.Type.Numeric():
			k.noNumber++
		case lowest != nil && cell.Number < *lowest:
			k.low++
		case highest != nil && cell.Number > *highest:
			k.high++
		}
	}
	allowed := k.check.Values
	if len(allowed) > 0 && !slices.Contains(allowed, cell.Text) && !slices.Contains(allowed, cell.Form(t)) {
		k.unknown++
	}
}

// violations tells in words which rules are broken.
func (r *rules) violations(found Description) (schema, checks []string) {
	return r.schemaViolations(found), slices.Concat(r.tableViolations(found), r.columnViolations(found))
}

func (r *rules) schemaViolations(found Description) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.schema)) {
		i, ok := r.place[name]
		want, missing := r.schema[name], found.Statistics[name].Missing
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("column %q is missing; there is %s", name, r.names()))
		case r.byPlace[i].unfit > 0:
			out = append(out, fmt.Sprintf("column %q is to be of type %s; %d of %d values are not, such as %q", name, want.Type, r.byPlace[i].unfit, found.Rows, clip(r.byPlace[i].unfitLike)))
		case want.Required && missing > 0:
			out = append(out, fmt.Sprintf("column %q is required; %d of %d values are missing", name, missing, found.Rows))
		}
	}
	return out
}

// names lists the columns, as far as a line takes them.
func (r *rules) names() string {
	const most = 20
	names := make([]string, 0, len(r.columns))
	for _, c := range r.columns {
		names = append(names, c.Name)
	}
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// clip shortens a value that is to be shown.
func clip(value string) string {
	const most = 40
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "…"
}

// tableViolations are of the rules for all columns.
func (r *rules) tableViolations(found Description) []string {
	var out list
	k := r.checks
	out.addf(found.Rows < k.MinRows, "there are %d rows, fewer than min_rows = %d", found.Rows, k.MinRows)
	out.addf(k.MaxRows > 0 && found.Rows > k.MaxRows, "there are %d rows, more than max_rows = %d", found.Rows, k.MaxRows)
	for _, name := range r.absent(k.Unique) {
		out.addf(true, "column %q, which is to be unique, is missing", name)
	}
	if r.unique != nil {
		out.addf(r.unique.repeated > 0, "%d rows repeat the values of %s in another row", r.unique.repeated, strings.Join(k.Unique, ", "))
	}
	for _, c := range r.columns {
		out.missing(found, c.Name, k.MaxMissingPercent)
	}
	return out
}

// columnViolations are of the rules for one column.
func (r *rules) columnViolations(found Description) []string {
	var out list
	for _, name := range slices.Sorted(maps.Keys(r.checks.Columns)) {
		i, ok := r.place[name]
		if !ok {
			out.addf(true, "column %q, which has rules, is missing", name)
			continue
		}
		k := &r.byPlace[i]
		out.addf(k.noNumber > 0, "column %q has %d values that are no numbers, and so neither above min nor below max", name, k.noNumber)
		out.addf(k.low > 0, "column %q has %d values below min = %g", name, k.low, valueOf(k.check.Min))
		out.addf(k.high > 0, "column %q has %d values above max = %g", name, k.high, valueOf(k.check.Max))
		out.addf(k.unknown > 0, "column %q has %d values that are not among %s", name, k.unknown, strings.Join(k.check.Values, ", "))
		out.missing(found, name, k.check.MaxMissingPercent)
	}
	return out
}

// list is violations in words.
type list []string

func (l *list) addf(broken bool, format string, args ...any) {
	if broken {
		*l = append(*l, fmt.Sprintf(format, args...))
	}
}

func (l *list) missing(found Description, column string, most *float64) {
	if most == nil || found.Rows == 0 {
		return
	}
	share := 100 * float64(found.Statistics[column].Missing) / float64(found.Rows) //nolint:mnd // percent
	l.addf(share > *most, "column %q lacks %.4g %% of its values, more than max_missing_percent = %g", column, share, *most)
}

func valueOf(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// uniqueRows finds rows that repeat. Rows are compared by a hash of 64 bits: of a
// hundred million rows, two are taken to be the same by mistake with a chance of
// one in three thousand.
type uniqueRows struct {
	columns  []Column
	at       []int // columns whose values together name a row
	hash     maphash.Hash
	seen     map[uint64]struct{}
	repeated int64
}

func newUniqueRows(columns []Column, place map[string]int, names []string) *uniqueRows {
	u := &uniqueRows{columns: columns, seen: map[uint64]struct{}{}}
	for _, n := range names {
		u.at = append(u.at, place[n])
	}
	return u
}

// read takes in a row. A value that is missing is the same as another.
func (u *uniqueRows) read(row []Cell) {
	u.hash.Reset()
	for _, i := range u.at {
		cell := Cell{}
		if i < len(row) {
			cell = row[i]
		}
		form := cell.Form(u.columns[i].Type)
		maphash.WriteComparable(&u.hash, len(form)) // so that "ab", "c" is not "a", "bc"
		_, _ = u.hash.WriteString(form)             // a hash never fails to write
	}
	key := u.hash.Sum64()
	if _, seen := u.seen[key]; seen {
		u.repeated++
		return
	}
	u.seen[key] = struct{}{}
}
