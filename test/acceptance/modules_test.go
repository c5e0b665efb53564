package acceptance

import (
	"os"
	"path/filepath"
	"testing"
)

// TestExamplesModules runs the modules' own tests, which apply them on the
// embedded engine, and proves that nothing is left.
func TestExamplesModules(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "modules")
	modules, err := os.ReadDir(root)
	if err != nil || len(modules) < 3 {
		t.Fatalf("%d modules, %v", len(modules), err)
	}
	for _, m := range modules {
		t.Run(m.Name(), func(t *testing.T) {
			t.Parallel()
			w := workspace(t, "")
			w.CopyTree(root, "modules")
			folder := "-chdir=modules/" + m.Name()
			w.Must(folder, "init")
			w.Must(folder, "test")
			w.NothingLeft()
		})
	}
}
