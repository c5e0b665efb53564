package sagemaker

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// manyLabels are labels of some sort.
func manyLabels(sort string, n int) map[string]string {
	labels := map[string]string{}
	for i := range n {
		labels[fmt.Sprintf("%s-%d", sort, i)] = "x"
	}
	return labels
}

// TestRetagFull proves that labels are replaced where old and new ones together are
// more than AWS allows; and that wherever this is interrupted, what is there can be
// read and brought to the spec.
func TestRetagFull(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, operation string
		skip            int
	}{
		{"to its end", "", 0},
		{"while labels make room", "DeleteTags", 0},
		{"before the record", "AddTags", 0},
		{"before the labels", "AddTags", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, simulated.Config{})
			spec := mlops.ModelSpec{Environment: r.environment, Name: "words", Labels: manyLabels("old", 35)}
			r.the(r.Models().Create(t.Context(), spec))
			spec.Labels = manyLabels("new", 35)
			if tt.operation != "" {
				r.account.Inject(simulated.Rule{
					Service: "sagemaker", Operation: tt.operation, Skip: tt.skip, Fault: &simulated.Fault{Code: "AccessDeniedException", Message: "no"},
				})
				_, err := r.Models().Update(t.Context(), spec.ID(), spec)
				r.wantCode("interrupted", err, mlops.PermissionDenied, "no")
				_, err = r.Models().Get(t.Context(), spec.ID())
				r.must(err)
			}
			r.the(r.Models().Update(t.Context(), spec.ID(), spec))
			s, err := modelKind{r.backend}.scene(t.Context(), spec.ID())
			r.must(err)
			tags, err := sagemakerTagsOf(t.Context(), s.c, s.arn)
			r.must(err)
			maps.DeleteFunc(tags, func(key, _ string) bool { return strings.HasPrefix(key, tagPrefix) || key == tagManagedBy })
			if diff := cmp.Diff(spec.Labels, tags); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}
