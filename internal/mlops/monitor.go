package mlops

import (
	"slices"
	"time"
)

// MonitorSpec is a standing check of an endpoint, with consequences. It belongs
// to the endpoint's environment. At least one kind of check is given.
type MonitorSpec struct {
	Endpoint    ID                `json:"endpoint"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
	Schedule    Schedule          `json:"schedule"`
	Window      Duration          `json:"window,omitempty"`   // how far back each check looks; default 24h
	MinRows     int64             `json:"min_rows,omitempty"` // fewer rows in the window are not judged; default 100
	Baseline    *Baseline         `json:"baseline,omitempty"` // what data_drift, prediction_drift, data_quality and explainability compare with

	DataDrift       *DriftCheck          `json:"data_drift,omitempty"`
	PredictionDrift *DriftCheck          `json:"prediction_drift,omitempty"`
	DataQuality     *DataQualityCheck    `json:"data_quality,omitempty"`
	ModelQuality    *ModelQualityCheck   `json:"model_quality,omitempty"`
	Bias            *BiasCheck           `json:"bias,omitempty"`
	Explainability  *ExplainabilityCheck `json:"explainability,omitempty"`
	Health          *HealthCheck         `json:"health,omitempty"`

	Overrides   string       `json:"overrides,omitempty"` // JSON, merged into the platform's own requests
	Alerts      *Alerts      `json:"alerts,omitempty"`
	OnViolation *OnViolation `json:"on_violation,omitempty"`
}

// Values of a monitor where it is silent.
const (
	DefaultWindow    = 24 * time.Hour
	DefaultMinRows   = 100
	DefaultCooldown  = 24 * time.Hour
	DefaultPerMonth  = 4
	DefaultPredicted = "prediction" // column of a baseline that holds predictions
	DefaultNDCG      = 0.9
)

// Baseline is the data that live traffic is compared with: a dataset, or a
// run's output, or a file. Its columns are the features; Features and
// Prediction say which, where that is not all of them.
type Baseline struct {
	Dataset    ID       `json:"dataset,omitempty"`
	Run        ID       `json:"run,omitempty"`
	Output     string   `json:"output,omitempty"` // of Run: "step.output", or the output alone
	URI        string   `json:"uri,omitempty"`
	Format     string   `json:"format,omitempty"`     // one of DatasetFormats; empty goes by the file's name
	Features   []string `json:"features"`             // columns, in the order of positional requests; empty is every column but Prediction and Label
	Prediction string   `json:"prediction,omitempty"` // column with predictions; default "prediction"
	Label      string   `json:"label,omitempty"`      // column with the truth, which is no feature
}

// DriftCheck compares a distribution with the baseline's.
type DriftCheck struct {
	Statistic string   `json:"statistic,omitempty"` // one of DriftStatistics; empty lets the column's type decide
	Threshold *float64 `json:"threshold,omitempty"` // of the statistic; default that of the statistic
	Features  []string `json:"features"`            // default all; data_drift only
	// MaxDrifted is the percentage of features that may drift before the check is
	// violated; nil is 0: any.
	MaxDrifted *float64 `json:"max_drifted_percent,omitempty"`
}

// DriftStatistics lists the statistics of a DriftCheck: population stability
// index, Kolmogorov–Smirnov, Jensen–Shannon distance, Wasserstein distance in
// standard deviations of the baseline, chi-square, and the change of the share
// of nulls.
func DriftStatistics() []string {
	return []string{"psi", "ks", "js", "wasserstein", "chi_square", "null_rate"}
}

// DataQualityCheck bounds how many values may violate the baseline's schema, in
// percent of the rows, by feature. Nil is 0.
type DataQualityCheck struct {
	MaxMissingPercent  *float64 `json:"max_missing_percent,omitempty"`  // absent or null, beyond the baseline's own share
	MaxTypePercent     *float64 `json:"max_type_percent,omitempty"`     // of another type
	MaxRangePercent    *float64 `json:"max_range_percent,omitempty"`    // outside the baseline's least and greatest
	MaxCategoryPercent *float64 `json:"max_category_percent,omitempty"` // a category that the baseline lacks
}

// ModelQualityCheck compares predictions with the truth, which comes later and
// is joined by request id.
type ModelQualityCheck struct {
	Task        string             `json:"task"`                       // one of QualityTasks
	GroundTruth string             `json:"ground_truth_uri,omitempty"` // file or folder of JSON lines {"request_id": …, "label": …}; an array of labels where a request has several instances. Empty: what is posted to the endpoint's /ground-truth
	Min         map[string]float64 `json:"min"`                        // least that a metric may be: accuracy, precision, recall, f1, r2
	Max         map[string]float64 `json:"max"`                        // most that a metric may be: rmse, mae, mape, log_loss
	Positive    string             `json:"positive,omitempty"`         // label that counts as positive; default "1"
	Delay       Duration           `json:"delay,omitempty"`            // how long the truth of a request is waited for, before its absence counts; default: not at all
}

// QualityTasks lists what a model may be judged as.
func QualityTasks() []string { return []string{"classification", "regression"} }

// QualityMetrics lists the metrics of a task. Those with Max are better when
// small.
func QualityMetrics(task string) (minimum, maximum []string) {
	if task == "regression" {
		return []string{"r2"}, []string{"rmse", "mae", "mape"}
	}
	return []string{"accuracy", "precision", "recall", "f1"}, []string{"log_loss"}
}

// BiasCheck compares outcomes between groups of rows.
type BiasCheck struct {
	Group     string  `json:"group"`               // feature that holds the group
	Statistic string  `json:"statistic"`           // one of BiasStatistics
	Threshold float64 `json:"threshold"`           // most that groups may differ; for disparate_impact the least ratio
	Favorable string  `json:"favorable,omitempty"` // prediction that counts as favourable; default "1"
}

// BiasStatistics lists the statistics of a BiasCheck: the difference and the
// ratio of the shares of favourable predictions between the groups that have
// the least and the most, and the difference of true-positive rates, which
// needs model_quality.
func BiasStatistics() []string {
	return []string{"demographic_parity_difference", "disparate_impact", "equal_opportunity_difference"}
}

// ExplainabilityCheck compares what the model's predictions are owed to: how the
// features rank by their attributions (SHAP values) in the window, with how they do
// in the baseline.
type ExplainabilityCheck struct {
	// MinNDCG is the least normalized discounted cumulative gain of the ranking in
	// the window, of the baseline's attributions: 1 is the same order, and features of
	// large attributions weigh more; default DefaultNDCG.
	MinNDCG *float64 `json:"min_ndcg,omitempty"`
	Samples int64    `json:"samples,omitempty"` // synthetic rows for each row that is explained; 0 lets the platform choose by the number of features
}

// HealthCheck bounds what the endpoint's traffic shows.
type HealthCheck struct {
	MaxErrorPercent *float64 `json:"max_error_percent,omitempty"`
	MaxP50          Duration `json:"max_p50,omitempty"`
	MaxP95          Duration `json:"max_p95,omitempty"`
	MaxP99          Duration `json:"max_p99,omitempty"`
	MinRequests     int64    `json:"min_requests,omitempty"` // least in the window
}

// Alerts says who learns of a violation, and of its end.
type Alerts struct {
	// WebhookURL receives a POST with the report. It may hold a secret: a backend
	// keeps it sealed, and never gives it back.
	WebhookURL string   `json:"webhook_url,omitempty"`
	Emails     []string `json:"emails"`
	// Mark is a mark of WebhookURL that tells whether it changed, and tells
	// nothing else.
	Mark string `json:"webhook_mark,omitempty"`
	// Repeat is how often a violation that lasts is told again; default 24h.
	Repeat Duration `json:"repeat,omitempty"`
}

// OnViolation starts a pipeline when the monitor is violated.
type OnViolation struct {
	Pipeline    ID                `json:"pipeline"`
	Parameters  map[string]string `json:"parameters"`
	Cooldown    Duration          `json:"cooldown,omitempty"`      // from one start to the next; default 24h
	MaxPerMonth *int64            `json:"max_per_month,omitempty"` // starts in a calendar month, UTC; default 4
	Checks      []string          `json:"checks"`                  // which checks start it; default all but health
}

// MonitorStatus is what the platform owns of a monitor.
type MonitorStatus struct {
	State MonitorState `json:"state"`
	Since time.Time    `json:"since,omitzero"` // of State
	// LastViolated is the time of the last check that found a violation; zero if
	// none ever did.
	LastViolated time.Time `json:"last_violated,omitzero"`

	LastReport *MonitorReport `json:"last_report,omitempty"`
	NextCheck  time.Time      `json:"next_check,omitzero"`
	Alerts     AlertsStatus   `json:"alerts"`
	Retraining Retraining     `json:"retraining"`
	Baseline   BaselineStatus `json:"baseline"`
	// ToldAt is when somebody was last told of a violation that lasts; zero where
	// nobody was, or it is over.
	ToldAt time.Time `json:"told_at,omitzero"`
}

// MonitorState is how a monitor finds its endpoint.
type MonitorState string

// The states of a monitor.
const (
	MonitorWaiting  MonitorState = "waiting"  // no check yet
	MonitorOK       MonitorState = "ok"       // no check is violated
	MonitorViolated MonitorState = "violated" //
	MonitorNoData   MonitorState = "no_data"  // too few rows to judge any check
	MonitorBroken   MonitorState = "broken"   // the last check could not be made; the report's reason says why
)

// AlertsStatus is how the telling went.
type AlertsStatus struct {
	LastSent time.Time `json:"last_sent,omitzero"`
	Pending  int64     `json:"pending"`              // alerts that wait to be tried again
	LastFail string    `json:"last_error,omitempty"` // of the last one that could not be delivered
}

// Retraining is how the pipeline of on_violation stands.
type Retraining struct {
	State       RetrainingState `json:"state"`
	LastRun     ID              `json:"last_run,omitempty"`
	LastAt      time.Time       `json:"last_at,omitzero"`
	ThisMonth   int64           `json:"this_month"`            // starts in this calendar month
	NextAllowed time.Time       `json:"next_allowed,omitzero"` // zero is now
	Reason      string          `json:"reason,omitempty"`
}

// RetrainingState is how the pipeline of on_violation stands.
type RetrainingState string

// The states of retraining.
const (
	RetrainingIdle     RetrainingState = "idle"
	RetrainingRunning  RetrainingState = "running"
	RetrainingDone     RetrainingState = "succeeded"
	RetrainingFailed   RetrainingState = "failed"
	RetrainingCooling  RetrainingState = "cooling_down" // a violation was seen, and it is too soon
	RetrainingExceeded RetrainingState = "cap_reached"  // a violation was seen, and the month's starts are used up
)

// BaselineStatus is what a baseline was found to be.
type BaselineStatus struct {
	Digest   string   `json:"digest,omitempty"` // of its bytes
	Rows     int64    `json:"rows"`
	Features []string `json:"features"`
}

// MonitorReport is the outcome of one check of a monitor. On the embedded
// engine it is also a file, as JSON.
type MonitorReport struct {
	Monitor ID                     `json:"monitor"`
	At      time.Time              `json:"at"`
	From    time.Time              `json:"from"` // the window
	Until   time.Time              `json:"until"`
	Rows    int64                  `json:"rows"` // instances in the window
	State   MonitorState           `json:"state"`
	Reason  string                 `json:"reason,omitempty"` // one line for people
	Checks  map[string]CheckReport `json:"checks"`           // by kind, as the attributes are named
	URI     string                 `json:"uri,omitempty"`    // where the report is kept
}

// CheckReport is the outcome of one kind of check.
type CheckReport struct {
	State    MonitorState    `json:"state"` // ok, violated, no_data or broken
	Reason   string          `json:"reason,omitempty"`
	Rows     int64           `json:"rows"`
	Features []FeatureReport `json:"features"` // or metrics, or groups
}

// FeatureReport is one figure of a check.
type FeatureReport struct {
	Name      string   `json:"name"`      // of the feature, metric or group
	Statistic string   `json:"statistic"` // what Value is
	Value     *float64 `json:"value,omitempty"`
	PValue    *float64 `json:"p_value,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	Violated  bool     `json:"violated"`
	Reason    string   `json:"reason,omitempty"` // why it is violated, or was not judged
}

