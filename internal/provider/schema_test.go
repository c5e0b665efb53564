package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// widest is how many attributes one group may have: the cost of an object grows
// with the square of its width.
const widest = 20

func schemas(t *testing.T) *tfprotov6.GetProviderSchemaResponse {
	t.Helper()
	resp, err := NewServer("test", testFactories()).GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, resp.Diagnostics)
	return resp
}

// walk visits every attribute with its dotted path.
func walk(at string, attributes []*tfprotov6.SchemaAttribute, visit func(path string, a *tfprotov6.SchemaAttribute)) {
	for _, a := range attributes {
		visit(at+"."+a.Name, a)
		if a.NestedType != nil {
			walk(at+"."+a.Name, a.NestedType.Attributes, visit)
		}
	}
}

func TestSchemaShape(t *testing.T) {
	t.Parallel()
	resp := schemas(t)
	// Promotions are no noun, and neither is lineage.
	if want := len(mlops.Nouns()) + 1; len(resp.ResourceSchemas) != want || len(resp.DataSourceSchemas) != want+1 {
		t.Errorf("%d resources and %d data sources for %d nouns", len(resp.ResourceSchemas), len(resp.DataSourceSchemas), len(mlops.Nouns()))
	}
	check := func(path string, a *tfprotov6.SchemaAttribute) {
		if a.Description == "" || !strings.HasSuffix(strings.TrimSpace(a.Description), ".") {
			t.Errorf("%s is described as %q: a sentence is wanted", path, a.Description)
		}
		if n := a.NestedType; n != nil {
			planned := !strings.HasPrefix(path, "data.")
			if n.Nesting == tfprotov6.SchemaObjectNestingModeSet || planned && n.Nesting == tfprotov6.SchemaObjectNestingModeList {
				t.Errorf("%s is a nested %s", path, n.Nesting)
			}
			if len(n.Attributes) > widest {
				t.Errorf("%s has %d attributes", path, len(n.Attributes))
			}
		}
	}
	walk("provider", resp.Provider.Block.Attributes, check)
	for name, s := range resp.ResourceSchemas {
		walk(name, s.Block.Attributes, check)
		if s.Version != 0 || len(s.Block.BlockTypes) > 0 {
			t.Errorf("%s has version %d and %d blocks", name, s.Version, len(s.Block.BlockTypes))
		}
	}
	for name, s := range resp.DataSourceSchemas {
		walk("data."+name, s.Block.Attributes, check)
	}
}

// A feature names an attribute that exists, or one of its values.
func TestFeaturesResolve(t *testing.T) {
	t.Parallel()
	paths := map[string]string{} // to description
	for name, s := range schemas(t).ResourceSchemas {
		walk(strings.TrimPrefix(name, typeName+"_"), s.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			paths[path] = a.Description
		})
	}
	for _, f := range mlops.Features() {
		path := string(f.Feature)
		description, ok := paths[path]
		if !ok {
			i := strings.LastIndexByte(path, '.')
			description, ok = paths[path[:i]]
			ok = ok && strings.Contains(description, "`"+path[i+1:]+"`")
		}
		if !ok {
			t.Errorf("%s names nothing in the schema", f.Feature)
		}
		if !strings.Contains(strings.ToLower(description), "available on") {
			t.Errorf("the docs of %s do not say where it is available: %q", f.Feature, description)
		}
	}
}

func TestIdentitySchemas(t *testing.T) {
	t.Parallel()
	resp, err := NewServer("test", testFactories()).GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range resp.IdentitySchemas {
		if s.Version != 0 || len(s.IdentityAttributes) != 1 || !s.IdentityAttributes[0].RequiredForImport {
			t.Errorf("identity of %s is %+v", name, s)
		}
	}
	if len(resp.IdentitySchemas) != len(mlops.Nouns())+1 {
		t.Errorf("%d identities for %d nouns", len(resp.IdentitySchemas), len(mlops.Nouns()))
	}
}

func TestExampleIDsParse(t *testing.T) {
	t.Parallel()
	for _, n := range mlops.Nouns() {
		if _, err := mlops.ID(exampleID(n)).ParseAs(n); err != nil {
			t.Errorf("the docs' example for %s: %v", n, err)
		}
	}
}

func TestGuide(t *testing.T) {
	t.Parallel()
	local := memoryFactory()
	local.Name = "local"
	g := guide{[]mlops.Factory{local, memoryFactory()}}
	tests := []struct{ name, got, want string }{
		{"everywhere", g.doc(mlops.FeaturePipelineScript, "Text."), "Text. Available on `local`, `memory`."},
		{"nowhere", g.doc(mlops.FeaturePipelineImage, "Text."), "Text. Available on no backend yet."},
		{"values", g.choices("model_version.format", []string{"onnx"}, "Text."), "Text. `onnx` is available on `local`, `memory`."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
}
