package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// mostViolations is how many violations a refusal names.
const mostViolations = 10

// Refuse tells why a dataset does not take data in, or "". A schema is always
// held to; checks are unless they only warn.
func Refuse(spec mlops.DatasetSpec, found Description) string {
	broken := slices.Clone(found.Schema)
	if spec.Checks != nil && spec.Checks.OnFailure != "warn" {
		broken = append(broken, found.Checks...)
	}
	if more := len(broken) - mostViolations; more > 0 {
		broken = append(broken[:mostViolations], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(broken, "; ")
}

// FormatOf is the format that a dataset says or a file's name shows. An output of
// a run has a name without an ending: it is taken for CSV.
func FormatOf(spec mlops.DatasetSpec, path string) string {
	if spec.Format != "" {
		return spec.Format
	}
	if f := mlops.FormatOf(path); f != "" {
		return f
	}
	return "csv"
}
