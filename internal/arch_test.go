// Package internal_test proves the rules of the house: which package may know
// which, who may wait, and what every backend's directory holds.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const module = "github.com/terraform-mlops/terraform-provider-mlops"

// rule is what the files of a directory may import, tests aside.
type rule struct {
	own []string // our packages, by path below internal/, with all below them
	// libraries lists other modules, by prefix. Nil allows any but the plugin
	// framework; empty allows the standard library alone.
	libraries []string
}

// ruleFor returns the rule of a directory, given by its path in the module.
// Directories are judged by the longest entry that they are or lie below.
func ruleFor(dir string) (rule, bool) {
	none := []string{}
	rules := map[string]rule{
		".":                          {own: []string{"provider", "backend", "driftjob", "engine"}},
		"internal/mlops":             {libraries: none},
		"internal/mlops/mlopstest":   {own: []string{"mlops"}, libraries: []string{"github.com/google/go-cmp"}},
		"internal/schedule":          {own: []string{"mlops"}, libraries: []string{"github.com/netresearch/go-cron"}},
		"internal/lifecycle":         {own: []string{"mlops"}, libraries: []string{"github.com/hashicorp/terraform-plugin-log"}},
		"internal/drift":             {libraries: []string{"gonum.org/v1/gonum"}},
		"internal/table":             {own: []string{"drift", "mlops"}},
		"internal/dataset":           {own: []string{"mlops", "table"}, libraries: none},
		"internal/checks":            {own: []string{"drift", "mlops", "table"}, libraries: none},
		"internal/driftjob":          {own: []string{"checks", "mlops", "table"}, libraries: []string{"github.com/prometheus/"}},
		"internal/retrain":           {own: []string{"mlops"}, libraries: none},
		"internal/engine":            {own: []string{"engine", "checks", "drift", "mlops", "retrain", "schedule", "table"}},
		"internal/engine/registry":   {own: []string{"dataset", "engine", "mlflow", "mlops", "schedule", "table"}}, // the only package of the engine that knows MLflow
		"internal/mlflow":            {own: []string{"mlops"}, libraries: none},
		"internal/mlflow/mlflowtest": {own: []string{"engine"}, libraries: none}, // its installer
		"internal/simulate":          {own: []string{"simulate"}},
		"internal/provider":          {own: []string{"provider", "lifecycle", "mlops", "schedule", "serve"}},
		"internal/serve":             {libraries: []string{"github.com/hashicorp/go-plugin", "google.golang.org/grpc"}},
		"internal/cmd":               {own: []string{"provider", "backend", "mlops"}},
		"internal/backend":           {own: []string{"backend", "mlops"}, libraries: none},
		"internal/backend/verbs":     {own: []string{"mlops"}, libraries: none},
		"internal/backend/memory":    {own: []string{"mlops"}, libraries: none},
		"internal/backend/local":     {own: []string{"mlops", "engine", "mlflow"}},
		"internal/backend/sagemaker": {own: []string{"backend/verbs", "dataset", "mlops", "table"}},
		"test":                       {own: []string{""}},
		"examples":                   {own: []string{""}},
	}
	rules["internal/backend/kubernetes"] = rule{own: []string{"backend/kubernetes", "backend/verbs", "dataset", "mlflow", "mlops", "retrain", "schedule"}}
	for ; ; dir = path.Dir(dir) {
		if r, ok := rules[dir]; ok {
			return r, true
		}
		if dir == "." || dir == "internal" || dir == "internal/backend" {
			return rule{}, false
		}
	}
}

// frameworks are the modules that tie code to Terraform.
func frameworks() []string {
	return []string{
		"github.com/hashicorp/terraform-plugin-framework",
		"github.com/hashicorp/terraform-plugin-go",
		"github.com/hashicorp/terraform-plugin-testing",
	}
}

// knowsTerraform lists the directories that may import a framework.
func knowsTerraform() []string { return []string{".", "internal/provider", "internal/cmd", "test"} }

func TestImports(t *testing.T) {
	for _, f := range sources(t) {
		if f.isTest {
			continue
		}
		r, ok := ruleFor(f.dir)
		if !ok {
			t.Errorf("%s: nothing says what %s may import; give it a rule", f.name, f.dir)
			continue
		}
		for _, imported := range f.imports {
			if !r.allows(imported) {
				t.Errorf("%s imports %s, which %s must not know", f.name, imported, f.dir)
			}
		}
	}
}

func (r rule) allows(imported string) bool {
	if own, ok := strings.CutPrefix(imported, module+"/internal/"); ok {
		return slices.ContainsFunc(r.own, func(p string) bool { return isUnder(own, p) })
	}
	first, _, _ := strings.Cut(imported, "/")
	isStandard := !strings.Contains(first, ".")
	return isStandard || r.libraries == nil || hasPrefix(imported, r.libraries)
}

