package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

var modulesRoot = filepath.Join("..", "..", "modules")

// TestExamplesModuleTests runs the modules' own tests, which apply them on the
// embedded engine, and proves that nothing is left.
func TestExamplesModuleTests(t *testing.T) {
	t.Parallel()
	for _, module := range folders(t, modulesRoot, 3) {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, "")
			w.CopyTree(modulesRoot, "modules")
			folder := "-chdir=modules/" + module
			w.Must(folder, "init")
			w.Must(folder, "test")
			w.NothingLeft()
		})
	}
}

// TestExamplesModules applies the examples of every module: apply, an empty
// plan, destroy, and nothing left. That of a cluster is TestAccKubernetes'.
func TestExamplesModules(t *testing.T) {
	t.Parallel()
	for _, module := range folders(t, modulesRoot, 3) {
		for _, example := range folders(t, filepath.Join(modulesRoot, module, "examples"), 1) {
			if example == kubernetesExample {
				continue
			}
			t.Run(module+"/"+example, func(t *testing.T) {
				t.Parallel()
				w := workspace(t, "")
				if example == sagemakerExample {
					w = onAWS(t, account(t, simulated.Config{Looks: 1}), "")
				}
				w.CopyTree(modulesRoot, "modules")
				folder := "-chdir=modules/" + module + "/examples/" + example
				w.Must(folder, "init")
				w.Must(folder, "apply", "-auto-approve")
				w.Must(folder, "plan", "-detailed-exitcode")
				w.Must(folder, "destroy", "-auto-approve")
				w.NothingLeft()
			})
		}
	}
}

// folders lists the folders of a folder, of which there must be some.
func folders(t *testing.T, root string, least int) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) < least {
		t.Fatalf("%s has %d folders, want %d", root, len(names), least)
	}
	return names
}
