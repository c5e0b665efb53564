package kubernetes

import (
	"os"
	"strings"
	"testing"
)

// TestGuideHasTheCommands proves that the guide installs what plans ask for.
func TestGuideHasTheCommands(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../templates/guides/kubernetes.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range requirements() {
		if !strings.Contains(string(guide), "\n"+r.install+"\n") {
			t.Errorf("the guide does not install %s by %s", what, r.install)
		}
	}
}
