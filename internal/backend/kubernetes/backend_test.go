package kubernetes

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestAnswers proves that every feature is answered, and what is not native with what
// to know of it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, doc := range mlops.Features() {
		if a, ok := capabilities().Features[doc.Feature]; !ok || a.Support != mlops.Native && a.Note == "" {
			t.Errorf("%s is answered by %+v", doc.Feature, a)
		}
	}
}
