package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// smFinding is what the job of a monitoring execution found.
type smFinding struct {
	failure    string // why it could not be made, or ""
	violations []Params
	samples    []Sample
}

// status is how an execution with the finding ends.
func (f smFinding) status() string {
	switch {
	case f.failure != "":
		return "Failed"
	case len(f.violations) > 0:
		return "CompletedWithViolations"
	}
	return "Completed"
}

// smJudge does what the jobs of model quality, bias and explainability do with what they measured:
// they hold it to the constraints, and send it to CloudWatch unless they are told not
// to. Jobs without ground truth fail (amazon-sagemaker-examples,
// model_quality_churn_sdk.ipynb).
func (w *World) smJudge(definition *smObject, word, schedule string, measured map[string]float64, at time.Time) smFinding {
	input := structure(definition.in, word+"JobInput")
	truth := text(structure(input, "GroundTruthS3Input"), "S3Uri")
	if word != "ModelExplainability" && !w.smAnyObject(truth+"/") {
		return smFinding{failure: fmt.Sprintf("AlgorithmError: there is no ground truth at %s to merge", truth)}
	}
	endpoint := smWatched(definition, word)
	var f smFinding
	switch word {
	case "ModelQuality":
		f = w.smJudgeQuality(definition, measured)
	case "ModelBias":
		f = w.smJudgeBias(definition, measured)
	case "ModelExplainability":
		f = w.smJudgeExplanations(definition, measured)
	default:
		return smFinding{failure: "ClientError: " + word + " is not measured in this simulation"}
	}
	app := structure(definition.in, word+"AppSpecification")
	if environment := structure(app, "Environment"); text(environment, "publish_cloudwatch_metrics") == "Disabled" {
		f.samples = nil
	}
	for i := range f.samples {
		f.samples[i].At = at
		maps.Copy(f.samples[i].Dimensions, map[string]string{"Endpoint": endpoint, "MonitoringSchedule": schedule})
	}
	return f
}

// smConstraint is one limit of a model's quality.
type smConstraint struct {
	Threshold float64 `json:"threshold"`
	Operator  string  `json:"comparison_operator"`
}

// smQualityMetrics are what is measured of each type of problem, and in which part of
// the constraints they are limited (developer guide, "Model quality metrics and Amazon
// CloudWatch monitoring"; the forms of constraints are those that users show).
func smQualityMetrics(problem string) (section string, metrics []string) {
	switch problem {
	case "Regression":
		return "regression_constraints", []string{"mae", "mse", "rmse", "r2"}
	case "BinaryClassification":
		return "binary_classification_constraints", []string{
			"recall", "precision", "accuracy", "true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate", "auc", "f0_5", "f1", "f2",
		}
	case "MulticlassClassification":
		return "multiclass_classification_constraints", []string{"accuracy", "weighted_recall", "weighted_precision", "weighted_f0_5", "weighted_f1", "weighted_f2"}
	}
	return "", nil
}

func (w *World) smJudgeQuality(definition *smObject, measured map[string]float64) smFinding {
	app := structure(definition.in, "ModelQualityAppSpecification")
	section, metrics := smQualityMetrics(text(app, "ProblemType"))
	if section == "" {
		return smFinding{failure: "ClientError: the type of problem is not given"}
	}
	if script := text(app, "RecordPreprocessorSourceUri"); script != "" && !w.smAnyObject(script) {
		return smFinding{failure: "ClientError: there is no script at " + script}
	}
	var sections map[string]json.RawMessage
	var limits map[string]smConstraint
	if failure := w.smConstraints(definition, "ModelQuality", &sections); failure != "" {
		return smFinding{failure: failure}
	}
	if err := json.Unmarshal(sections[section], &limits); err != nil {
		return smFinding{failure: "ClientError: the constraints have no " + section}
	}
	var f smFinding
	for _, metric := range slices.Sorted(maps.Keys(measured)) {
		value := measured[metric]
		if !slices.Contains(metrics, metric) {
			return smFinding{failure: metric + " is not measured of this type of problem"}
		}
		f.samples = append(f.samples, Sample{Namespace: "aws/sagemaker/Endpoints/model-metrics", Metric: metric, Dimensions: map[string]string{}, Value: value})
		limit, limited := limits[metric]
		if limited && breaches(Params{"Threshold": number64(limit.Threshold), "ComparisonOperator": limit.Operator}, value) {
			f.violations = append(f.violations, Params{
				"metric_name": metric, "constraint_check_type": limit.Operator,
				"description": fmt.Sprintf("Metric %s with %g was %s %g", metric, value, limit.Operator, limit.Threshold),
			})
		}
	}
	return f
}

// number64 is a number as requests hold it.
func number64(n float64) json.Number { return json.Number(fmt.Sprint(n)) }

