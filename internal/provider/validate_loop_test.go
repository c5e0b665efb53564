package provider

import (
	"maps"
	"strings"
	"testing"
)

// refused is a configuration that must be refused, at a path, with words.
type refused struct {
	name   string
	config obj
	at     string
	words  []string
}

func testRefusals(t *testing.T, resource string, tests []refused) {
	t.Helper()
	t.Parallel()
	c := newCore(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantDiagnostic(t, c.validate(t, resource, tt.config), tt.at, tt.words...)
		})
	}
}

// attribute is the path of an attribute below the root.
func attribute(names ...string) string {
	return `AttributeName("` + strings.Join(names, `").AttributeName("`) + `")`
}

func TestValidateRefusesDelivery(t *testing.T) {
	rollout := func(r obj) obj { return endpointConfig(obj{"rollout": r}) }
	gates := func(g obj) obj { return rollout(obj{"strategy": "canary", "gates": g}) }
	testRefusals(t, "mlops_model_endpoint", []refused{
		{"unknown strategy", rollout(obj{"strategy": "blue-green"}), attribute("rollout", "strategy"), []string{`Did you mean "blue_green"`}},
		{"steps of blue_green", rollout(obj{"strategy": "blue_green", "steps": []any{10}}), attribute("rollout", "steps"), []string{`"canary"`}},
		{"no steps", rollout(obj{"strategy": "canary", "steps": []any{}}), attribute("rollout", "steps"), []string{"at least 1"}},
		{"steps that fall", rollout(obj{"strategy": "canary", "steps": []any{50, 10}}), attribute("rollout", "steps") + `.ElementKeyInt(1)`, []string{"10 follows 50"}},
		{"step of everything", rollout(obj{"strategy": "canary", "steps": []any{10, 100}}), attribute("rollout", "steps") + `.ElementKeyInt(1)`, []string{"1 to 99"}},
		{"two shares of copies", rollout(obj{"strategy": "shadow", "steps": []any{10, 50}}), attribute("rollout", "steps"), []string{"one step"}},
		{"increment of a canary", rollout(obj{"strategy": "canary", "increment": 10}), attribute("rollout", "increment"), []string{"linear"}},
		{"increment of everything", rollout(obj{"strategy": "linear", "increment": 100}), attribute("rollout", "increment"), []string{"1 to 99"}},
		{"no bake", rollout(obj{"strategy": "canary", "bake": "0s"}), attribute("rollout", "bake"), []string{"longer than nothing"}},
		{"keeping for less than nothing", rollout(obj{"strategy": "canary", "keep_previous": "-1m"}), attribute("rollout", "keep_previous"), nil},

		{"gates that are never judged", rollout(obj{"strategy": "all_at_once", "gates": obj{}}), attribute("rollout", "gates"), []string{"blue_green"}},
		{"gate that no share of errors passes", gates(obj{"max_error_percent": -1}), attribute("rollout", "gates", "max_error_percent"), []string{"0 to 100"}},
		{"gate that every share of errors passes", gates(obj{"max_error_percent": 101}), attribute("rollout", "gates", "max_error_percent"), []string{"0 to 100"}},
		{"gate that no latency passes", gates(obj{"max_p95": "0s"}), attribute("rollout", "gates", "max_p95"), []string{"longer than nothing"}},
		{"limits crossed", gates(obj{"max_p50": "300ms", "max_p99": "200ms"}), attribute("rollout", "gates", "max_p99"), []string{"max_p99 (200ms) is below max_p50 (300ms)"}},
		{"less than no request", gates(obj{"min_requests": -1}), attribute("rollout", "gates", "min_requests"), []string{"0 or more"}},
		{"smoke test that there is not", gates(obj{"smoke_test": true}), attribute("rollout", "gates", "smoke_test"), []string{"smoke_test; give the endpoint one"}},

		{"up that never comes", endpointConfig(obj{"schedule": obj{"up": "0 0 31 2 *", "down": "0 20 * * *"}}), attribute("schedule", "up"), []string{"never fires"}},
		{"down that is no time", endpointConfig(obj{"schedule": obj{"up": "0 7 * * *", "down": "at night"}}), attribute("schedule", "down"), []string{"Invalid schedule"}},
		{"time zone", endpointConfig(obj{"schedule": obj{"up": "0 7 * * *", "down": "0 20 * * *", "timezone": "Mars/Olympus"}}), attribute("schedule", "up"), []string{"Mars/Olympus"}},
		{"access", endpointConfig(obj{"access": "tokens"}), attribute("access"), []string{`Did you mean "token"`}},
	})
}

