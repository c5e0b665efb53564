package table

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data, column string
		most               int
		kind               Type
		want               []string
	}{
		{"text, gaps left out", "a,b\n1,red\n2,\n3,blue\n4,red\n", "b", 9, String, []string{"blue", "red"}},
		{"numbers by size", "a\n10\n9\n1.0\n9\n", "a", 9, Number, []string{"1", "9", "10"}},
		{"whole numbers", "a\n10\n-2\n9\n", "a", 9, Integer, []string{"-2", "9", "10"}},
		{"none", "a,b\n1,\n2,\n", "b", 9, Empty, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kind, got, err := Values(t.Context(), written(t, c.data), "csv", c.column, c.most)
			if err != nil || kind != c.kind {
				t.Fatalf("got type %q, %v; want %q", kind, err, c.kind)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
	if _, got, err := Values(t.Context(), written(t, "a\n1\n2\n3\n4\n"), "csv", "a", 3); err != nil || len(got) != 3 {
		t.Errorf("got %q, %v; want three of them", got, err)
	}
	if _, _, err := Values(t.Context(), written(t, "a\n1\n"), "csv", "b", 3); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a column that is not there: %v", err)
	}
}

func written(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
