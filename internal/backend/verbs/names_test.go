package verbs

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestCheckNames proves that a name which cannot be is not there, wherever in an ID it
// stands, and that names which the platform gives are left to it.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		id   mlops.ID
		want mlops.Code
	}{
		{"an environment", "local/dev", ""},
		{"an environment that cannot be", "local/De v", mlops.NotFound},
		{"a model", "local/dev/models/churn", ""},
		{"a model that cannot be", "local/dev/models/-churn", mlops.NotFound},
		{"a model where none can be", "local/De v/models/churn", mlops.NotFound},
		{"a version", "local/dev/models/churn/versions/R-1", ""},
		{"a version of what cannot be", "local/dev/models/-churn/versions/1", mlops.NotFound},
		{"no ID", "dev", mlops.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := CheckNames(mlops.Capabilities{}, tt.id); mlops.CodeOf(err) != tt.want {
				t.Errorf("got %v, want code %q", err, tt.want)
			}
		})
	}
}
