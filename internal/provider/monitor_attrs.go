package provider

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func monitorAttributes(g guide) attributes {
	all := attributes{
		"endpoint":    requiredText("ID of the endpoint that is watched. The monitor belongs to its environment. Changing it replaces the monitor."),
		"name":        requiredText("The monitor's name. Changing it replaces the monitor."),
		"description": description(),
		"labels":      labels(),
		"schedule": schema.SingleNestedAttribute{
			MarkdownDescription: "When the monitor looks.",
			Required:            true,
			Attributes: attributes{
				"cron":     requiredText("Five fields: minute, hour, day of month, month, day of week."),
				"timezone": optionalText("IANA name of the time zone that the fields are meant in, such as `Australia/Sydney`. Without it, UTC."),
				"enabled":  enabled("Whether the monitor looks by itself. Default: `true`."),
			},
		},
		"window":   duration("How far back each look reaches. Default: 24h."),
		"min_rows": atLeastOne("How many rows must be in the window for a check to be judged. Default: 100."),
		"baseline": baselineAttribute(g),
		"alerts": object("Who is told of a violation, and of its end.", attributes{
			"webhook_url": schema.StringAttribute{
				MarkdownDescription: g.doc(mlops.FeatureMonitorWebhook, "Gets a POST with the report as JSON. It is a secret: it is in no state and no plan, and the backend keeps it sealed. A change of it is noticed by `webhook_mark`. An imported monitor keeps the one that it has until a configuration says another, or leaves `alerts` out."),
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
			},
			"emails": textSet(g.doc(mlops.FeatureMonitorEmails, "Addresses that get a mail.")),
			"repeat": duration("How often a violation that lasts is told again. Default: 24h."),
		}),
		"on_violation": object(g.doc(mlops.FeatureMonitorRetraining, "The pipeline that a violation starts. The run that it makes is served by nobody until a configuration says so; see the guide on delivery."), attributes{
			"pipeline":   requiredText("ID of the pipeline, of the same environment."),
			"parameters": textMap("Value of parameters of the run, in text form."),
			"cooldown":   duration("Least time from one start to the next; a run that fails counts too. Default: 24h."),
			"max_per_month": schema.Int64Attribute{
				MarkdownDescription: "Most starts in a calendar month, UTC. Default: 4. With 0 it never starts.",
				Optional:            true,
			},
			"checks": textSet("Which checks start it. Default: all but `health`."),
		}),
		"overrides":    optionalJSON(g.doc(mlops.FeatureMonitorOverrides, "What only the platform has, merged into its own requests: a JSON object, by check; write it with `jsonencode`. Null removes a member. It does not carry over to other platforms.")),
		"problem":      computedText("Why the monitor does not do what it is asked for, such as a baseline that cannot be described, or an endpoint that serves another model than the one that could be explained; null while it does. The next apply tries to repair it in place."),
		"webhook_mark": computedText("A mark of `alerts.webhook_url` that changes when that does, and tells nothing else of it: a slow, truncated hash of it and the monitor's ID."),
	}
	maps.Copy(all, monitorChecks(g))
	return all
}

func baselineAttribute(g guide) schema.SingleNestedAttribute {
	return object("The data that live traffic is compared with. Exactly one of `dataset`, `run` and `uri` is given.", attributes{
		"dataset":    optionalText(g.doc(mlops.FeatureMonitorBaselineDataset, "ID of a dataset.")),
		"run":        optionalText(g.doc(mlops.FeatureMonitorBaselineRun, "ID of a pipeline run; `output` says which of its outputs.")),
		"output":     optionalText("Output of `run`: `step.output`, or the output alone where only one step has it."),
		"uri":        optionalText(g.doc(mlops.FeatureMonitorBaselineURI, "URI or path of a file.")),
		"format":     optionalText("`csv`, `jsonl` or `parquet`. Default: what the name of the file shows."),
		"features":   textList("Columns that are features, in the order of positional requests. Default: every column but `prediction` and `label`, in the order of the file."),
		"prediction": optionalText("Column that holds predictions. Default: `prediction`."),
		"label":      optionalText("Column that holds the truth, which is no feature."),
	})
}

