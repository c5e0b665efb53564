package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func memoryFactory() mlops.Factory { return memory.Factory() }

// planning is a core whose provider is configured.
func planning(t *testing.T) core {
	t.Helper()
	c := newCore(t)
	wantNoDiagnostics(t, c.configure(t, obj{}))
	return c
}

func plannedValue(t *testing.T, c core, resource, attribute string, resp *tfprotov6.PlanResourceChangeResponse) tftypes.Value {
	t.Helper()
	wantNoDiagnostics(t, resp.Diagnostics)
	return members(t, c.types[resource], resp.PlannedState)[attribute]
}

func TestPlanKnowsIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, resource string
		config         obj
		want           string // "" is unknown
	}{
		{"environment", "mlops_environment", obj{"name": "dev", "stage": "dev", "memory": obj{}}, "memory/dev"},
		{"environment with unknown labels", "mlops_environment", obj{"name": "dev", "stage": "dev", "memory": obj{}, "labels": unknown{}}, "memory/dev"},
		{"environment with an unknown name", "mlops_environment", obj{"name": unknown{}, "stage": "dev", "memory": obj{}}, ""},
		{"pipeline", "mlops_pipeline", pipelineConfig(nil), "memory/dev/pipelines/train"},
		{"pipeline with unknown steps", "mlops_pipeline", pipelineConfig(obj{"steps": unknown{}}), "memory/dev/pipelines/train"},
		{"model of an unknown environment", "mlops_model", obj{"environment": unknown{}, "name": "m"}, ""},
		{"endpoint", "mlops_model_endpoint", endpointConfig(nil), "memory/dev/endpoints/churn"},
		{"run", "mlops_pipeline_run", obj{"pipeline": devID + "/pipelines/train"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := planning(t)
			id := plannedValue(t, c, tt.resource, "id", c.plan(t, tt.resource, nil, tt.config, nil))
			if got := textOf(id); got != tt.want || id.IsKnown() != (tt.want != "") {
				t.Errorf("planned id %s, want %q", id, tt.want)
			}
		})
	}
}

func TestPlanForetellsVersion(t *testing.T) {
	t.Parallel()
	c := planning(t)
	version := plannedValue(t, c, "mlops_pipeline", "version", c.plan(t, "mlops_pipeline", nil, pipelineConfig(nil), nil))
	want := mlops.PipelineSpec{Steps: map[string]mlops.Step{"a": {Script: "print()"}}}.Version()
	if got := textOf(version); got != want {
		t.Errorf("planned version %q, want %q", got, want)
	}
	c = planning(t)
	steps := obj{"a": step(obj{"timeout": unknown{}})}
	version = plannedValue(t, c, "mlops_pipeline", "version", c.plan(t, "mlops_pipeline", nil, pipelineConfig(obj{"steps": steps}), nil))
	if version.IsKnown() {
		t.Errorf("the version of unknown steps is planned as %s", version)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	tests := []struct {
		name, resource string
		config         obj
		at             string
		words          []string
	}{
		{"name with spaces", "mlops_environment", obj{"name": "my dev", "stage": "dev", "memory": obj{}}, `AttributeName("name")`, []string{"not a valid name"}},
		{"name with emoji", "mlops_model", obj{"environment": devID, "name": "🙂"}, `AttributeName("name")`, []string{"not a valid name"}},
		{"long name", "mlops_model", obj{"environment": devID, "name": long}, `AttributeName("name")`, []string{"300 characters"}},
		{"backend that is not there", "mlops_model", obj{"environment": "sagemaker/us-east-1/dev", "name": "m"}, `AttributeName("environment")`, []string{"no backend", "memory"}},
		{"accelerator", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"accelerator": obj{"type": "x"}}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("compute").AttributeName("accelerator")`, []string{"Not available on memory", "leave accelerator out"}},
		{"image", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"image": "python:3"})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("image")`, []string{"Not available on memory"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := planning(t)
			wantDiagnostic(t, c.plan(t, tt.resource, nil, tt.config, nil).Diagnostics, tt.at, tt.words...)
		})
	}
}

