package table

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Values reads a file whole and returns the type of a column and its different
// values, as Cell.Form writes them, in their order: numbers by size. Beyond most,
// which are that many and no matter which, it looks for no more. The error is
// Invalid for what is no table, and for a column that it lacks.
func Values(ctx context.Context, path, format, column string, most int) (Type, []string, error) {
	columns, _, err := Scan(ctx, path, format)
	if err != nil {
		return Empty, nil, err
	}
	at := slices.IndexFunc(columns, func(c Column) bool { return c.Name == column })
	if at < 0 {
		return Empty, nil, invalidf("there is no column %q", column)
	}
	kind, found := columns[at].Type, map[string]bool{}
	_, err = each(ctx, path, format, func(_ []string, row []Cell) error {
		if at < len(row) && row[at].Type != Empty && len(found) < most {
			found[row[at].Form(kind)] = true
		}
		return nil
	})
	return kind, inOrder(found, kind), err
}

func inOrder(found map[string]bool, kind Type) []string {
	all := make([]string, 0, len(found))
	for v := range found {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b string) int {
		if x, y := size(a), size(b); kind.Numeric() && x != y {
			return int(math.Copysign(1, x-y))
		}
		return strings.Compare(a, b)
	})
	return all
}

// size is a number's value; those that Form wrote read back.
func size(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
