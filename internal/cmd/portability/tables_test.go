package main

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// two is a pair of backends that differ in one feature.
func two() []mlops.Factory {
	answer := func(s mlops.Support, note string) mlops.Capabilities {
		return mlops.Capabilities{Features: map[mlops.Feature]mlops.Answer{
			mlops.FeatureEndpointCapture: {Support: s, Note: note},
		}}
	}
	return []mlops.Factory{
		{Name: "near", Summary: "Near.", Capabilities: answer(mlops.Native, "")},
		{Name: "far", Summary: "Far.", Capabilities: answer(mlops.NotProvided, "Log in the server.")},
	}
}

func TestMatrixHasOneColumnPerBackend(t *testing.T) {
	got := matrix(two())
	for _, want := range []string{
		"| Feature | What it is | `near` | `far` |\n| --- | --- | --- | --- |\n",
		"| `model_endpoint.capture` | capturing requests and responses | yes | no |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got, want := strings.Count(got, "\n"), len(mlops.Features())+2; got != want {
		t.Errorf("got %d lines, want %d", got, want)
	}
}

func TestNotesSayWhatToUseInstead(t *testing.T) {
	want := "### `far`\n\nFar.\n\n- `model_endpoint.capture` (unsupported): Log in the server.\n"
	if got := notes(two()); !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func TestReplaceMarks(t *testing.T) {
	guide := strings.Join([]string{"# Guide", matrixMark, notesMark, namesMark, ""}, "\n\n")
	got, err := replaceMarks(guide, backend.All())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "<!-- portability") {
		t.Errorf("a mark is left in\n%s", got)
	}
	if !strings.Contains(got, "`local`") {
		t.Errorf("the embedded engine is not in\n%s", got)
	}
	if _, err := replaceMarks("# Guide", backend.All()); err == nil {
		t.Error("a guide without marks was accepted")
	}
}