func monitorChecks(g guide) attributes {
	drift := func(f mlops.Feature, what string, more attributes) schema.SingleNestedAttribute {
		members := attributes{
			"statistic": optionalText("What is computed: `psi` (population stability index), `ks` (Kolmogorov–Smirnov), `js` (Jensen–Shannon distance), `wasserstein` (in standard deviations of the baseline), `chi_square`, or `null_rate` (change of the share of nulls). Default: what fits the column."),
			"threshold": optionalNumber("The statistic's value from which on a feature has drifted. Default: that of the statistic."),
		}
		maps.Copy(members, more)
		return object(g.doc(f, what), members)
	}
	return attributes{
		"data_drift": drift(mlops.FeatureMonitorDataDrift, "Whether features still look as in the baseline.", attributes{
			"features":            textSet("Features to look at. Default: all."),
			"max_drifted_percent": optionalNumber("Most features that may drift before the check is violated, in percent. Default: 0."),
		}),
		"prediction_drift": drift(mlops.FeatureMonitorPredictionDrift, "Whether predictions still look as those in the baseline.", nil),
		"data_quality": object(g.doc(mlops.FeatureMonitorDataQuality, "How many values may violate the baseline's schema, by feature, in percent of the rows."), attributes{
			"max_missing_percent":  optionalNumber("Missing values, beyond the baseline's own share. Default: 0."),
			"max_type_percent":     optionalNumber("Values of another type. Default: 0."),
			"max_range_percent":    optionalNumber("Numbers beyond the baseline's least and greatest. Default: 0."),
			"max_category_percent": optionalNumber("Categories that the baseline lacks. Default: 0."),
		}),
		"model_quality": object(g.doc(mlops.FeatureMonitorModelQuality, "Whether predictions were right. The truth comes later, and is joined by the request's id."), attributes{
			"task":             requiredText("`classification` or `regression`."),
			"min":              numberMap("Least that a metric may be: `accuracy`, `precision`, `recall`, `f1`; `r2`."),
			"max":              numberMap("Most that a metric may be: `log_loss`; `rmse`, `mae`, `mape`."),
			"ground_truth_uri": optionalText("File of JSON lines `{\"request_id\": …, \"label\": …}`. Without it, what is posted to the endpoint's `/ground-truth`."),
			"positive":         optionalText("Label that counts as positive. Default: `1`."),
			"delay":            duration("How long the truth is waited for, before its absence is reported."),
		}),
		"bias": object(g.doc(mlops.FeatureMonitorBias, "Whether groups of rows fare alike."), attributes{
			"group":     requiredText("Feature that holds the group."),
			"statistic": requiredText("`demographic_parity_difference` or `disparate_impact` (difference and ratio of the shares of favourable predictions), or `equal_opportunity_difference` (of true-positive rates; needs `model_quality`)."),
			"threshold": schema.Float64Attribute{MarkdownDescription: "Most that groups may differ; for `disparate_impact` the least ratio.", Required: true},
			"favorable": optionalText("Prediction that counts as favourable. Default: `1`."),
		}),
		"explainability": object(g.doc(mlops.FeatureMonitorExplainability, "Whether predictions are owed to the same features as in the baseline: how these rank by their attributions (SHAP values) is compared."), attributes{
			"min_ndcg": optionalNumber("Least normalized discounted cumulative gain of the ranking, of the baseline's attributions: 1 is the same order, and features of large attributions weigh more. Default: 0.9."),
			"samples":  atLeastOne("How many synthetic rows the model is asked for to explain one row; more are slower and more exact. Default: what the platform chooses by the number of features."),
		}),
		"health": object(g.doc(mlops.FeatureMonitorHealth, "What the endpoint's traffic must keep to in the window."), attributes{
			"max_error_percent": optionalNumber("Most requests that may fail, in percent."),
			"max_p50":           duration("Longest median of the time that answers take."),
			"max_p95":           duration("Longest 95th percentile."),
			"max_p99":           duration("Longest 99th percentile."),
			"min_requests":      atLeastOne("Fewest requests."),
		}),
	}
}

