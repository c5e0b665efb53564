package table

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// people is a small table with a gap and a repetition.
const people = "id,age,colour,score\n1,31,red,0.5\n2,42,,0.25\n2,17,blue,NaN\n4,90,red,1\n"

// TestStatistics proves the figures of a small table.
func TestStatistics(t *testing.T) {
	t.Parallel()
	got, err := Describe(t.Context(), file(t, "t.csv", people), "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]mlops.ColumnStatistics{
		"id":     {Type: "integer", Count: 4, Distinct: 3, Min: new(1.0), Max: new(4.0), Mean: new(2.25), Std: new(math.Sqrt(4.75 / 3)), P25: new(1.0), P50: new(2.0), P75: new(2.0)},
		"age":    {Type: "integer", Count: 4, Distinct: 4, Min: new(17.0), Max: new(90.0), Mean: new(45.0), Std: new(math.Sqrt(3014.0 / 3)), P25: new(17.0), P50: new(31.0), P75: new(42.0)},
		"colour": {Type: "string", Count: 3, Missing: 1, Distinct: 2},
		"score":  {Type: "number", Count: 3, Missing: 1, Distinct: 3, Min: new(0.25), Max: new(1.0), Mean: new(1.75 / 3), Std: new(0.38188130791298666), P25: new(0.25), P50: new(0.5), P75: new(1.0)},
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
	if diff := cmp.Diff(want, got.Statistics, near); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestExtremes proves that data without much in them are described too.
func TestExtremes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		want          mlops.ColumnStatistics
	}{
		{"one row", "a\n3\n", mlops.ColumnStatistics{Type: "integer", Count: 1, Distinct: 1, Min: new(3.0), Max: new(3.0), Mean: new(3.0), Std: new(0.0), P25: new(3.0), P50: new(3.0), P75: new(3.0)}},
		{"no row", "a\n", mlops.ColumnStatistics{Type: "string"}},
		{"nothing but gaps", "a,b\n,1\nNA,1\n", mlops.ColumnStatistics{Type: "string", Missing: 2}},
		{"constant", "a\n2\n2.0\n2\n", mlops.ColumnStatistics{Type: "number", Count: 3, Distinct: 1, Min: new(2.0), Max: new(2.0), Mean: new(2.0), Std: new(0.0), P25: new(2.0), P50: new(2.0), P75: new(2.0)}},
		{"infinite", "a\ninf\n", mlops.ColumnStatistics{Type: "number", Count: 1, Distinct: 1, Min: new(math.MaxFloat64), Max: new(math.MaxFloat64), Mean: new(0.0), Std: new(0.0)}},
		{"two zeros", "a\n0.0\n-0.0\n", mlops.ColumnStatistics{Type: "number", Count: 2, Distinct: 1, Min: new(0.0), Max: new(0.0), Mean: new(0.0), Std: new(0.0), P25: new(0.0), P50: new(0.0), P75: new(0.0)}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Describe(t.Context(), file(t, "t.csv", tc.content), "", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Statistics["a"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRules proves what breaks a schema and checks, and what does not.
func TestRules(t *testing.T) {
	t.Parallel()
	schema := func(column, kind string, required bool) map[string]mlops.Column {
		return map[string]mlops.Column{column: {Type: kind, Required: required}}
	}
	of := func(column string, c mlops.ColumnCheck) mlops.DatasetChecks {
		return mlops.DatasetChecks{Columns: map[string]mlops.ColumnCheck{column: c}}
	}
	tests := []struct {
		name   string
		schema map[string]mlops.Column
		checks mlops.DatasetChecks
		want   []string
	}{
		{name: "none"},
		{name: "type", schema: schema("age", "integer", true)},
		{name: "wider type", schema: schema("age", "number", true)},
		{name: "any is text", schema: schema("score", "string", false)},
		{name: "other type", schema: schema("colour", "number", false), want: []string{`column "colour" is to be of type number; 3 of 4 values are not, such as "red"`}},
		{name: "narrower type", schema: schema("score", "integer", false), want: []string{`column "score" is to be of type integer; 2 of 4 values are not, such as "0.5"`}},
		{name: "not there", schema: schema("size", "number", false), want: []string{`column "size" is missing; there is id, age, colour, score`}},
		{name: "required", schema: schema("colour", "string", true), want: []string{`column "colour" is required; 1 of 4 values are missing`}},
		{name: "rows", checks: mlops.DatasetChecks{MinRows: 4, MaxRows: 4}},
		{name: "few rows", checks: mlops.DatasetChecks{MinRows: 5}, want: []string{"there are 4 rows, fewer than min_rows = 5"}},
		{name: "many rows", checks: mlops.DatasetChecks{MaxRows: 3}, want: []string{"there are 4 rows, more than max_rows = 3"}},
		{name: "gaps", checks: mlops.DatasetChecks{MaxMissingPercent: new(25.0)}},
		{name: "many gaps", checks: mlops.DatasetChecks{MaxMissingPercent: new(20.0)}, want: []string{
			`column "colour" lacks 25 % of its values, more than max_missing_percent = 20`, `column "score" lacks 25 % of its values, more than max_missing_percent = 20`,
		}},
		{name: "unique", checks: mlops.DatasetChecks{Unique: []string{"age"}}},
		{name: "unique together", checks: mlops.DatasetChecks{Unique: []string{"id", "colour"}}},
		{name: "not unique", checks: mlops.DatasetChecks{Unique: []string{"id"}}, want: []string{"1 rows repeat the values of id in another row"}},
		{name: "unique and not there", checks: mlops.DatasetChecks{Unique: []string{"id", "key"}}, want: []string{`column "key", which is to be unique, is missing`}},
		{name: "bounds", checks: of("age", mlops.ColumnCheck{Min: new(17.0), Max: new(90.0)})},
		{name: "out of bounds", checks: of("age", mlops.ColumnCheck{Min: new(18.0), Max: new(41.5)}), want: []string{`column "age" has 1 values below min = 18`, `column "age" has 2 values above max = 41.5`}},
		{name: "bounds of text", checks: of("colour", mlops.ColumnCheck{Min: new(0.0)}), want: []string{`column "colour" has 3 values that are no numbers, and so neither above min nor below max`}},
		{name: "values", checks: of("colour", mlops.ColumnCheck{Values: []string{"red", "blue"}})},
		{name: "other values", checks: of("colour", mlops.ColumnCheck{Values: []string{"red", "green"}}), want: []string{`column "colour" has 1 values that are not among red, green`}},
		{name: "values of numbers", checks: of("score", mlops.ColumnCheck{Values: []string{"0.5", "0.25", "1"}})},
		{name: "gaps of one", checks: of("score", mlops.ColumnCheck{MaxMissingPercent: new(0.0)}), want: []string{`column "score" lacks 25 % of its values, more than max_missing_percent = 0`}},
		{name: "rules and not there", checks: of("size", mlops.ColumnCheck{Min: new(0.0)}), want: []string{`column "size", which has rules, is missing`}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Describe(t.Context(), file(t, "t.csv", people), "", tc.schema, &tc.checks)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Join(tc.want, "\n"), strings.Join(append(got.Schema, got.Checks...), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSchemaSaysTheType proves that a code of digits stays one where the schema
// says so.
func TestSchemaSaysTheType(t *testing.T) {
	t.Parallel()
	path := file(t, "t.csv", "zip,n\n0150,1.0\n150,\n")
	schema := map[string]mlops.Column{"zip": {Type: "string"}, "n": {Type: "integer"}}
	got, err := Describe(t.Context(), path, "", schema, nil)
	if err != nil || got.Schema != nil {
		t.Fatal(err, got.Schema)
	}
	if diff := cmp.Diff([]Column{{"zip", String}, {"n", Integer}}, got.Columns); diff != "" || got.Statistics["zip"].Distinct != 2 {
		t.Errorf("%d different codes; (-want +got):\n%s", got.Statistics["zip"].Distinct, diff)
	}
}

// TestRefuse proves which violations keep data out.
func TestRefuse(t *testing.T) {
	t.Parallel()
	many := make([]string, mostViolations+2)
	for i := range many {
		many[i] = fmt.Sprintf("v%d", i)
	}
	checks := func(onFailure string) mlops.DatasetSpec {
		return mlops.DatasetSpec{Checks: &mlops.DatasetChecks{OnFailure: onFailure}}
	}
	tests := []struct {
		name  string
		spec  mlops.DatasetSpec
		found Description
		want  string
	}{
		{"nothing broken", checks(""), Description{}, ""},
		{"checks", checks(""), Description{Checks: []string{"v"}}, "v"},
		{"checks that only warn", checks("warn"), Description{Checks: []string{"v"}}, ""},
		{"schema where checks only warn", checks("warn"), Description{Schema: []string{"s"}, Checks: []string{"v"}}, "s"},
		{"both", checks("error"), Description{Schema: []string{"s"}, Checks: []string{"v"}}, "s; v"},
		{"many", checks("error"), Description{Checks: many}, "v0; v1; v2; v3; v4; v5; v6; v7; v8; v9; and 2 more"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Refuse(tc.spec, tc.found); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestMillionRows proves that memory does not grow with the rows, but for what
// finds repetitions.
func TestMillionRows(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million rows")
	}
	const rows, mib = 1_000_000, 1 << 20
	path := filepath.Join(t.TempDir(), "large.csv")
	write(t, path, rows)
	checks := &mlops.DatasetChecks{MinRows: rows, Unique: []string{"id", "word"}, Columns: map[string]mlops.ColumnCheck{"value": {Min: new(0.0), Max: new(1.0)}}}
	var got Description
	grown := growth(t, func() {
		var err error
		if got, err = Describe(t.Context(), path, "", nil, checks); err != nil {
			t.Fatal(err)
		}
	})
	if got.Rows != rows || len(got.Checks) != 1 || !strings.HasPrefix(got.Checks[0], "1 rows repeat") {
		t.Errorf("%d rows, %v", got.Rows, got.Checks)
	}
	if d := got.Statistics["id"].Distinct; math.Abs(float64(d)/(rows-1)-1) > 0.02 {
		t.Errorf("%d different numbers", d)
	}
	const bound = 160 // 20 MB for a hash of each row, doubled while that grows; profiles; garbage of as much again
	if grown > bound*mib {
		t.Errorf("memory has grown by %d MiB, more than %d", grown/mib, bound)
	}
}

// write writes rows, of which the last repeats the first.
func write(t *testing.T, path string, rows int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	_, err = fmt.Fprintln(w, "id,word,value")
	for i := range rows {
		if i == rows-1 {
			i = 0
		}
		_, errLine := fmt.Fprintf(w, "%d,word-%d,%.6f\n", i, i%1000, float64(i)/float64(rows))
		err = errors.Join(err, errLine)
	}
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// growth returns by how much the heap has grown at most while f ran.
func growth(t *testing.T, f func()) int64 {
	t.Helper()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse)
	}
	runtime.GC()
	before, most := heap(), int64(0)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for ticker := time.NewTicker(10 * time.Millisecond); ; {
			most = max(most, heap()-before)
			select {
			case <-done:
				ticker.Stop()
				return
			case <-ticker.C:
			}
		}
	})
	f()
	close(done)
	watching.Wait()
	return most
}
