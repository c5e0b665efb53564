package internal_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leanTag leaves a page of gRPC's out that is written from a template.
const leanTag = "grpcnotrace"

// TestTheProgramIsLean proves that nothing in the program finds methods by names
// that the linker does not know. Were there something, the linker would keep
// every exported method of every type that is used: 33 MB that nobody calls.
func TestTheProgramIsLean(t *testing.T) {
	t.Parallel()
	neededBy, culprits := needs(t)
	if len(neededBy) == 0 {
		t.Fatal("the linker did not say what needs what: is -dumpdep another flag now?")
	}
	for _, c := range culprits {
		t.Errorf("%s finds methods by name; it is needed by %s", c, strings.Join(way(neededBy, c), ", by "))
	}
}

// needs links the program and returns, for each symbol of it, one that needs it,
// and which symbols find methods by name.
func needs(t *testing.T) (neededBy map[string]string, culprits []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", leanTag, "-ldflags", "-dumpdep", "-o", filepath.Join(t.TempDir(), "p"), "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	go func() { _ = writer.CloseWithError(cmd.Run()) }()
	neededBy = map[string]string{}
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20) // names of generic functions are long
	for lines.Scan() {
		by, what, _ := strings.Cut(lines.Text(), " -> ")
		name := symbol(what)
		if _, known := neededBy[name]; !known && name != "" {
			neededBy[name] = symbol(by)
		}
		if strings.Contains(what, "<ReflectMethod>") {
			culprits = append(culprits, name)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return neededBy, culprits
}

// symbol cuts off what the linker notes after a symbol's name.
func symbol(s string) string {
	name, _, _ := strings.Cut(s, " <")
	return name
}

// way lists what needs a symbol, up to the program itself.
func way(neededBy map[string]string, name string) []string {
	var out []string
	for by, ok := neededBy[name]; ok && !slices.Contains(out, by); by, ok = neededBy[by] {
		out = append(out, by)
	}
	return out
}

// TestLeanEverywhere proves that whatever builds the program builds it lean.
func TestLeanEverywhere(t *testing.T) {
	t.Parallel()
	for _, builder := range []string{"GNUmakefile", ".goreleaser.yml", "test/quickstart.sh", "test/tfcli/cli.go"} {
		text, err := os.ReadFile(filepath.Join("..", builder))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), leanTag) {
			t.Errorf("%s builds without the tag %s", builder, leanTag)
		}
	}
}
