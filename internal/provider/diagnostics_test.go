package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestExplainGolden(t *testing.T) {
	t.Parallel()
	update := os.Getenv("UPDATE_GOLDEN") != ""
	s := modelEndpoint(guide{testFactories()}).schema(t.Context())
	for _, code := range mlops.Codes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			d := explain(t.Context(), s, &mlops.Error{
				Code: code, Op: "create", Resource: mlops.NounModelEndpoint, Name: "local/dev/endpoints/churn",
				Backend: "local", Request: "4711", Err: errors.New("the platform's own words"),
			})
			golden(t, strings.ReplaceAll(string(code), " ", "_"), d, update)
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		golden(t, "interrupted", explain(t.Context(), s, fmt.Errorf("waiting: %w", context.Canceled)), update)
	})
	t.Run("foreign", func(t *testing.T) {
		t.Parallel()
		golden(t, "foreign", explain(t.Context(), s, errors.New("cannot open the engine")), update)
	})
}

// golden compares a diagnostic's whole text with a file. UPDATE_GOLDEN=1 writes
// the files anew.
func golden(t *testing.T, name string, d diag.Diagnostic, update bool) {
	t.Helper()
	got := d.Summary() + "\n\n" + d.Detail() + "\n"
	file := filepath.Join("testdata", "diagnostics", name+".txt")
	if update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if n := strings.Count(got, "\n\n"); n != 3 {
		t.Errorf("%d paragraphs, want the summary and three:\n%s", n+1, got)
	}
}

func TestExplainStandsAtTheAttribute(t *testing.T) {
	t.Parallel()
	s := modelEndpoint(guide{testFactories()}).schema(t.Context())
	for field, want := range map[string]string{
		`variants["a"].version`: `variants["a"].version`,
		`variants["a"].nothing`: `variants["a"]`,
		"smoke_test.request":    "smoke_test.request",
		"nothing":               "",
		"":                      "",
		`variants["`:            "variants",
	} {
		d := explain(t.Context(), s, &mlops.Error{Code: mlops.Invalid, Op: "update", Resource: mlops.NounModelEndpoint, Field: field})
		at := ""
		if withPath, ok := d.(diag.DiagnosticWithPath); ok {
			at = withPath.Path().String()
		}
		if at != want {
			t.Errorf("the field %q stands at %q, want %q", field, at, want)
		}
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for _, p := range []mlops.Path{
		mlops.At("name"),
		mlops.At("steps", mlops.Key("train"), "inputs", mlops.Key(`odd "]. key`)),
		mlops.At("aliases", 2),
		mlops.At("steps", mlops.Key("a"), "command", 0),
	} {
		if diff := cmp.Diff(p, parsePath(p.String())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p, diff)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add(`steps["train"].outputs[0]`)
	f.Add(`["`)
	f.Add("..[")
	f.Fuzz(func(t *testing.T, text string) {
		p := parsePath(text)
		if again := parsePath(p.String()); len(p) > 0 && again.String() != p.String() {
			t.Errorf("%q is read as %s, and that as %s", text, p, again)
		}
	})
}