func TestValidateRefusesBudget(t *testing.T) {
	budget := func(b obj) obj {
		return obj{"name": "a", "stage": "dev", "memory": obj{}, "budget": b}
	}
	testRefusals(t, "mlops_environment", []refused{
		{"nothing to spend", budget(obj{"monthly_usd": 0}), attribute("budget", "monthly_usd"), []string{"above 0"}},
		{"alert at nothing", budget(obj{"monthly_usd": 100, "alert_percents": []any{0}}), attribute("budget", "alert_percents") + `.ElementKeyInt(0)`, []string{"1 to 1000"}},
		{"address", budget(obj{"monthly_usd": 100, "emails": []any{"ml oncall"}}), attribute("budget", "emails"), []string{"no e-mail address"}},
	})
}

func monitorConfig(more obj) obj {
	c := obj{
		"endpoint": devID + "/endpoints/churn", "name": "churn", "schedule": obj{"cron": "@hourly"},
		"health": obj{"max_error_percent": 1},
	}
	maps.Copy(c, more)
	return c
}

func TestValidateRefusesMonitors(t *testing.T) {
	with := monitorConfig
	baseline := obj{"dataset": devID + "/datasets/customers"}
	drift := func(d obj) obj { return with(obj{"baseline": baseline, "data_drift": d}) }
	quality := func(q obj) obj { return with(obj{"model_quality": q}) }
	bias := func(b obj) obj { return with(obj{"bias": b}) }
	then := func(o obj) obj { return with(obj{"on_violation": o}) }
	pipeline := devID + "/pipelines/train"
	testRefusals(t, "mlops_monitor", []refused{
		{"endpoint that is a model", with(obj{"endpoint": devID + "/models/m"}), attribute("endpoint"), []string{"Not a model endpoint"}},
		{"nothing to check", with(obj{"health": nil}), "", []string{"No checks"}},
		{"schedule", with(obj{"schedule": obj{"cron": "0 0 31 2 *"}}), attribute("schedule", "cron"), []string{"never fires"}},
		{"no window", with(obj{"window": "0s"}), attribute("window"), []string{"longer than nothing"}},
		{"no rows", with(obj{"min_rows": 0}), attribute("min_rows"), []string{"at least 1"}},

		{"drift from nothing", with(obj{"data_drift": obj{}}), attribute("data_drift"), []string{"give the monitor one"}},
		{"quality of nothing", with(obj{"data_quality": obj{}}), attribute("data_quality"), []string{"No baseline"}},
		{"two baselines", with(obj{"baseline": obj{"uri": "a.csv", "dataset": devID + "/datasets/a"}}), attribute("baseline"), []string{"exactly one"}},
		{"baseline that is a run without its output", with(obj{"baseline": obj{"run": pipeline + "/runs/1"}}), attribute("baseline", "output"), []string{"Missing output"}},
		{"baseline that is a model", with(obj{"baseline": obj{"dataset": devID + "/models/m"}}), attribute("baseline", "dataset"), []string{"Not a dataset"}},
		{"baseline in no format", with(obj{"baseline": obj{"uri": "a.xlsx", "format": "xlsx"}}), attribute("baseline", "format"), []string{"csv"}},
		{"unknown statistic", drift(obj{"statistic": "chi_squared"}), attribute("data_drift", "statistic"), []string{`Did you mean "chi_square"`}},
		{"threshold of no statistic", drift(obj{"threshold": 0.2}), attribute("data_drift", "threshold"), []string{"Threshold of what"}},
		{"threshold that is always crossed", drift(obj{"statistic": "psi", "threshold": 0}), attribute("data_drift", "threshold"), []string{"above 0"}},
		{"more features than all", drift(obj{"max_drifted_percent": 101}), attribute("data_drift", "max_drifted_percent"), []string{"0 to 100"}},
		{
			"feature that the baseline lacks",
			with(obj{"baseline": obj{"uri": "a.csv", "features": []any{"age"}}, "data_drift": obj{"features": []any{"aeg"}}}),
			attribute("data_drift", "features"),
			[]string{`Did you mean "age"`},
		},

		{"unknown task", quality(obj{"task": "ranking", "min": obj{"accuracy": 1}}), attribute("model_quality", "task"), []string{"classification"}},
		{"metric of the wrong task", quality(obj{"task": "regression", "min": obj{"accuracy": 0.9}}), attribute("model_quality", "min") + `.ElementKeyString("accuracy")`, []string{"for regression there is", "r2"}},
		{"metric on the wrong side", quality(obj{"task": "regression", "min": obj{"rmse": 0.9}}), attribute("model_quality", "min") + `.ElementKeyString("rmse")`, []string{"Unknown metric"}},
		{"quality without limits", quality(obj{"task": "regression"}), attribute("model_quality"), []string{"No limits"}},
		{"unknown statistic of bias", bias(obj{"group": "country", "statistic": "fairness", "threshold": 0.1}), attribute("bias", "statistic"), []string{"disparate_impact"}},
		{"bias that is always found", bias(obj{"group": "country", "statistic": "disparate_impact", "threshold": 0}), attribute("bias", "threshold"), []string{"above 0"}},
		{"bias by a truth that nobody tells", bias(obj{"group": "country", "statistic": "equal_opportunity_difference", "threshold": 0.1}), attribute("bias", "statistic"), []string{"No ground truth"}},
		{"explained by nothing", with(obj{"explainability": obj{}}), attribute("explainability"), []string{"give the monitor one"}},
		{"explained by half a row", with(obj{"explainability": obj{"samples": 0}}), attribute("explainability", "samples"), []string{"at least 1"}},
		{"gain that no ranking has", with(obj{"baseline": baseline, "explainability": obj{"min_ndcg": 2}}), attribute("explainability", "min_ndcg"), []string{"at most 1"}},
		{"overrides that are a list", with(obj{"overrides": "[]"}), attribute("overrides"), []string{"JSON object"}},
		{"health without limits", with(obj{"health": obj{}}), attribute("health"), []string{"No limits"}},

		{"webhook", with(obj{"alerts": obj{"webhook_url": "hooks.example.com"}}), attribute("alerts", "webhook_url"), []string{"http or https"}},
		{"address", with(obj{"alerts": obj{"emails": []any{"a@b, c@d"}}}), attribute("alerts", "emails"), []string{"no e-mail address"}},
		{"pipeline of another environment", then(obj{"pipeline": "memory/prod/pipelines/train"}), attribute("on_violation", "pipeline"), []string{"Another environment"}},
		{"pipeline that is a run", then(obj{"pipeline": pipeline + "/runs/1"}), attribute("on_violation", "pipeline"), []string{"Not a pipeline"}},
		{"fewer starts than none", then(obj{"pipeline": pipeline, "max_per_month": -1}), attribute("on_violation", "max_per_month"), []string{"0 or more"}},
		{"check that is not made", then(obj{"pipeline": pipeline, "checks": []any{"bias"}}), attribute("on_violation", "checks"), []string{"has no bias"}},
		{"unknown check", then(obj{"pipeline": pipeline, "checks": []any{"drift"}}), attribute("on_violation", "checks"), []string{"no check"}},
	})
}

