package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// behind is the warning of a refresh that finds an object working, but not as it was
// applied: somebody changed it, or what it is built on is another by now. The plan shows
// a difference then, whose cause no attribute tells. It is nil where there is nothing to
// tell.
func behind[S, T any](noun mlops.Noun, seen mlops.Observed[S, T]) diag.Diagnostics {
	if !strayed(seen) {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Not as it was applied",
		fmt.Sprintf("The %s %q: %s.\n\nThe next apply brings it to what the configuration says.", noun.Words(), seen.Ref, seen.Reason))}
}

// strayed reports whether an object is ready with another spec than any that was applied.
func strayed[S, T any](seen mlops.Observed[S, T]) bool {
	return seen.Phase == mlops.PhaseReady && seen.Revision == "" && seen.Reason != ""
}
