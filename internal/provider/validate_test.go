package provider

import (
	"maps"
	"strings"
	"testing"
)

const devID = "memory/dev"

func step(more obj) obj {
	s := obj{"script": "print()"}
	maps.Copy(s, more)
	return s
}

func pipelineConfig(more obj) obj {
	c := obj{"environment": devID, "name": "train", "steps": obj{"a": step(nil)}}
	maps.Copy(c, more)
	return c
}

func endpointConfig(more obj) obj {
	c := obj{
		"environment": devID, "name": "churn",
		"variants": obj{"champion": obj{"version": devID + "/models/churn/versions/1", "traffic": 100}},
	}
	maps.Copy(c, more)
	return c
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	tests := []struct {
		name, resource string
		config         obj
		at             string
		words          []string
	}{
		{"no target", "mlops_environment", obj{"name": "a", "stage": "dev"}, "", []string{"memory"}},
		{"stage", "mlops_environment", obj{"name": "a", "stage": "pord", "memory": obj{}}, `AttributeName("stage")`, []string{`Did you mean "prod"`}},
		{"label", "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}, "labels": obj{"A B": "x"}}, `AttributeName("labels").ElementKeyString("A B")`, []string{"Invalid label"}},
		{"null label", "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}, "labels": obj{"a": nil}}, `AttributeName("labels")`, []string{"null"}},
		{"no duration", "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}, "retention": obj{"runs": "a week"}}, `AttributeName("retention").AttributeName("runs")`, []string{"a week"}},
		{"zero duration", "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}, "retention": obj{"runs": "0s"}}, `AttributeName("retention").AttributeName("runs")`, []string{"longer than nothing"}},
		{"empty name", "mlops_environment", obj{"name": "", "stage": "dev", "memory": obj{}}, `AttributeName("name")`, []string{"at least 1"}},

		{"unknown step in a template", "mlops_pipeline", pipelineConfig(obj{"steps": obj{
			"prepare": step(obj{"outputs": []any{"train"}}),
			"train":   step(obj{"inputs": obj{"x": "{{steps.prepar.outputs.train}}"}}),
		}}), `AttributeName("steps").ElementKeyString("train").AttributeName("inputs").ElementKeyString("x")`, []string{`Did you mean "prepare"`}},
		{"missing output", "mlops_pipeline", pipelineConfig(obj{"steps": obj{
			"prepare": step(obj{"outputs": []any{"train"}}),
			"train":   step(obj{"inputs": obj{"x": "{{steps.prepare.outputs.trian}}"}}),
		}}), `AttributeName("steps").ElementKeyString("train").AttributeName("inputs").ElementKeyString("x")`, []string{`Did you mean "train"`}},
		{"cycle", "mlops_pipeline", pipelineConfig(obj{"steps": obj{
			"a": step(obj{"after": []any{"b"}}), "b": step(obj{"after": []any{"a"}}),
		}}), `AttributeName("steps")`, []string{"ycle"}},
		{"condition", "mlops_pipeline", pipelineConfig(obj{"steps": obj{
			"a": step(obj{"outputs": []any{"metrics"}}), "b": step(obj{"when": []any{"{{steps.a.metrics.x}} > 1", "{{steps.a.metrics.x}} > high"}}),
		}}), `AttributeName("steps").ElementKeyString("b").AttributeName("when").ElementKeyInt(1)`, []string{`"high" is not a number`}},
		{"cycle by a condition", "mlops_pipeline", pipelineConfig(obj{"steps": obj{
			"a": step(obj{"after": []any{"b"}, "outputs": []any{"metrics"}}), "b": step(obj{"when": []any{"{{steps.a.metrics.x}} > 1"}}),
		}}), `AttributeName("steps").ElementKeyString("b").AttributeName("when").ElementKeyInt(0)`, []string{"ycle"}},
		{"script and command", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"command": []any{"true"}})}}), `AttributeName("steps").ElementKeyString("a")`, []string{"not both"}},
		{"output name", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"outputs": []any{"Not OK"}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("outputs")`, []string{"Not OK"}},
		{"memory", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"memory": "4"}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("compute").AttributeName("memory")`, []string{"4Gi"}},
		{"zero cpu", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"cpu": 0}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("compute").AttributeName("cpu")`, []string{"at least"}},
		{"cron that never fires", "mlops_pipeline", pipelineConfig(obj{"schedule": obj{"cron": "0 0 31 2 *"}}), `AttributeName("schedule").AttributeName("cron")`, []string{"never fires"}},
		{"time zone", "mlops_pipeline", pipelineConfig(obj{"schedule": obj{"cron": "@daily", "timezone": "Mars/Olympus"}}), `AttributeName("schedule").AttributeName("cron")`, []string{"Mars/Olympus"}},
		{"environment that is a model", "mlops_pipeline", pipelineConfig(obj{"environment": devID + "/models/m"}), `AttributeName("environment")`, []string{"Not the ID of an environment"}},
		{"environment without a backend", "mlops_pipeline", pipelineConfig(obj{"environment": "dev"}), `AttributeName("environment")`, []string{"no backend"}},
		{"type and ask", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"native": "ml.m5.large", "cpu": 2}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("compute").AttributeName("native")`, []string{"not both"}},
		{"disk", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"disk": "50 GB"}})}}), `AttributeName("steps").ElementKeyString("a").AttributeName("compute").AttributeName("disk")`, []string{"50 GB"}},
		{"neither steps nor definition", "mlops_pipeline", pipelineConfig(obj{"steps": nil}), `AttributeName("steps")`, []string{"at least one step"}},
		{"steps and definition", "mlops_pipeline", pipelineConfig(obj{"definition": "{}"}), `AttributeName("definition")`, []string{"not both"}},
		{"definition that is no JSON", "mlops_pipeline", definedConfig("{"), `AttributeName("definition")`, []string{"JSON"}},
		{"null step", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": nil}}), `AttributeName("steps")`, []string{"null"}},

		{"run of a model", "mlops_pipeline_run", obj{"pipeline": devID + "/models/m"}, `AttributeName("pipeline")`, []string{"Not a pipeline"}},

		{"two sources", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "run": "b", "output": "c", "format": "onnx"}, `AttributeName("artifact_uri")`, []string{"Two sources"}},
		{"no source", "mlops_model_version", obj{"model": devID + "/models/m", "format": "onnx"}, `AttributeName("artifact_uri")`, []string{"Missing source"}},
		{"format", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "sklaern"}, `AttributeName("format")`, []string{`Did you mean "sklearn"`}},
		{"signature", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "onnx", "signature": "{"}, `AttributeName("signature")`, []string{"JSON"}},
		{"alias", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "onnx", "aliases": []any{"A!"}}, `AttributeName("aliases")`, []string{"Invalid alias"}},

		{"no server", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "custom"}, `AttributeName("command")`, []string{"or the image of one"}},

		{"type and accelerator", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"a": obj{
			"version": devID + "/models/churn/versions/1", "traffic": 100, "compute": obj{"native": "ml.m5.large", "accelerator": obj{"type": "nvidia-l4"}},
		}}}), `AttributeName("variants").ElementKeyString("a").AttributeName("compute").AttributeName("native")`, []string{"not both"}},
		{"traffic", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{
			"a": obj{"version": devID + "/models/churn/versions/1", "traffic": 60},
			"b": obj{"version": devID + "/models/churn/versions/2", "traffic": 60},
		}}), `AttributeName("variants")`, []string{"sums to 120"}},
		{"not a version", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"a": obj{"version": devID + "/models/churn", "traffic": 100}}}), `AttributeName("variants").ElementKeyString("a").AttributeName("version")`, []string{"Not a model version"}},
		{"strategy", "mlops_model_endpoint", endpointConfig(obj{"rollout": obj{"strategy": "canari"}}), `AttributeName("rollout").AttributeName("strategy")`, []string{"all_at_once"}},
		{"sample", "mlops_model_endpoint", endpointConfig(obj{"capture": obj{"sample_percent": 101}}), `AttributeName("capture").AttributeName("sample_percent")`, []string{"0 to 100"}},
		{"smoke test", "mlops_model_endpoint", endpointConfig(obj{"smoke_test": obj{"request": "{}", "expect_status": 999}}), `AttributeName("smoke_test").AttributeName("expect_status")`, []string{"999"}},
		{"bounds", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"a": obj{
			"version": devID + "/models/churn/versions/1", "traffic": 100, "scaling": obj{"min": 3, "max": 2},
		}}}), `AttributeName("variants").ElementKeyString("a").AttributeName("scaling").AttributeName("max")`, []string{"min (3)"}},
	}
	for _, tt := range tests {
		t.Run(tt.resource+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			wantDiagnostic(t, c.validate(t, tt.resource, tt.config), tt.at, tt.words...)
		})
	}
}