type monitorModel struct {
	common

	Endpoint        *string              `tfsdk:"endpoint"`
	Name            *string              `tfsdk:"name"`
	Description     *string              `tfsdk:"description"`
	Labels          map[string]string    `tfsdk:"labels"`
	Schedule        *scheduleModel       `tfsdk:"schedule"`
	Window          *string              `tfsdk:"window"`
	MinRows         *int64               `tfsdk:"min_rows"`
	Baseline        *baselineModel       `tfsdk:"baseline"`
	DataDrift       *dataDriftModel      `tfsdk:"data_drift"`
	PredictionDrift *driftModel          `tfsdk:"prediction_drift"`
	DataQuality     *dataQualityModel    `tfsdk:"data_quality"`
	ModelQuality    *modelQualityModel   `tfsdk:"model_quality"`
	Bias            *biasModel           `tfsdk:"bias"`
	Explainability  *explainabilityModel `tfsdk:"explainability"`
	Health          *healthModel         `tfsdk:"health"`
	Overrides       *string              `tfsdk:"overrides"`
	Problem         *string              `tfsdk:"problem"`
	Alerts          *alertsModel         `tfsdk:"alerts"`
	OnViolation     *onViolationModel    `tfsdk:"on_violation"`
	WebhookMark     *string              `tfsdk:"webhook_mark"`
}

type baselineModel struct {
	Dataset    *string  `tfsdk:"dataset"`
	Run        *string  `tfsdk:"run"`
	Output     *string  `tfsdk:"output"`
	URI        *string  `tfsdk:"uri"`
	Format     *string  `tfsdk:"format"`
	Features   []string `tfsdk:"features"`
	Prediction *string  `tfsdk:"prediction"`
	Label      *string  `tfsdk:"label"`
}

type driftModel struct {
	Statistic *string  `tfsdk:"statistic"`
	Threshold *float64 `tfsdk:"threshold"`
}

type dataDriftModel struct {
	Statistic  *string  `tfsdk:"statistic"`
	Threshold  *float64 `tfsdk:"threshold"`
	Features   []string `tfsdk:"features"`
	MaxDrifted *float64 `tfsdk:"max_drifted_percent"`
}

type dataQualityModel struct {
	MaxMissing  *float64 `tfsdk:"max_missing_percent"`
	MaxType     *float64 `tfsdk:"max_type_percent"`
	MaxRange    *float64 `tfsdk:"max_range_percent"`
	MaxCategory *float64 `tfsdk:"max_category_percent"`
}

type modelQualityModel struct {
	Task        *string            `tfsdk:"task"`
	Min         map[string]float64 `tfsdk:"min"`
	Max         map[string]float64 `tfsdk:"max"`
	GroundTruth *string            `tfsdk:"ground_truth_uri"`
	Positive    *string            `tfsdk:"positive"`
	Delay       *string            `tfsdk:"delay"`
}

type biasModel struct {
	Group     *string  `tfsdk:"group"`
	Statistic *string  `tfsdk:"statistic"`
	Threshold *float64 `tfsdk:"threshold"`
	Favorable *string  `tfsdk:"favorable"`
}

type explainabilityModel struct {
	MinNDCG *float64 `tfsdk:"min_ndcg"`
	Samples *int64   `tfsdk:"samples"`
}

type healthModel struct {
	MaxErrorPercent *float64 `tfsdk:"max_error_percent"`
	MaxP50          *string  `tfsdk:"max_p50"`
	MaxP95          *string  `tfsdk:"max_p95"`
	MaxP99          *string  `tfsdk:"max_p99"`
	MinRequests     *int64   `tfsdk:"min_requests"`
}

type alertsModel struct {
	WebhookURL *string  `tfsdk:"webhook_url"`
	Emails     []string `tfsdk:"emails"`
	Repeat     *string  `tfsdk:"repeat"`
}

type onViolationModel struct {
	Pipeline    *string           `tfsdk:"pipeline"`
	Parameters  map[string]string `tfsdk:"parameters"`
	Cooldown    *string           `tfsdk:"cooldown"`
	MaxPerMonth *int64            `tfsdk:"max_per_month"`
	Checks      []string          `tfsdk:"checks"`
}
