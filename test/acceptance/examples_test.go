package acceptance

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const protected = "deletion_protection = true"

// TestExamples applies every example as it is in the repository: apply, an
// empty plan, destroy, and nothing left.
func TestExamples(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "examples")
	folders := map[string]bool{}
	// The command lines at hand refuse a whole folder for an action in it. That the
	// actions of the examples exist is tested with the provider.
	actions := filepath.Join(root, "actions")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if path == actions || path == filepath.Join(root, sagemakerExample) { // TestExamplesSageMaker has that
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".tf") && !d.IsDir() {
			folders[filepath.Dir(path)] = true
		}
		return err
	})
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d examples, %v", len(folders), err)
	}
	for folder := range folders {
		name, err := filepath.Rel(root, folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryExample(t, folder)
		})
	}
}

func tryExample(t *testing.T, folder string) {
	t.Helper()
	w := workspace(t, "")
	text := w.CopyConfig(folder, func(name string) bool {
		// Import blocks are for objects that exist already; TestAccImport has that.
		return strings.HasPrefix(name, "import")
	})
	if modules := "../../modules/"; strings.Contains(text, modules) {
		w.CopyTree(modulesRoot, "modules")
		main, err := os.ReadFile(filepath.Join(folder, "main.tf"))
		if err != nil {
			t.Fatal(err)
		}
		w.Write("main.tf", strings.ReplaceAll(string(main), modules, "./modules/"))
	}
	if !strings.Contains(text, "required_providers") {
		w.Write("providers.tf", header)
	}
	w.Init()
	w.Apply()
	w.PlanIsEmpty()
	if strings.Contains(text, protected) {
		w.Run("destroy", "-auto-approve").Contains(t, "deletion_protection")
		w.Write("resource.tf", strings.ReplaceAll(text, protected, "deletion_protection = false"))
		w.Apply()
	}
	w.Destroy()
	w.NothingLeft()
}
