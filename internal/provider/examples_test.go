package provider

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// The command lines that apply the other examples cannot read those of actions
// and lists. These tests hold them to the schema instead.

func TestExamplesOfActions(t *testing.T) {
	t.Parallel()
	resp := schemas(t)
	for name, s := range resp.ActionSchemas {
		path := filepath.Join("..", "..", "examples", "actions", name, "action.tf")
		wantExample(t, path, "action", name, s.Schema)
	}
}

func TestExamplesOfLists(t *testing.T) {
	t.Parallel()
	resp := schemas(t)
	for name, s := range resp.ListResourceSchemas {
		path := filepath.Join("..", "..", "examples", "list-resources", name, "list-resource.tfquery.hcl")
		wantExample(t, path, "list", name, s)
	}
}

// wantExample expects a block of a type in a file, whose config has what the
// schema requires, and nothing that it does not know.
func wantExample(t *testing.T, path, block, name string, s *tfprotov6.Schema) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	if diags.HasErrors() {
		t.Errorf("%s: %v", path, diags)
		return
	}
	body, _ := file.Body.(*hclsyntax.Body)
	found := 0
	for _, b := range body.Blocks {
		if b.Type != block || b.Labels[0] != name {
			continue
		}
		found++
		for _, config := range b.Body.Blocks {
			wantAttributes(t, path, config.Body.Attributes, s.Block.Attributes)
		}
	}
	if found == 0 {
		t.Errorf("%s has no %s %q", path, block, name)
	}
}

func wantAttributes(t *testing.T, path string, given hclsyntax.Attributes, known []*tfprotov6.SchemaAttribute) {
	t.Helper()
	names := map[string]bool{}
	for _, a := range known {
		names[a.Name] = true
		if _, ok := given[a.Name]; a.Required && !ok {
			t.Errorf("%s leaves %s out", path, a.Name)
		}
	}
	for name := range given {
		if !names[name] {
			t.Errorf("%s has %s, which is none of %s", path, name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
}
