package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// file keeps content in a file of a name.
func file(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func zipped(tb testing.TB, content string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(content))
	if err := errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// TestScan proves which columns, types and rows are found.
func TestScan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, content string

		want []Column
		rows int64
	}{
		{"types", "t.csv", "a,b,c,d,e\n1,1.5,true,x,2024-02-29\n", []Column{{"a", Integer}, {"b", Number}, {"c", Boolean}, {"d", String}, {"e", Timestamp}}, 1},
		{"numbers widen", "t.csv", "a,b,c\n1,1,1\n2.5,true,x\n", []Column{{"a", Number}, {"b", String}, {"c", String}}, 2},
		{"missing values", "t.csv", "a,b\n,NaN\n1,null\nNA,\n", []Column{{"a", Integer}, {"b", Empty}}, 3},
		{"whole numbers with a fraction in their notation", "t.csv", "a\n1.0\n2.0\n", []Column{{"a", Number}}, 2},
		{"infinite numbers", "t.csv", "a\ninf\n-Infinity\n1e999\n1\n", []Column{{"a", Number}}, 4},
		{"words that begin as numbers do", "t.csv", "a,b,c,d,e\n1_000,0x1p4,12:30,-,info\n", []Column{{"a", String}, {"b", String}, {"c", String}, {"d", String}, {"e", String}}, 1},
		{"a number too large for an integer", "t.csv", "a\n99999999999999999999\n", []Column{{"a", Number}}, 1},
		{"forms of time", "t.csv", "a\n2024-02-29T23:59:59Z\n2024-02-29 23:59:59.125\n2024-02-29T23:59:59\n2024-02-29 23:59:59+02:00\n", []Column{{"a", Timestamp}}, 4},
		{"no such day", "t.csv", "a\n2023-02-29\n", []Column{{"a", String}}, 1},
		{"quotes", "t.csv", "a,\"b \"\"c\"\"\"\n\"1\",\"x\ny, z\"\n", []Column{{"a", Integer}, {`b "c"`, String}}, 1},
		{"byte order mark and quotes", "t.csv", "\ufeff\"a\",\"b\"\r\n1,2\r\n", []Column{{"a", Integer}, {"b", Integer}}, 1},
		{"header alone", "t.csv", "a,b", []Column{{"a", Empty}, {"b", Empty}}, 0},
		{"no end of line", "t.csv", "a\n1", []Column{{"a", Integer}}, 1},
		{"gzipped", "t.csv.gz", zipped(t, "\ufeffa\n1\n"), []Column{{"a", Integer}}, 1},
		{"gzipped without saying so", "t.csv", zipped(t, "a\n1\n"), []Column{{"a", Integer}}, 1},
		{"two gzipped files in one", "t.csv.gz", zipped(t, "a\n1\n") + zipped(t, "2\n"), []Column{{"a", Integer}}, 2},
		{"JSON", "t.jsonl", `{"a": 1, "b": "x", "c": true, "d": null, "e": [1], "f": "2024-02-29"}` + "\n", []Column{{"a", Integer}, {"b", String}, {"c", Boolean}, {"d", Empty}, {"e", String}, {"f", Timestamp}}, 1},
		{"JSON's columns come later", "t.jsonl", "{\"b\": 1}\n\n  {\"a\": 2.0}  \n{}", []Column{{"b", Integer}, {"a", Number}}, 3},
		{"numbers in JSON's strings", "t.jsonl", `{"a": "1"}`, []Column{{"a", String}}, 1},
		{"no JSON at all", "t.jsonl", "", nil, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, rows, err := Scan(t.Context(), file(t, tc.file, tc.content), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || rows != tc.rows {
				t.Errorf("%d rows, want %d; columns (-want +got):\n%s", rows, tc.rows, diff)
			}
		})
	}
}

