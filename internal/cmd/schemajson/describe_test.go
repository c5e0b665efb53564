package main

import (
	"bytes"
	"encoding/json"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/zclconf/go-cty/cty"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/provider"
)

// read prints the provider's schema and reads it back.
func read(t *testing.T) *tfjson.ProviderSchema {
	t.Helper()
	var out bytes.Buffer
	server := providerserver.NewProtocol6(provider.New("test", backend.All())())()
	if err := write(t.Context(), &out, server); err != nil {
		t.Fatal(err)
	}
	var schemas tfjson.ProviderSchemas
	if err := json.Unmarshal(out.Bytes(), &schemas); err != nil {
		t.Fatal(err)
	}
	schema, ok := schemas.Schemas[address]
	if !ok {
		t.Fatalf("no schema at %s", address)
	}
	return schema
}

func TestEveryNounIsPrinted(t *testing.T) {
	schema := read(t)
	for _, noun := range mlops.Nouns() {
		name := "mlops_" + string(noun)
		resource, ok := schema.ResourceSchemas[name]
		if !ok {
			t.Errorf("no resource %s", name)
			continue
		}
		if id := resource.Block.Attributes["id"]; id == nil || !id.Computed || !id.AttributeType.Equals(cty.String) {
			t.Errorf("%s: id is %+v, want a computed string", name, id)
		}
		if schema.DataSourceSchemas[name] == nil {
			t.Errorf("no data source %s", name)
		}
		if schema.ResourceIdentitySchemas[name] == nil {
			t.Errorf("no identity of %s", name)
		}
	}
}

func TestNestedAttributesKeepTheirNesting(t *testing.T) {
	variants := read(t).ResourceSchemas["mlops_model_endpoint"].Block.Attributes["variants"]
	nested := variants.AttributeNestedType
	if nested == nil || nested.NestingMode != tfjson.SchemaNestingModeMap {
		t.Fatalf("variants is %+v, want a map of objects", variants)
	}
	if scaling := nested.Attributes["scaling"]; scaling == nil || scaling.AttributeNestedType.NestingMode != tfjson.SchemaNestingModeSingle {
		t.Errorf("scaling is %+v, want one object", scaling)
	}
}

func TestFunctionsArePrinted(t *testing.T) {
	supports := read(t).Functions["supports"]
	if supports == nil || len(supports.Parameters) != 2 || !supports.ReturnType.Equals(cty.Bool) {
		t.Errorf("supports is %+v, want a function of two parameters to a boolean", supports)
	}
}

func TestActionsAndListsArePrinted(t *testing.T) {
	schema := read(t)
	run := schema.ActionSchemas["mlops_run_pipeline"]
	if run == nil || run.Block.Attributes["pipeline"] == nil || !run.Block.Attributes["pipeline"].Required {
		t.Errorf("mlops_run_pipeline is %+v, want an action of a pipeline", run)
	}
	if c := schema.EphemeralResourceSchemas["mlops_endpoint_credentials"]; c == nil || !c.Block.Attributes["token"].Sensitive {
		t.Errorf("mlops_endpoint_credentials is %+v, want a sensitive token", c)
	}
	for _, noun := range mlops.Nouns() {
		if l := schema.ListResourceSchemas["mlops_"+string(noun)]; l == nil || len(l.Block.Attributes) != 1 {
			t.Errorf("the list of %s is %+v, want one argument", noun, l)
		}
	}
}