// modelState is a model's state as an apply would leave it.
func modelState(t *testing.T, c core, name string) *tfprotov6.DynamicValue {
	t.Helper()
	return dynamic(t, c.types["mlops_model"], obj{
		"id": devID + "/models/" + name, "environment": devID, "name": name, "native": obj{}, "created_at": "2026-01-01T00:00:00Z",
	})
}

func TestClaims(t *testing.T) {
	t.Parallel()
	config := func(name string) obj { return obj{"environment": devID, "name": name} }
	const already = "Already managed by this configuration"

	t.Run("twice made", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics)
		wantDiagnostic(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics, "", already)
	})
	t.Run("made and had, in either order", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", modelState(t, c, "m"), config("m"), nil).Diagnostics)
		wantDiagnostic(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics, "", already)
		c = planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics)
		wantDiagnostic(t, c.plan(t, "mlops_model", modelState(t, c, "m"), config("m"), nil).Diagnostics, "", already)
	})
	t.Run("made and deleted", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", modelState(t, c, "m"), nil, nil).Diagnostics)
		wantDiagnostic(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics, "", already)
	})
	t.Run("replaced by itself", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		first := c.plan(t, "mlops_model", modelState(t, c, "m"), config("m"), nil)
		wantNoDiagnostics(t, first.Diagnostics)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config("m"), first.PlannedPrivate).Diagnostics)
	})
	t.Run("replaced by what another has", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", modelState(t, c, "n"), config("n"), nil).Diagnostics)
		first := c.plan(t, "mlops_model", modelState(t, c, "m"), config("n"), nil)
		wantNoDiagnostics(t, first.Diagnostics)
		if len(first.RequiresReplace) != 1 {
			t.Errorf("a new name requires replacement of %v", first.RequiresReplace)
		}
		wantDiagnostic(t, c.plan(t, "mlops_model", nil, config("n"), first.PlannedPrivate).Diagnostics, "", already)
	})
	t.Run("again in the next run", func(t *testing.T) {
		t.Parallel()
		c := planning(t)
		wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics)
		wantNoDiagnostics(t, c.configure(t, obj{}))
		wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config("m"), nil).Diagnostics)
	})
}

func TestPlanReplacesWhatTheBackendCannotChange(t *testing.T) {
	t.Parallel()
	f := memoryFactory()
	f.Capabilities.Replace = []mlops.Feature{"model.description", "pipeline.steps.script"}
	c := newCore(t, f)
	wantNoDiagnostics(t, c.configure(t, obj{}))
	resp := c.plan(t, "mlops_model", modelState(t, c, "m"), obj{"environment": devID, "name": "m", "description": "new"}, nil)
	wantNoDiagnostics(t, resp.Diagnostics)
	if len(resp.RequiresReplace) != 1 || resp.RequiresReplace[0].String() != `AttributeName("description")` {
		t.Errorf("RequiresReplace is %v", resp.RequiresReplace)
	}
}

func TestDifferAt(t *testing.T) {
	t.Parallel()
	kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"script": tftypes.String, "image": tftypes.String}}
	steps := func(v obj) map[string]tftypes.Value {
		return map[string]tftypes.Value{"steps": value(t, tftypes.Map{ElementType: kind}, v)}
	}
	prior := steps(obj{"a": obj{"script": "1", "image": "x"}})
	tests := []struct {
		name string
		now  map[string]tftypes.Value
		want bool
	}{
		{"same", steps(obj{"a": obj{"script": "1", "image": "x"}}), false},
		{"changed elsewhere", steps(obj{"a": obj{"script": "1", "image": "y"}}), false},
		{"changed there", steps(obj{"a": obj{"script": "2", "image": "x"}}), true},
		{"one more", steps(obj{"a": obj{"script": "1", "image": "x"}, "b": obj{"script": "3"}}), false},
		{"none", steps(obj{}), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := differAt(tt.now, prior, []string{"steps", "script"}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