// TestRefused proves that what is no table is Invalid, and that it is said where.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, content, want string }{
		{"nothing", "t.csv", "", "the file is empty"},
		{"short row", "t.csv", "a,b\n1,2\n3\n", "line 3 has 1 fields; the header has 2"},
		{"long row", "t.csv", "a\n\"x\ny\"\n1,2\n", "line 4 has 2 fields; the header has 1"},
		{"quote in a field", "t.csv", "a,b\n1,x\"y\n", `line 2, character 4: bare " in non-quoted-field`},
		{"quote not closed", "t.csv", "a\n\"x\n", `line 2, character 4: extraneous or missing " in quoted-field`},
		{"quote not closed in a large file", "t.csv", "a\n\"x" + strings.Repeat("line\n", longestRow/4), "after line 1: the row is longer than 16 MiB"},
		{"column without a name", "t.csv", "a,,b\n", "column 2 has no name"},
		{"column with a blank name", "t.csv", "a, \n", "column 2 has no name"},
		{"same name twice", "t.csv", "a,b,a\n", `two columns are called "a"`},
		{"too many columns", "t.csv", strings.Repeat("x,", mostColumns) + "y", "more than 10000 columns"},
		{"UTF-16", "t.csv", "\xff\xfea\x00\n\x00", "UTF-16"},
		{"Latin-1", "t.csv", "a,b\n1,gr\xfcn\n", `line 2, column "b": this is not UTF-8`},
		{"a name in Latin-1", "t.csv", "a,gr\xfcn\n1,2\n", "line 1: this is not UTF-8"},
		{"JSON in Latin-1", "t.jsonl", "{\"a\": 1}\n{\"a\": \"gr\xfcn\"}\n", "line 2: this is not UTF-8"},
		{"gzip cut short", "t.csv.gz", zipped(t, "a\n"+strings.Repeat("1\n", 1000))[:30], "cut short or damaged"},
		{"gzip damaged", "t.csv.gz", strings.Replace(zipped(t, "a\n1\n"), "\x00\x00\x00\x00", "\x00\x00\x00\x00\xff\xff\xff\xff", 1), "damaged"},
		{"array of JSON", "t.jsonl", "[1]\n", "line 1, character"},
		{"broken JSON", "t.jsonl", "{\"a\": 1}\n{\"a\": }\n", "line 2, character 7: no JSON object"},
		{"Python's NaN", "t.jsonl", "{\"a\": NaN}\n", "line 1, character 7: no JSON object"},
		{"null", "t.jsonl", "null\n", "line 1 is not one JSON object"},
		{"two on one line", "t.jsonl", "{} {}\n", "line 1 is not one JSON object"},
		{"JSON's nameless column", "t.jsonl", "{}\n{\"\": 1}\n", "line 2: column 1 has no name"},
		{"long line", "t.jsonl", "{}\n{\"a\": \"" + strings.Repeat("x", longestRow) + "\"}\n", "line 2 is longer than 16 MiB"},
		{"no Parquet", "t.parquet", "a,b\n1,2\n", "no Parquet file"},
		{"empty Parquet", "t.parquet", "", "no Parquet file"},
		{"unknown name", "t.xlsx", "", `the name "t.xlsx" does not show a format`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Scan(t.Context(), file(t, tc.file, tc.content), "")
			if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(mlops.Message(err), tc.want) {
				t.Errorf("got %v (%s), want %q", err, mlops.CodeOf(err), tc.want)
			}
		})
	}
}

func TestRefusedPlaces(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, format, want string }{
		{"folder", t.TempDir(), "csv", "is no regular file"},
		{"device", os.DevNull, "parquet", "is no regular file"},
		{"format", file(t, "t", ""), "xml", `"xml" is no format`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Scan(t.Context(), tc.path, tc.format)
			if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(mlops.Message(err), tc.want) {
				t.Errorf("got %v (%s), want %q", err, mlops.CodeOf(err), tc.want)
			}
		})
	}
	if _, _, err := Scan(t.Context(), filepath.Join(t.TempDir(), "none.csv"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestDamagedParquet proves that no damage of a file ends the process.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile("../mlops/mlopstest/testdata/small.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		for _, change := range []byte{0x01, 0xff} {
			broken := bytes.Clone(whole)
			broken[at] ^= change
			look(t, file(t, "t.parquet", string(broken)), fmt.Sprintf("byte %d changed by %x", at, change))
		}
		look(t, file(t, "t.parquet", string(whole[:at])), fmt.Sprintf("cut at %d", at))
	}
}

// look reads a file that may be anything.
func look(tb testing.TB, path, what string) {
	tb.Helper()
	_, err := Describe(tb.Context(), path, "", nil, nil)
	if code := mlops.CodeOf(err); err != nil && code != mlops.Invalid {
		tb.Errorf("%s: %v (%s)", what, err, code)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"a,b\n1,\"x\"\n", "\ufeff\"a\"\n", "{\"a\": 1}\n{\"b\": null}\n", zipped(f, "a\n1\n"), "a\n\"", "a\n2024-01-01\n+\n."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		look(t, file(t, "t.csv", content), "csv")
		look(t, file(t, "t.jsonl", content), "jsonl")
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Scan(ctx, file(t, "t.csv", "a\n1\n"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestCollect proves that columns are found by name, and that what does not fit
// is missing.
func TestCollect(t *testing.T) {
	t.Parallel()
	path := file(t, "t.jsonl", "{\"b\": 1}\n{\"a\": \"x\", \"b\": \"no number\"}\n{\"a\": 5, \"b\": 3.5}\n")
	p, err := Collect(t.Context(), path, "", []Column{{"a", String}, {"b", Number}, {"c", String}})
	if err != nil {
		t.Fatal(err)
	}
	type figures struct {
		Count, Nulls int64
		Mean         float64
	}
	var got []figures
	for _, c := range p.Columns {
		got = append(got, figures{c.Count, c.Nulls, c.Mean})
	}
	if diff := cmp.Diff([]figures{{2, 1, 0}, {2, 1, 2.25}, {0, 3, 0}}, got); diff != "" || p.Rows != 3 {
		t.Errorf("%d rows; (-want +got):\n%s", p.Rows, diff)
	}
}

// TestForm proves that the same value has the same form.
func TestForm(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cell Cell
		in   Type
		want string
	}{
		{"a number in its shortest", Parse("1.50"), Number, "1.5"},
		{"a whole number", Parse("1.0"), Integer, "1"},
		{"with blanks", Parse(" 7"), Integer, "7"},
		{"an integer without gaps", Parse("9007199254740993"), Integer, "9007199254740993"},
		{"a boolean of Python", Parse("True"), Boolean, "true"},
		{"a boolean of JSON", JSONCell(true), Boolean, "true"},
		{"a number that is a code", Parse("0150"), String, "0150"},
		{"a number of JSON that is a code", JSONCell(150.0), String, "150"},
		{"text as it is", Parse(" True story "), String, " True story "},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.cell.Form(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if got := JSONCell(math.NaN()); got != (Cell{}) {
		t.Errorf("NaN is %v", got)
	}
}
