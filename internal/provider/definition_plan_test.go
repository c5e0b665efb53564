package provider

import (
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// definedFactory is a backend as if it took pipelines in a language of its own.
func definedFactory() mlops.Factory {
	f := memoryFactory()
	f.Capabilities.Features = maps.Clone(f.Capabilities.Features)
	f.Capabilities.Features[mlops.FeaturePipelineDefinition] = mlops.Answer{Support: mlops.Native}
	return f
}

// definedConfig is a pipeline in the platform's own language; the definition may be
// unknown.
func definedConfig(definition any) obj {
	return obj{"environment": devID, "name": "train", "definition": definition}
}

// planDefined plans a pipeline from the state that an apply of a definition left;
// "" is none.
func planDefined(t *testing.T, former string, definition any) (was, planned map[string]tftypes.Value) {
	t.Helper()
	c := newCore(t, definedFactory())
	wantNoDiagnostics(t, c.configure(t, obj{}))
	kind := c.types["mlops_pipeline"]
	prior := dynamic(t, kind, nil)
	if former != "" {
		s := definedConfig(former)
		s["id"], s["native"] = devID+"/pipelines/train", obj{}
		s["version"] = mlops.PipelineSpec{Definition: former}.Version()
		prior = dynamic(t, kind, s)
		was = members(t, kind, prior)
	}
	resp := c.plan(t, "mlops_pipeline", prior, definedConfig(definition), nil)
	wantNoDiagnostics(t, resp.Diagnostics)
	return was, members(t, kind, resp.PlannedState)
}

func TestPlanOfDefinition(t *testing.T) {
	t.Parallel()
	const compact, spaced, other = `{"Version":"2020-12-01","Steps":[1,2]}`, "{\n  \"Steps\": [1, 2],\n  \"Version\": \"2020-12-01\"\n}", `{"Version":"2020-12-01","Steps":[2,1]}`
	tests := []struct {
		name, former string
		definition   any
		want         any // version: text, or unknown
		changes      bool
	}{
		{"new", "", compact, mlops.PipelineSpec{Definition: compact}.Version(), true},
		{"new and unknown", "", unknown{}, unknown{}, true},
		{"unknown now", compact, unknown{}, unknown{}, true},
		{"the same", compact, compact, mlops.PipelineSpec{Definition: compact}.Version(), false},
		{"written differently", compact, spaced, mlops.PipelineSpec{Definition: compact}.Version(), false},
		{"another", compact, other, mlops.PipelineSpec{Definition: other}.Version(), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			was, planned := planDefined(t, tt.former, tt.definition)
			if want := value(t, tftypes.String, tt.want); !planned["version"].Equal(want) {
				t.Errorf("planned version %s, want %s", planned["version"], want)
			}
			for name := range was {
				if changed := !planned[name].Equal(was[name]); changed && !tt.changes {
					t.Errorf("%s changes from %s to %s", name, was[name], planned[name])
				}
			}
		})
	}
}
