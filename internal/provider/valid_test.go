package provider

import (
	"maps"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// TestValid proves which configurations the short cut accepts by itself. That the
// framework accepts them too is proven here and wherever a test validates anything.
func TestValid(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	rich := obj{
		"description": "what it is for", "labels": obj{"team": "ml"}, "deletion_protection": true,
		"rollout": obj{"strategy": "canary", "steps": []any{10, 50}, "bake": "2m", "gates": obj{"max_error_percent": 1.5, "max_p95": "300ms"}},
		"capture": obj{"sample_percent": 50}, "overrides": `{"a": 1}`,
		"variants": obj{"champion": obj{
			"version": devID + "/models/churn/versions/1", "traffic": 100, "compute": obj{"cpu": 0.5, "memory": "1Gi"},
			"scaling": obj{"min": 0, "max": 3, "target": obj{"concurrency": 8}}, "env": obj{"A": "b"}, "startup_timeout": "1m",
		}},
	}
	variant := func(more obj) obj {
		v := obj{"version": devID + "/models/churn/versions/1", "traffic": 100}
		maps.Copy(v, more)
		return obj{"variants": obj{"champion": v}}
	}
	for _, tt := range []struct {
		name, resource string
		config         obj
		want           bool
	}{
		{"endpoint", "mlops_model_endpoint", endpointConfig(nil), true},
		{"endpoint with all there is", "mlops_model_endpoint", endpointConfig(rich), true},
		{"pipeline", "mlops_pipeline", pipelineConfig(nil), true},
		{"version by one of two ways", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "onnx"}, true},
		{"an environment's settings", "mlops_environment", obj{"name": "dev", "stage": "dev", "memory": obj{}}, false},
		{"something unknown", "mlops_model_endpoint", endpointConfig(obj{"description": unknown{}}), false},
		{"timeouts", "mlops_model_endpoint", endpointConfig(obj{"timeouts": obj{"create": "1h"}}), false},
		{"nothing that is required", "mlops_model_endpoint", obj{"name": "churn"}, false},
		{"nothing that is required within", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"a": obj{"traffic": 100}}}), false},
		{"what only the platform says", "mlops_model_endpoint", endpointConfig(obj{"url": "http://a"}), false},
		{"an empty text", "mlops_model_endpoint", endpointConfig(obj{"description": ""}), false},
		{"no duration", "mlops_model_endpoint", endpointConfig(obj{"request_timeout": "soon"}), false},
		{"no time at all", "mlops_model_endpoint", endpointConfig(obj{"request_timeout": "0s"}), false},
		{"no quantity", "mlops_model_endpoint", endpointConfig(variant(obj{"compute": obj{"memory": "much"}})), false},
		{"no JSON", "mlops_model_endpoint", endpointConfig(obj{"overrides": "{"}), false},
		{"a number out of bounds", "mlops_model_endpoint", endpointConfig(obj{"smoke_test": obj{"request": "{}", "expect_status": 99}}), false},
		{"half of an integer", "mlops_model_endpoint", endpointConfig(variant(obj{"traffic": 99.5})), false},
		{"a null entry", "mlops_model_endpoint", endpointConfig(variant(obj{"env": obj{"A": nil}})), false},
		{"a null object", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"champion": nil}}), false},
		{"a null element", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"outputs": []any{nil}})}}), false},
		{"a rule of the domain", "mlops_model_endpoint", endpointConfig(variant(obj{"traffic": 99})), false},
		{"both of two ways", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "run": devID + "/pipelines/p/runs/1", "output": "o", "format": "onnx"}, false},
		{"an ID of another noun", "mlops_model_endpoint", endpointConfig(obj{"environment": devID + "/models/m"}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			diagnostics, short := c.validated(t, tt.resource, tt.config)
			if short != tt.want {
				t.Errorf("the short cut accepts it: %t, want %t; the answer is %v", short, tt.want, diagnostics)
			}
		})
	}
}

// TestValidTrustsNull proves what the short cut relies on: no resource minds an
// attribute that is not there and need not be. A configuration of nothing but nulls
// is refused by the framework for what is required, and for nothing else.
func TestValidTrustsNull(t *testing.T) {
	t.Parallel()
	p := &mlopsProvider{version: "test", factories: testFactories()}
	for _, construct := range p.Resources(t.Context()) {
		var s resource.SchemaResponse
		construct().Schema(t.Context(), resource.SchemaRequest{}, &s)
		wantCalmAboutNull(t, s.Schema.Attributes)
	}
}

func wantCalmAboutNull(t *testing.T, all attributes) {
	t.Helper()
	for name, a := range all {
		switch nested := a.(type) {
		case schema.SingleNestedAttribute:
			wantCalmAboutNull(t, nested.Attributes)
		case schema.MapNestedAttribute:
			wantCalmAboutNull(t, nested.NestedObject.Attributes)
		default:
			v, err := a.GetType().ValueFromTerraform(t.Context(), tftypes.NewValue(a.GetType().TerraformType(t.Context()), nil))
			if err != nil || !validLeaf(t.Context(), a, v) {
				t.Errorf("a validator of %s minds null", name)
			}
		}
	}
}

// decoder is a resource whose two ways to decode a configuration can be compared.
type decoder interface {
	decodesAlike(t *testing.T, raw *tfprotov6.DynamicValue)
}

// decodesAlike proves that what the short cut judges is what the framework would.
func (r *managed[M, S, T]) decodesAlike(t *testing.T, raw *tfprotov6.DynamicValue) {
	t.Helper()
	config, err := raw.Unmarshal(r.wire)
	if err != nil {
		t.Fatal(err)
	}
	want, unknown, diags := r.codec.decode(t.Context(), config)
	var got M
	if diags.HasError() || len(unknown) > 0 || !r.shapes.fillMembers(packedOf(raw), reflect.ValueOf(&got).Elem()) {
		t.Fatalf("it cannot be decoded: %v, unknown %v", diags, unknown)
	}
	if diff := cmp.Diff(r.toSpec(want), r.toSpec(got)); diff != "" {
		t.Errorf("decoded (-framework +short cut):\n%s", diff)
	}
}
