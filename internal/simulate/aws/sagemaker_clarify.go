package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// smClarifyImage is part of the name of Clarify's image (image_uri_config/clarify.json
// of sagemaker-python-sdk).
const smClarifyImage = "/sagemaker-clarify-processing:"

// smLongestPrefix is how long a prefix of shadow endpoints may be (developer guide,
// "Analysis Configuration Files").
const smLongestPrefix = 23

// smExplaining is the configuration of an analysis that explains a model (developer
// guide, "Parameters to Monitor Attribution Drift" and "Analysis Configuration
// Files").
type smExplaining struct {
	DatasetType string   `json:"dataset_type"`
	Features    string   `json:"features"`
	Headers     []string `json:"headers"`
	Methods     struct {
		SHAP *struct {
			Aggregation string `json:"agg_method"`
		} `json:"shap"`
	} `json:"methods"`
	Predictor struct {
		Model    string `json:"model_name"`
		Machine  string `json:"instance_type"`
		Count    int    `json:"initial_instance_count"`
		Prefix   string `json:"endpoint_name_prefix"`
		Content  string `json:"content_type"`
		Template string `json:"content_template"`
		Record   string `json:"record_template"`
	} `json:"predictor"`
}

// fault says what a configuration lacks.
func (e smExplaining) fault() string {
	p := e.Predictor
	switch {
	case e.Methods.SHAP == nil:
		return "ClientError: the analysis has no method shap"
	case len(e.Headers) == 0:
		return "ClientError: the analysis has no headers"
	case p.Model == "" || p.Machine == "" || p.Count < 1:
		return "ClientError: the predictor needs model_name, instance_type and initial_instance_count"
	case len(p.Prefix) > smLongestPrefix:
		return fmt.Sprintf("ClientError: endpoint_name_prefix %q is longer than %d", p.Prefix, smLongestPrefix)
	case p.Content == "application/json" && (!strings.Contains(p.Template, "$record") || p.Record == ""):
		return "ClientError: content_template and record_template are required for application/json"
	case !slices.Contains([]string{"", "mean_abs", "mean_sq", "median"}, e.Methods.SHAP.Aggregation):
		return fmt.Sprintf("ClientError: unknown agg_method %q", e.Methods.SHAP.Aggregation)
	}
	return ""
}

// smShadow says why Clarify cannot make the endpoint of its own that it asks.
func (w *World) smShadow(o *smObject, model string) string {
	c := &Call{Region: o.region, Account: smAccountOf(o.arn)}
	if _, err := w.find(c, smModel, model); err != nil {
		return fmt.Sprintf("ClientError: An error occurred (ValidationException) when calling the CreateEndpointConfig operation: %v", err)
	}
	return ""
}

// smClarified does the work of a processing job with Clarify's image, as far as it can
// be done without a model: it holds the configuration to what is documented, and
// makes up the attributions that a hook did not give.
func (w *World) smClarified(o *smObject, made map[string][]byte) (_ map[string][]byte, failure string) {
	if !strings.Contains(text(structure(o.in, "AppSpecification"), "ImageUri"), smClarifyImage) {
		return made, ""
	}
	sources := smSources(o)
	if sources["analysis_config"] == "" || sources["dataset"] == "" || smOutputs(o)["analysis_result"] == "" {
		return nil, "ClientError: Clarify needs the inputs analysis_config and dataset, and the output analysis_result"
	}
	if isolated, _ := structure(o.in, "NetworkConfig")["EnableNetworkIsolation"].(bool); isolated {
		return nil, "ClientError: Could not connect to the endpoint URL: EnableNetworkIsolation must be False"
	}
	var config smExplaining
	if failure := cmp.Or(w.smJSON(sources["analysis_config"], &config), config.fault()); failure != "" {
		return nil, failure
	}
	if config.DatasetType == "application/json" && config.Features == "" {
		return nil, "ClientError: features is required for application/json"
	}
	if failure := w.smShadow(o, config.Predictor.Model); failure != "" {
		return nil, failure
	}
	const report = "analysis_result/analysis.json"
	if made[report] != nil {
		return made, ""
	}
	out := maps.Clone(made)
	if out == nil {
		out = map[string][]byte{}
	}
	out[report] = smMadeUpAnalysis(config.Headers)
	return out, ""
}

// smMadeUpAnalysis is an analysis in the form that is documented ("Analysis Results"),
// in which each feature matters more than the next.
func smMadeUpAnalysis(headers []string) []byte {
	values := map[string]float64{}
	for i, h := range headers {
		values[h] = 1 / float64(i+1)
	}
	raw, err := json.Marshal(Params{"version": "1.0", "explanations": Params{"kernel_shap": Params{"label0": Params{"global_shap_values": values, "expected_value": 0.5}}}})
	if err != nil { // numbers and texts always have a form
		panic(err)
	}
	return raw
}

// smAttributions is an analysis, and so also the constraints.
type smAttributions struct {
	Explanations struct {
		SHAP map[string]struct {
			Global map[string]float64 `json:"global_shap_values"`
		} `json:"kernel_shap"`
	} `json:"explanations"`
}

// smLeastNDCG is below which a ranking is a violation (developer guide, "Model Feature
// Attribution Drift Violations").
const smLeastNDCG = 0.9

// smJudgeExplanations judges global SHAP values that are named by their features, of
// a model with one label.
func (w *World) smJudgeExplanations(definition *smObject, measured map[string]float64) smFinding {
	if text(structure(structure(definition.in, "ModelExplainabilityJobInput"), "EndpointInput"), "FeaturesAttribute") == "" {
		return smFinding{failure: "ClientError: FeaturesAttribute is required to read JSON"}
	}
	var config smExplaining
	var baseline smAttributions
	if failure := cmp.Or(
		w.smJSON(text(structure(definition.in, "ModelExplainabilityAppSpecification"), "ConfigUri"), &config), config.fault(),
		w.smConstraints(definition, "ModelExplainability", &baseline), w.smShadow(definition, config.Predictor.Model),
	); failure != "" {
		return smFinding{failure: failure}
	}
	const label = "label0" // the placeholder for one that has no header
	global := baseline.Explanations.SHAP[label].Global
	var f smFinding
	for _, feature := range slices.Sorted(maps.Keys(measured)) {
		if _, known := global[feature]; !known || !slices.Contains(config.Headers, feature) {
			return smFinding{failure: fmt.Sprintf("ClientError: %q is no feature of the baseline, or no header", feature)}
		}
		f.samples = append(f.samples, Sample{
			Namespace: "aws/sagemaker/Endpoints/explainability-metrics", Metric: "feature_" + feature, Value: measured[feature],
			Dimensions: map[string]string{"ExplainabilityMethod": "KernelShap", "Label": label, "ValueType": "GlobalShapValues"},
		})
	}
	if score := smNDCG(global, measured); score < smLeastNDCG {
		f.violations = append(f.violations, Params{
			"label": label, "metric_name": "shap", "constraint_check_type": "feature_attribution_drift_check",
			"description": fmt.Sprintf("Feature attribution drift %g exceeds threshold %g", score, smLeastNDCG),
		})
	}
	return f
}

// smNDCG is the normalized discounted cumulative gain of features that are ranked by
// their values now, where the gain of each is its value in the baseline.
func smNDCG(baseline, now map[string]float64) float64 {
	gain := func(by map[string]float64) float64 {
		features := slices.SortedFunc(maps.Keys(baseline), func(a, b string) int {
			return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
		})
		sum := 0.0
		for i, f := range features {
			sum += baseline[f] / math.Log2(float64(i)+2)
		}
		return sum
	}
	return gain(now) / gain(baseline)
}