func TestOnlyTheProviderKnowsTerraform(t *testing.T) {
	for _, f := range sources(t) {
		if slices.ContainsFunc(knowsTerraform(), func(d string) bool { return f.dir == d || d != "." && isUnder(f.dir, d) }) {
			continue
		}
		for _, imported := range f.imports {
			if hasPrefix(imported, frameworks()) {
				t.Errorf("%s imports %s; only the provider knows Terraform", f.name, imported)
			}
		}
	}
}

// shared is the directory below internal/backend that is no backend: what several
// of them do alike.
const shared = "verbs"

// TestBackendsStandAlone proves that a backend can be deleted with its line in
// the list: none knows another, and no SDK is known by two.
func TestBackendsStandAlone(t *testing.T) {
	user := map[string]string{} // SDK module to the backend that imports it
	for _, f := range sources(t) {
		name, ok := strings.CutPrefix(f.dir, "internal/backend/")
		if !ok || f.isTest || name == shared {
			continue
		}
		name, _, _ = strings.Cut(name, "/")
		for _, imported := range f.imports {
			if other, ok := strings.CutPrefix(imported, module+"/internal/backend/"); ok && other != shared && !isUnder(other, name) {
				t.Errorf("%s imports another backend, %s", f.name, imported)
			}
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || hasPrefix(imported, []string{module, "golang.org/x/"}) { // the latter are no SDKs
				continue
			}
			if other := user[imported]; other != "" && other != name {
				t.Errorf("%s is imported by the backends %s and %s", imported, other, name)
			}
			user[imported] = name
		}
	}
}

// TestNobodyElseWaits proves that neither backends nor the provider sleep: the
// lifecycle is the only code that waits for a platform.
func TestNobodyElseWaits(t *testing.T) {
	sleeps := []string{"Sleep", "After", "Tick", "NewTicker"}
	for _, f := range sources(t) {
		if f.isTest || !isUnder(f.dir, "internal/backend") && !isUnder(f.dir, "internal/provider") {
			continue
		}
		ast.Inspect(f.parse(t), func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(sleeps, call.Sel.Name) {
				t.Errorf("%s uses time.%s; waiting is the lifecycle's", f.name, call.Sel.Name)
			}
			return true
		})
	}
}

// TestNothingHappensByImport proves that no package does anything by being
// imported.
func TestNothingHappensByImport(t *testing.T) {
	for _, f := range sources(t) {
		for _, d := range f.parse(t).Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.name)
			}
		}
	}
}

// TestPackagesAreExplained proves that every package has a doc.go.
func TestPackagesAreExplained(t *testing.T) {
	dirs := map[string]bool{}
	for _, f := range sources(t) {
		if isUnder(f.dir, "internal") && !f.isTest {
			dirs[f.dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		doc, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if doc.Doc.Text() == "" {
			t.Errorf("%s/doc.go says nothing", dir)
		}
	}
}

// TestBackendsLookTheSame proves that every backend's directory holds the same
// files, and that its package comment has the same sections.
func TestBackendsLookTheSame(t *testing.T) {
	files := []string{"doc.go", "backend.go", "config.go", "capabilities.go", "errors.go", "backend_test.go"}
	for _, noun := range mlops.Nouns() {
		files = append(files, string(noun)+".go")
	}
	entries, err := os.ReadDir("backend")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || entry.Name() == shared {
			continue
		}
		for _, file := range files {
			if _, err := os.Stat(filepath.Join("backend", entry.Name(), file)); err != nil {
				t.Errorf("backend %s: %v", entry.Name(), err)
			}
		}
		wantSections(t, entry.Name())
	}
}

func wantSections(t *testing.T, backend string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("backend", backend, "doc.go"))
	if err != nil {
		return // reported already
	}
	at := 0
	for _, section := range []string{"Mapping", "Authentication", "Permissions", "Differences", "Overrides"} {
		i := strings.Index(string(text[at:]), "\n// # "+section+"\n")
		if i < 0 {
			t.Errorf("backend %s: doc.go lacks the section %s, or has it out of order", backend, section)
			continue
		}
		at += i
	}
}

// source is one Go file of the module.
type source struct {
	name    string // path in the module, with slashes
	dir     string
	isTest  bool
	imports []string
}

// sources reads every Go file of the module, for whichever platform.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != ".." && isForeign(p, d.Name()):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(p) != ".go":
			return nil
		}
		out = append(out, read(t, p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no sources found")
	}
	return out
}

// isForeign reports whether a directory is not of this module.
func isForeign(p, name string) bool {
	if strings.HasPrefix(name, ".") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	return err == nil
}

func read(t *testing.T, p string) source {
	t.Helper()
	name := filepath.ToSlash(strings.TrimPrefix(p, ".."+string(filepath.Separator)))
	s := source{name: name, dir: path.Dir(name), isTest: strings.HasSuffix(name, "_test.go")}
	file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		s.imports = append(s.imports, imported)
	}
	return s
}

// parse reads the whole file.
func (s source) parse(t *testing.T) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", filepath.FromSlash(s.name)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// isUnder reports whether a path is another or lies below it; all lie below "".
func isUnder(p, parent string) bool {
	return parent == "" || p == parent || strings.HasPrefix(p, parent+"/")
}

func hasPrefix(imported string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(imported, p) })
}