// MonitorChecks lists the kinds of check, as the attributes are named.
func MonitorChecks() []string {
	return []string{"data_drift", "prediction_drift", "data_quality", "model_quality", "bias", "explainability", "health"}
}

// ID returns the monitor's ID, empty while the endpoint is unknown.
func (s MonitorSpec) ID() ID {
	if s.Endpoint == "" {
		return ""
	}
	return s.Endpoint.Environment().Child(NounMonitor, s.Name)
}

// Checks lists the kinds of check that the monitor makes.
func (s MonitorSpec) Checks() []string {
	has := map[string]bool{
		"data_drift": s.DataDrift != nil, "prediction_drift": s.PredictionDrift != nil, "data_quality": s.DataQuality != nil,
		"model_quality": s.ModelQuality != nil, "bias": s.Bias != nil,
		"explainability": s.Explainability != nil, "health": s.Health != nil,
	}
	return slices.DeleteFunc(MonitorChecks(), func(k string) bool { return !has[k] })
}

// Starts reports whether a violated check starts the pipeline.
func (o *OnViolation) Starts(check string) bool {
	switch {
	case o == nil:
		return false
	case len(o.Checks) == 0:
		return check != "health"
	}
	return slices.Contains(o.Checks, check)
}

// Uses lists the features asked for.
func (s MonitorSpec) Uses() []Use {
	u := []Use{}
	add := func(asked bool, f Feature, at Path) {
		if asked {
			u = append(u, Use{f, at})
		}
	}
	for _, k := range s.Checks() {
		add(true, Feature("monitor."+k), At(k))
	}
	if b := s.Baseline; b != nil {
		add(b.Dataset != "", FeatureMonitorBaselineDataset, At("baseline", "dataset"))
		add(b.Run != "", FeatureMonitorBaselineRun, At("baseline", "run"))
		add(b.URI != "", FeatureMonitorBaselineURI, At("baseline", "uri"))
	}
	if a := s.Alerts; a != nil {
		add(a.WebhookURL != "" || a.Mark != "", FeatureMonitorWebhook, At("alerts", "webhook_url"))
		add(len(a.Emails) > 0, FeatureMonitorEmails, At("alerts", "emails"))
	}
	add(s.OnViolation != nil, FeatureMonitorRetraining, At("on_violation"))
	add(s.Overrides != "", FeatureMonitorOverrides, At("overrides"))
	return u
}