// smConstraints reads a definition's constraints.
func (w *World) smConstraints(definition *smObject, word string, into any) (failure string) {
	uri := text(structure(structure(definition.in, word+"BaselineConfig"), "ConstraintsResource"), "S3Uri")
	return w.smJSON(uri, into)
}

func (w *World) smJSON(uri string, into any) (failure string) {
	bucket, key := smLocation(uri)
	content, ok := w.getObject(bucket, key)
	if !ok {
		return fmt.Sprintf("ClientError: there is nothing at %q", uri)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Sprintf("ClientError: %s cannot be read: %v", uri, err)
	}
	return ""
}

// smAnalysis is the configuration of a bias analysis (developer guide, "Parameters to
// Monitor Bias Drift").
type smAnalysis struct {
	Headers []string `json:"headers"`
	Label   string   `json:"label"`
	Values  []any    `json:"label_values_or_threshold"`
	Facet   []struct {
		Name   string `json:"name_or_index"`
		Values []any  `json:"value_or_threshold"`
	} `json:"facet"`
}

// fault says what a configuration lacks. Labels of JSON are named by the last header
// (amazon-sagemaker-examples, fairness_and_explainability_json).
func (a smAnalysis) fault() string {
	switch {
	case a.Label == "" || len(a.Values) == 0:
		return "ClientError: the analysis has no label, or not its positive values"
	case len(a.Headers) < 2:
		return "ClientError: the analysis has no headers"
	case len(a.Facet) == 0:
		return "ClientError: the analysis has no facet"
	}
	for _, f := range a.Facet {
		if !slices.Contains(a.Headers[:len(a.Headers)-1], f.Name) {
			return fmt.Sprintf("ClientError: Facet %q is not in the dataset's headers", f.Name)
		}
	}
	return ""
}

// smBiasReport is an analysis, and so also the constraints.
type smBiasReport struct {
	PostTraining struct {
		Label  string `json:"label"`
		Facets map[string][]struct {
			Value   string `json:"value_or_threshold"`
			Metrics []struct {
				Name  string  `json:"name"`
				Value float64 `json:"value"`
			} `json:"metrics"`
		} `json:"facets"`
	} `json:"post_training_bias_metrics"`
}

// limit is the worst value that is allowed, if any is.
func (r smBiasReport) limit(facet, value, metric string) (float64, bool) {
	for _, group := range r.PostTraining.Facets[facet] {
		for _, m := range group.Metrics {
			if group.Value == value && m.Name == metric {
				return m.Value, true
			}
		}
	}
	return 0, false
}

// smJudgeBias judges measurements that are named "facet's value/metric".
func (w *World) smJudgeBias(definition *smObject, measured map[string]float64) smFinding {
	input := structure(structure(definition.in, "ModelBiasJobInput"), "EndpointInput")
	if text(input, "FeaturesAttribute") == "" || text(input, "InferenceAttribute") == "" {
		return smFinding{failure: "ClientError: FeaturesAttribute and InferenceAttribute are required to read JSON"}
	}
	var config smAnalysis
	var limits smBiasReport
	for _, failure := range []string{
		w.smJSON(text(structure(definition.in, "ModelBiasAppSpecification"), "ConfigUri"), &config),
		w.smConstraints(definition, "ModelBias", &limits), config.fault(),
	} {
		if failure != "" {
			return smFinding{failure: failure}
		}
	}
	facet := config.Facet[0]
	var f smFinding
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		value, metric, _ := strings.Cut(name, "/")
		if len(facet.Values) > 0 && !slices.Contains(smTexts(facet.Values), value) {
			continue // is not compared
		}
		f.samples = append(f.samples, Sample{
			Namespace: "aws/sagemaker/Endpoints/bias-metrics", Metric: "bias_metric_" + metric, Value: measured[name],
			Dimensions: map[string]string{
				"BiasStage": "Post-Training", "Label": config.Headers[len(config.Headers)-1], "LabelValue": strings.Join(smTexts(config.Values), ","),
				"Facet": facet.Name, "FacetValue": value,
			},
		})
		if worst, limited := limits.limit(facet.Name, value, metric); limited && smBiased(metric, measured[name]) > smBiased(metric, worst) {
			f.violations = append(f.violations, Params{
				"facet": facet.Name, "facet_value": value, "metric_name": metric, "constraint_check_type": "bias_drift_check",
				"description": fmt.Sprintf("Value %g does not meet the constraint requirement", measured[name]),
			})
		}
	}
	return f
}

// smBiased is how far a metric is from no bias, which is 0, and 1 for a ratio
// (developer guide, "Bias Drift Violations").
func smBiased(metric string, value float64) float64 {
	if metric == "DI" {
		value--
	}
	return math.Abs(value)
}

func smTexts(values []any) []string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	return all
}
