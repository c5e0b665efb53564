package sagemaker

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestBiasConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		groups       []string
		favorable    string
		want, limits string
	}{
		{
			"two groups of numbers",
			[]string{"0", "1"},
			"",
			`{"facet":[{"name_or_index":"sex","value_or_threshold":[0]}],"headers":["age","sex","instances[*].label"],"label":"instances[*].label","label_values_or_threshold":[1],"version":"1.0"}`,
			`{"post_training_bias_metrics":{"facets":{"sex":[{"metrics":[{"description":"Disparate Impact (DI)","name":"DI","value":0.8}],"value_or_threshold":"0"}]},"label":"instances[*].label","label_value_or_threshold":"1"},"version":"1.0"}`,
		},
		{
			"three, by words",
			[]string{"f", "m", "x"},
			"yes",
			`{"facet":[{"name_or_index":"sex"}],"headers":["age","sex","instances[*].label"],"label":"instances[*].label","label_values_or_threshold":["yes"],"version":"1.0"}`,
			`{"post_training_bias_metrics":{"facets":{"sex":[` +
				`{"metrics":[{"description":"Disparate Impact (DI)","name":"DI","value":0.8}],"value_or_threshold":"f"},` +
				`{"metrics":[{"description":"Disparate Impact (DI)","name":"DI","value":0.8}],"value_or_threshold":"m"},` +
				`{"metrics":[{"description":"Disparate Impact (DI)","name":"DI","value":0.8}],"value_or_threshold":"x"}` +
				`]},"label":"instances[*].label","label_value_or_threshold":"yes"},"version":"1.0"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := monitorPlan{spec: bias(func(s *mlops.MonitorSpec) { s.Bias.Favorable = c.favorable }), kept: monitorKept{Groups: c.groups}}
			if diff := gocmp.Diff(c.want, string(p.biasConfig())); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(c.limits, string(p.biasConstraints())); diff != "" {
				t.Errorf("constraints (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBiasBounds proves that it does not matter which group comes first.
func TestBiasBounds(t *testing.T) {
	t.Parallel()
	for _, m := range biasMetrics() {
		if biasStatistic(m.short) != m.statistic || biasMetricOf(m.statistic) != m {
			t.Errorf("%+v is not found", m)
		}
	}
	if low, high := biasMetricOf("disparate_impact").bounds(0.8); low != 0.8 || high != 1.25 {
		t.Errorf("a ratio of 0.8 may be from %g to %g", low, high)
	}
	if low, high := biasMetricOf("equal_opportunity_difference").bounds(0.1); low != -0.1 || high != 0.1 {
		t.Errorf("a difference of 0.1 may be from %g to %g", low, high)
	}
	for _, s := range mlops.BiasStatistics() {
		if biasMetricOf(s).statistic != s {
			t.Errorf("Clarify's metric for %s is not known", s)
		}
	}
}

// TestClarifyPaths has AWS's own library find what Clarify is told of, in both forms
// of instances.
func TestClarifyPaths(t *testing.T) {
	t.Parallel()
	env, err := pyenvtest.Ensure(t.Context(), "jmespath==1.0.1")
	if err != nil {
		t.Fatal(err)
	}
	features := featuresPath([]string{"age", `co"lour & more`})
	for _, c := range []struct{ name, path, data, want string }{
		{"lists", features, `{"instances": [[31, "red"], [42, "blue"]]}`, `[[31, "red"], [42, "blue"]]`},
		{"objects", features, `{"instances": [{"age": 31, "co\"lour & more": "red"}, {"co\"lour & more": "blue", "age": 42}]}`, `[[31, "red"], [42, "blue"]]`},
		{"rows of a baseline", "instances[*]", string(instancesJSON([][]any{{31, "red"}, {nil, "blue"}})), `[[31, "red"], [null, "blue"]]`},
		{"a background", features, string(instancesJSON([][]any{{31, "red"}})), `[[31, "red"]]`},
		{"predictions", predictionPath, `{"predictions": [1, 0]}`, `[1, 0]`},
		{"labels", labelPath, `{"instances": [{"label": 1}, {"label": 0}]}`, `[1, 0]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const search = `import jmespath, json, sys; print(json.dumps(jmespath.search(sys.argv[1], json.loads(sys.argv[2]))))`
			if got := python(t, env, nil, "-c", search, c.path, c.data); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
