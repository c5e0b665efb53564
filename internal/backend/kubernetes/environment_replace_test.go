package kubernetes

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestReplacedBy proves that every setting which replaces an environment is told, and no
// other. What a plan then says is proven where there is something in the environment, by
// the acceptance test of Knative mode.
func TestReplacedBy(t *testing.T) {
	t.Parallel()
	replacing := 0
	for _, s := range target() {
		if s.Type != mlops.StringSetting {
			if s.Replace {
				t.Errorf("%s replaces an environment, and is no text, which alone is compared", s.Name)
			}
			continue
		}
		want := ""
		if s.Replace {
			want, replacing = s.Name, replacing+1
		}
		if got := replacedBy(mlops.Settings{s.Name: "one"}, mlops.Settings{s.Name: "two"}); got != want {
			t.Errorf("another %s: replaced by %q, want %q", s.Name, got, want)
		}
		if got := replacedBy(mlops.Settings{s.Name: "one"}, mlops.Settings{s.Name: "one"}); got != "" {
			t.Errorf("the same %s: replaced by %q", s.Name, got)
		}
	}
	if replacing == 0 {
		t.Error("nothing replaces an environment")
	}
}