// What is not known yet is never refused for what it might be.
func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	tests := []struct {
		name, resource string
		config         obj
	}{
		{"environment", "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}}},
		{"unknown target", "mlops_environment", obj{"name": unknown{}, "stage": unknown{}, "memory": unknown{}, "labels": unknown{}, "retention": unknown{}}},
		{"unknown steps", "mlops_pipeline", pipelineConfig(obj{"steps": unknown{}, "environment": unknown{}, "schedule": unknown{}})},
		{"unknown step", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": unknown{}, "b": step(obj{"inputs": obj{"x": "{{steps.a.outputs.y}}"}})}})},
		{"unknown in a step", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": obj{
			"script": unknown{}, "command": unknown{}, "packages": []any{unknown{}}, "inputs": obj{"x": unknown{}},
			"outputs": unknown{}, "compute": unknown{}, "retry": obj{"attempts": unknown{}}, "timeout": unknown{}, "cache": unknown{},
		}}})},
		{"unknown type beside an ask", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"native": unknown{}, "cpu": 2, "disk": unknown{}, "spot": unknown{}}})}})},
		{"type beside an unknown ask", "mlops_pipeline", pipelineConfig(obj{"steps": obj{"a": step(obj{"compute": obj{"native": "ml.m5.large", "cpu": unknown{}, "spot": true}})}})},
		{"definition", "mlops_pipeline", definedConfig("{}")},
		{"unknown definition", "mlops_pipeline", definedConfig(unknown{})},
		{"steps beside an unknown definition", "mlops_pipeline", pipelineConfig(obj{"definition": unknown{}})},
		{"unknown image", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "custom", "image": unknown{}}},
		{"image", "mlops_model_version", obj{"model": devID + "/models/m", "artifact_uri": "a", "format": "custom", "image": "registry.example.com/serve:1"}},
		{"unknown in a schedule", "mlops_pipeline", pipelineConfig(obj{"schedule": obj{"cron": unknown{}, "timezone": "Mars/Olympus"}})},
		{"unknown run", "mlops_pipeline_run", obj{"pipeline": unknown{}, "parameters": unknown{}, "triggers": obj{"x": unknown{}}}},
		{"unknown source", "mlops_model_version", obj{"model": unknown{}, "artifact_uri": unknown{}, "run": unknown{}, "format": unknown{}, "metrics": unknown{}, "aliases": unknown{}}},
		{"unknown variants", "mlops_model_endpoint", endpointConfig(obj{"variants": unknown{}, "rollout": unknown{}, "capture": unknown{}, "smoke_test": unknown{}})},
		{"unknown traffic", "mlops_model_endpoint", endpointConfig(obj{"variants": obj{"a": obj{"version": unknown{}, "traffic": unknown{}}, "b": obj{"version": unknown{}, "traffic": 60}}})},
		{"unknown timeouts", "mlops_model", obj{"environment": devID, "name": "m", "timeouts": unknown{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantNoDiagnostics(t, c.validate(t, tt.resource, tt.config))
		})
	}
}

func TestTwoTargets(t *testing.T) {
	t.Parallel()
	first := memoryFactory()
	second := memoryFactory()
	second.Name = "local"
	c := newCore(t, first, second)
	ds := c.validate(t, "mlops_environment", obj{"name": "a", "stage": "dev", "memory": obj{}, "local": obj{}})
	if len(ds) == 0 || !strings.Contains(ds[0].Detail, "local") {
		t.Errorf("two targets gave %v", ds)
	}
}