func datasetConfig(more obj) obj {
	c := obj{"environment": devID, "name": "customers", "uri": "customers.csv"}
	maps.Copy(c, more)
	return c
}

func TestValidateRefusesDatasets(t *testing.T) {
	with := datasetConfig
	checks := func(k obj) obj { return with(obj{"checks": k}) }
	testRefusals(t, "mlops_dataset", []refused{
		{"environment that is a model", with(obj{"environment": devID + "/models/m"}), attribute("environment"), []string{"Not the ID of an environment"}},
		{"no source", with(obj{"uri": nil}), attribute("uri"), []string{"Missing source"}},
		{"two sources", with(obj{"run": devID + "/pipelines/p/runs/1", "output": "train"}), attribute("uri"), []string{"Two sources"}},
		{"run without its output", with(obj{"uri": nil, "run": devID + "/pipelines/p/runs/1"}), attribute("output"), []string{"Missing output"}},
		{"output of no run", with(obj{"output": "train"}), attribute("output"), []string{"Output without a run"}},
		{"run that is a pipeline", with(obj{"uri": nil, "run": devID + "/pipelines/p", "output": "train"}), attribute("run"), []string{"Not a pipeline run"}},
		{"format", with(obj{"format": "cvs"}), attribute("format"), []string{`Did you mean "csv"`}},
		{"name that shows no format", with(obj{"uri": "customers"}), attribute("format"), []string{"csv"}},
		{"type of a column", with(obj{"schema": obj{"age": obj{"type": "int"}}}), attribute("schema") + `.ElementKeyString("age").AttributeName("type")`, []string{"integer"}},

		{"bounds crossed", checks(obj{"min_rows": 10, "max_rows": 5}), attribute("checks", "max_rows"), []string{"no data can pass"}},
		{"values crossed", checks(obj{"columns": obj{"age": obj{"min": 80, "max": 18}}}), attribute("checks", "columns") + `.ElementKeyString("age").AttributeName("max")`, []string{"no value can pass"}},
		{"percentage", checks(obj{"max_missing_percent": 101}), attribute("checks", "max_missing_percent"), []string{"0 to 100"}},
		{"column twice", checks(obj{"unique": []any{"id", "id"}}), attribute("checks", "unique") + `.ElementKeyInt(1)`, []string{"twice"}},
		{
			"column that the schema lacks",
			with(obj{"schema": obj{"age": obj{"type": "integer"}}, "checks": obj{"columns": obj{"aeg": obj{"min": 1}}}}),
			attribute("checks", "columns") + `.ElementKeyString("aeg")`,
			[]string{`Did you mean "age"`},
		},
		{"what a failure does", checks(obj{"on_failure": "warning"}), attribute("checks", "on_failure"), []string{`"warn"`}},
	})
}

