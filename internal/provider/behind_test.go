package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestBehind proves that a refresh tells why a plan has a difference, and is silent about
// what is as it was applied, or tells it by itself.
func TestBehind(t *testing.T) {
	t.Parallel()
	const words = "somebody changed spec.predictor.maxReplicas of the InferenceService churn"
	for _, tt := range []struct {
		name string
		seen mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
		want bool
	}{
		{"changed", mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Phase: mlops.PhaseReady, Reason: words}, true},
		{"as applied", mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Phase: mlops.PhaseReady, Revision: "r1"}, false},
		{"as applied, with a word", mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Phase: mlops.PhaseReady, Revision: "r1", Reason: words}, false},
		{"failed", mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Phase: mlops.PhaseFailed, Reason: words}, false},
		{"under way", mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Phase: mlops.PhasePending, Reason: words}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.seen.Ref = "kubernetes/lab/dev/endpoints/churn"
			got := behind(mlops.NounModelEndpoint, tt.seen)
			if !tt.want {
				if len(got) > 0 {
					t.Errorf("it says %v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Severity() != diag.SeverityWarning || !strings.Contains(got[0].Detail(), string(tt.seen.Ref)) || !strings.Contains(got[0].Detail(), words) {
				t.Errorf("it says %v, want a warning with the object and %q", got, words)
			}
		})
	}
}
