package driftjob

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// mostReport is how large a report may be, in bytes: Argo keeps all outputs in the
// workflow, which has about a megabyte.
const mostReport = 64 << 10

// longestReason is how long a reason may be in a report that is too large, in bytes.
const longestReason = 1000

// reduced is a report as JSON of at most so many bytes. What is left out are the
// features that matter least, and their number is in the check's reason.
func reduced(report mlops.MonitorReport, most int) []byte {
	text := asJSON(report)
	features := 0
	for _, check := range report.Checks {
		features = max(features, len(check.Features))
	}
	for kept := features / 2; len(text) > most; kept /= 2 { //nolint:mnd // half
		text = asJSON(shorter(report, kept))
		if kept == 0 {
			break
		}
	}
	return text
}

func asJSON(report mlops.MonitorReport) []byte {
	text, _ := json.Marshal(report) //nolint:errchkjson // its numbers are finite
	return text
}

// shorter keeps so many features of each check.
func shorter(report mlops.MonitorReport, kept int) mlops.MonitorReport {
	out := report
	out.Reason, out.Checks = cut(report.Reason), map[string]mlops.CheckReport{}
	for kind, check := range report.Checks {
		check.Reason = cut(check.Reason)
		if more := len(check.Features) - kept; more > 0 {
			check.Features = slices.SortedStableFunc(slices.Values(check.Features), worst)[:kept]
			check.Reason = also(check.Reason, fmt.Sprintf("%d more figures are left out of this report", more))
		}
		out.Checks[kind] = check
	}
	return out
}

// worst orders figures: violated ones first, and then by how near they are to it.
func worst(a, b mlops.FeatureReport) int {
	return cmp.Or(rank(a.Violated)-rank(b.Violated), cmp.Compare(excess(b), excess(a)))
}

func rank(violated bool) int {
	if violated {
		return 0
	}
	return 1
}

// excess is a figure in units of its threshold.
func excess(f mlops.FeatureReport) float64 {
	switch {
	case f.Value == nil || f.Threshold == nil:
		return math.Inf(-1)
	case *f.Threshold == 0:
		return *f.Value
	}
	return *f.Value / *f.Threshold
}

// cut shortens a reason, at the beginning of a character.
func cut(reason string) string {
	if len(reason) <= longestReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:longestReason], "") + " …"
}

func also(reason, more string) string {
	if reason == "" {
		return more
	}
	return reason + "; " + more
}