func TestValidateRefusesExperiments(t *testing.T) {
	testRefusals(t, "mlops_experiment", []refused{
		{"environment that is a model", obj{"environment": devID + "/models/m", "name": "e"}, attribute("environment"), []string{"Not the ID of an environment"}},
		{"empty name", obj{"environment": devID, "name": ""}, attribute("name"), []string{"at least 1"}},
		{"label", obj{"environment": devID, "name": "e", "labels": obj{"A B": "x"}}, attribute("labels") + `.ElementKeyString("A B")`, []string{"Invalid label"}},
	})
}

// What is not known yet is never refused for what it might be.
func TestValidateAcceptsTheLoop(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	tests := []struct {
		name, resource string
		config         obj
	}{
		{"unknown in a rollout", "mlops_model_endpoint", endpointConfig(obj{"smoke_test": unknown{}, "access": unknown{}, "rollout": obj{
			"strategy": unknown{}, "steps": []any{unknown{}, 10}, "increment": unknown{}, "bake": unknown{},
			"gates": obj{"max_p50": unknown{}, "max_p95": "1ms", "min_requests": unknown{}, "smoke_test": true},
		}})},
		{"unknown gates", "mlops_model_endpoint", endpointConfig(obj{"rollout": obj{"strategy": "all_at_once", "gates": unknown{}}})},
		{"unknown hours", "mlops_model_endpoint", endpointConfig(obj{"schedule": obj{"up": unknown{}, "down": unknown{}, "timezone": "Mars/Olympus"}})},
		{"unknown checks", "mlops_monitor", monitorConfig(obj{
			"endpoint": unknown{}, "baseline": unknown{}, "data_drift": unknown{}, "health": unknown{}, "alerts": unknown{}, "on_violation": unknown{},
		})},
		{"unknown in checks", "mlops_monitor", monitorConfig(obj{
			"baseline":       obj{"dataset": unknown{}, "features": []any{unknown{}}},
			"data_drift":     obj{"statistic": unknown{}, "threshold": 0.2, "features": []any{"age"}},
			"model_quality":  obj{"task": unknown{}, "min": obj{"r2": unknown{}}},
			"bias":           obj{"group": unknown{}, "statistic": unknown{}, "threshold": unknown{}},
			"explainability": obj{"min_ndcg": unknown{}, "samples": unknown{}},
			"overrides":      unknown{},
			"alerts":         obj{"webhook_url": unknown{}, "emails": []any{unknown{}}},
			"on_violation":   obj{"pipeline": unknown{}, "checks": []any{unknown{}}},
		})},
		{"unknown baseline of a run", "mlops_monitor", monitorConfig(obj{"baseline": obj{"run": unknown{}, "output": unknown{}}, "data_drift": obj{}})},
		{"unknown source of data", "mlops_dataset", datasetConfig(obj{"uri": unknown{}, "run": unknown{}, "output": unknown{}})},
		{"unknown rules for data", "mlops_dataset", datasetConfig(obj{
			"schema": unknown{}, "checks": obj{"min_rows": unknown{}, "max_rows": 1, "columns": obj{"age": obj{"min": unknown{}, "max": 1}}},
		})},
		{"unknown environment", "mlops_experiment", obj{"environment": unknown{}, "name": unknown{}, "labels": unknown{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantNoDiagnostics(t, c.validate(t, tt.resource, tt.config))
		})
	}
}
