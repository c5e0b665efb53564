package table

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestSample(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data string
		columns    []string
		want       []string // cells of a row, as text
	}{
		{"all, in the order that is asked for", "a,b,c\n1,red,x\n2,,y\n3,blue,z\n", []string{"b", "a"}, []string{"red 1", " 2", "blue 3"}},
		{"none", "a\n", []string{"a"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			columns, rows, err := Sample(t.Context(), written(t, c.data), "csv", c.columns, 5)
			if err != nil {
				t.Fatal(err)
			}
			for i, column := range columns {
				if column.Name != c.columns[i] {
					t.Errorf("column %d is %q", i, column.Name)
				}
			}
			if diff := cmp.Diff(c.want, texts(rows)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, err := Sample(t.Context(), written(t, "a\n1\n"), "csv", []string{"b"}, 5); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a column that is not there: %v", err)
	}
}

func texts(rows [][]Cell) []string {
	var all []string
	for _, row := range rows {
		var line []string
		for _, cell := range row {
			line = append(line, cell.Text)
		}
		all = append(all, strings.Join(line, " "))
	}
	return all
}

// TestSampleIsFair proves that rows are as likely from the end of a file as from its
// beginning, come in its order, and are the same again.
func TestSampleIsFair(t *testing.T) {
	t.Parallel()
	var data strings.Builder
	data.WriteString("a\n")
	const rows, most = 10_000, 1000
	for i := range rows {
		fmt.Fprintln(&data, i)
	}
	path := written(t, data.String())
	_, first, err := Sample(t.Context(), path, "csv", []string{"a"}, most)
	if err != nil || len(first) != most {
		t.Fatalf("%d rows, %v", len(first), err)
	}
	tenths := [10]int{}
	last := -1.0
	for _, row := range first {
		if row[0].Number <= last {
			t.Fatalf("%g comes after %g", row[0].Number, last)
		}
		last = row[0].Number
		tenths[int(last)*len(tenths)/rows]++
	}
	for i, n := range tenths {
		if n < 60 || n > 140 { // four standard deviations around 100
			t.Errorf("%d rows of the tenth %d", n, i)
		}
	}
	_, second, err := Sample(t.Context(), path, "csv", []string{"a"}, most)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("other rows: %s", diff)
	}
}
