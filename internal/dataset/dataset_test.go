package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// file keeps a table in a file of its own.
func file(t *testing.T, content string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestRules proves what an apply and a plan say of a table that keeps its rules, and of
// one that does not.
func TestRules(t *testing.T) {
	t.Parallel()
	few := func(action string) *mlops.DatasetChecks {
		return &mlops.DatasetChecks{MinRows: 2, OnFailure: action}
	}
	for _, tt := range []struct {
		name       string
		content    string
		spec       mlops.DatasetSpec
		code       mlops.Code
		violations int
	}{
		{name: "kept", content: "age,colour\n31,red\n42,\n", spec: mlops.DatasetSpec{Checks: few("")}},
		{name: "broken", content: "age\n31\n", spec: mlops.DatasetSpec{Checks: few("")}, code: mlops.Failed},
		{name: "broken with a warning", content: "age\n31\n", spec: mlops.DatasetSpec{Checks: few("warn")}, violations: 1},
		{name: "schema", content: "age\nx\n", spec: mlops.DatasetSpec{Schema: map[string]mlops.Column{"age": {Type: "integer"}}}, code: mlops.Failed},
		{name: "no table", content: "a,b\n1\n", code: mlops.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := file(t, tt.content)
			tt.spec.URI = at
			got, err := Describe(t.Context(), tt.spec, at, "uri")
			if mlops.CodeOf(err) != tt.code || len(got.Violations) != tt.violations {
				t.Errorf("%+v, %v; want code %q and %d violations", got, err, tt.code, tt.violations)
			}
			check := mlops.NewChecker()
			if err := Preflight(t.Context(), tt.spec, at, check); err != nil {
				t.Fatal(err)
			}
			problems := check.Problems()
			if wrong := len(problems) != 0; wrong != (tt.code != "") || wrong && problems[0].Path.String() != "uri" {
				t.Errorf("at plan: %v", problems)
			}
		})
	}
}

// TestDescribe proves what is told of a table, and that a plan leaves alone what is not
// there yet.
func TestDescribe(t *testing.T) {
	t.Parallel()
	at := file(t, "age,colour\n31,red\n42,\n")
	spec := mlops.DatasetSpec{URI: at}
	got, err := Describe(t.Context(), spec, at, "uri")
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != 2 || got.Statistics["colour"].Missing != 1 || !cmp.Equal(map[string]string{"age": "integer", "colour": "string"}, got.Schema) {
		t.Errorf("described as %+v", got)
	}
	check := mlops.NewChecker()
	if err := Preflight(t.Context(), spec, at+".not-there", check); err != nil || check.Err() != nil {
		t.Errorf("a file that is still to be made: %v, %v", err, check.Err())
	}
	_, err = Describe(t.Context(), spec, file(t, ""), "output")
	if e, ok := err.(*mlops.Error); !ok || e.Field != "output" || !strings.Contains(err.Error(), "cannot be read") { //nolint:errorlint // it is not wrapped
		t.Errorf("an empty file: %v", err)
	}
}

// TestSucceed proves that a number means the same bytes for ever.
func TestSucceed(t *testing.T) {
	t.Parallel()
	var now mlops.DatasetStatus
	for _, step := range []struct{ name, digest, version, history string }{
		{"first", "a", "1", "a"},
		{"same", "a", "1", "a"},
		{"other", "b", "2", "b a"},
		{"former again", "a", "1", "b a"},
		{"new", "c", "3", "c b a"},
	} {
		now = Succeed(now, mlops.DatasetStatus{Digest: step.digest})
		var history []string
		for _, v := range now.History {
			history = append(history, v.Digest)
		}
		if now.Version != step.version || strings.Join(history, " ") != step.history {
			t.Errorf("%s: version %s of %q, want %s of %q", step.name, now.Version, history, step.version, step.history)
		}
	}
}

// TestSameRules proves which changes of a spec make data be looked at again.
func TestSameRules(t *testing.T) {
	t.Parallel()
	spec := mlops.DatasetSpec{URI: "people.csv", Checks: &mlops.DatasetChecks{MinRows: 1}}
	for _, tt := range []struct {
		name   string
		change func(*mlops.DatasetSpec)
		want   bool
	}{
		{"words", func(s *mlops.DatasetSpec) { s.Description = "other" }, true},
		{"format that was found", func(s *mlops.DatasetSpec) { s.Format = "csv" }, true},
		{"format", func(s *mlops.DatasetSpec) { s.Format = "jsonl" }, false},
		{"checks", func(s *mlops.DatasetSpec) { s.Checks = nil }, false},
		{"schema", func(s *mlops.DatasetSpec) { s.Schema = map[string]mlops.Column{"a": {Type: "integer"}} }, false},
	} {
		other := spec
		tt.change(&other)
		if got := SameRules(spec, other); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
