package sagemaker

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// resolveType is the machine type that an ask resolves to, for a use.
func resolveType(use string, c *mlops.Compute) (string, error) {
	t, err := catalogue().Resolve(use, c)
	return t.Name, err
}

// checkMachine refuses an ask that no machine type meets, at its place in a spec. It
// returns the type that meets it, or "".
func checkMachine(c *mlops.Checker, at mlops.Path, use string, ask *mlops.Compute) string {
	machine, err := resolveType(use, ask)
	if err == nil {
		return machine
	}
	native := at.With("native")
	needs := []mlops.Path{native, at.With("cpu"), at.With("memory"), at.With("accelerator")}
	if ask != nil && ask.Native != "" {
		at, needs = native, needs[:1]
	}
	words := mlops.Message(err)
	if !strings.HasSuffix(words, "?") {
		words = strings.TrimSuffix(words, ".") + "."
	}
	c.AddIf(at, needs, "No such machine", "%s", words)
	return ""
}
