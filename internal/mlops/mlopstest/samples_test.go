package mlopstest

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestEveryFeatureHasASample(t *testing.T) {
	sampled := map[mlops.Feature]bool{}
	for _, s := range samples() {
		sampled[s.feature] = true
	}
	for _, doc := range mlops.Features() {
		if !sampled[doc.Feature] {
			t.Errorf("%s has no sample spec", doc.Feature)
		}
	}
}

func TestEveryNounIsDescribed(t *testing.T) {
	if got, want := len(nouns()), len(mlops.Nouns()); got != want {
		t.Fatalf("%d nouns are described, there are %d", got, want)
	}
	for i, name := range mlops.Nouns() {
		if nouns()[i].name != name {
			t.Errorf("noun %d is %s, want %s", i, nouns()[i].name, name)
		}
	}
}
