package acceptance

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

const protected = "deletion_protection = true"

// TestExamples applies every example as it is in the repository: apply, an
// empty plan, destroy, and nothing left.
func TestExamples(t *testing.T) {
	t.Parallel()
	for name, folder := range exampleFolders(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryExample(t, workspace(t, ""), folder, func(text string) string { return text })
		})
	}
}

// exampleFolders are the folders of the examples for the embedded engine, by name.
func exampleFolders(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..", "examples")
	folders := map[string]string{}
	// The command lines at hand refuse a whole folder for an action in it. That the
	// actions of the examples exist is tested with the provider.
	actions := filepath.Join(root, "actions")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if path == actions || path == filepath.Join(root, sagemakerExample) || path == filepath.Join(root, kubernetesExample) { // which have tests of their own
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".tf") && !d.IsDir() {
			name, err := filepath.Rel(root, filepath.Dir(path))
			folders[name] = filepath.Dir(path)
			return err
		}
		return err
	})
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d examples, %v", len(folders), err)
	}
	return folders
}

// tryExample applies an example, rewritten for where it is to be.
func tryExample(t *testing.T, w *tfcli.Workspace, folder string, rewrite func(string) string) {
	t.Helper()
	text := w.CopyConfig(folder, func(name string) bool {
		// Import blocks are for objects that exist already; TestAccImport has that.
		return strings.HasPrefix(name, "import")
	})
	for _, name := range w.Configs() {
		w.Rewrite(name, rewrite)
	}
	if modules := "../../modules/"; strings.Contains(text, modules) {
		w.CopyTree(modulesRoot, "modules")
		w.Rewrite("main.tf", func(text string) string { return strings.ReplaceAll(text, modules, "./modules/") })
	}
	if !strings.Contains(text, "required_providers") {
		w.Write("providers.tf", header)
	}
	w.Init()
	w.Apply()
	w.PlanIsEmpty()
	if strings.Contains(text, protected) {
		w.Run("destroy", "-auto-approve").Contains(t, "deletion_protection")
		w.Rewrite("resource.tf", func(text string) string { return strings.ReplaceAll(text, protected, "deletion_protection = false") })
		w.Apply()
	}
	w.Destroy()
	w.NothingLeft()
}
