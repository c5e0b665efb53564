package mlops

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// Feature is one thing a user can ask for, written as a path into the HCL:
// the noun, the attribute and, where the attribute chooses among several, the
// value: "model_endpoint.rollout.canary".
type Feature string

// The features. Each is answered once by each backend, and each begins with a
// path that exists in the schema; tests prove both.
const (
	FeatureEnvironmentRetention Feature = "environment.retention"
	FeatureEnvironmentProtect   Feature = "environment.deletion_protection"
	FeatureEnvironmentBudget    Feature = "environment.budget"
	FeatureEnvironmentMLflow    Feature = "environment.registry.mlflow"

	FeaturePipelineScript   Feature = "pipeline.steps.script"
	FeaturePipelineCommand  Feature = "pipeline.steps.command"
	FeaturePipelineImage    Feature = "pipeline.steps.image"
	FeaturePipelinePackages Feature = "pipeline.steps.packages"
	FeaturePipelineWhen     Feature = "pipeline.steps.when"
	FeaturePipelineRetry    Feature = "pipeline.steps.retry"
	FeaturePipelineTimeout  Feature = "pipeline.steps.timeout"
	FeaturePipelineCache    Feature = "pipeline.steps.cache"
	FeaturePipelineCPU      Feature = "pipeline.steps.compute.cpu"
	FeaturePipelineMemory   Feature = "pipeline.steps.compute.memory"
	FeaturePipelineGPU      Feature = "pipeline.steps.compute.accelerator"
	FeaturePipelineNative   Feature = "pipeline.steps.compute.native"
	FeaturePipelineDisk     Feature = "pipeline.steps.compute.disk"
	FeaturePipelineSpot     Feature = "pipeline.steps.compute.spot"
	FeaturePipelineParallel Feature = "pipeline.parallelism"
	FeaturePipelineSchedule Feature = "pipeline.schedule"
	FeaturePipelineTracked  Feature = "pipeline.experiment"

	FeaturePipelineDefinition Feature = "pipeline.definition"

	FeatureVersionFile    Feature = "model_version.artifact_uri"
	FeatureVersionRun     Feature = "model_version.run"
	FeatureVersionSklearn Feature = "model_version.format.sklearn"
	FeatureVersionXGBoost Feature = "model_version.format.xgboost"
	FeatureVersionMLflow  Feature = "model_version.format.mlflow"
	FeatureVersionONNX    Feature = "model_version.format.onnx"
	FeatureVersionCustom  Feature = "model_version.format.custom"
	FeatureVersionCommand Feature = "model_version.command"
	FeatureVersionImage   Feature = "model_version.image"
	FeatureVersionAliases Feature = "model_version.aliases"

	FeatureVersionOverrides Feature = "model_version.overrides"

	FeatureEndpointSplit       Feature = "model_endpoint.variants.traffic"
	FeatureEndpointScaling     Feature = "model_endpoint.variants.scaling"
	FeatureEndpointScaleToZero Feature = "model_endpoint.variants.scaling.min"
	FeatureEndpointGPU         Feature = "model_endpoint.variants.compute.accelerator"
	FeatureEndpointNative      Feature = "model_endpoint.variants.compute.native"
	FeatureEndpointDisk        Feature = "model_endpoint.variants.compute.disk"
	FeatureEndpointAllAtOnce   Feature = "model_endpoint.rollout.strategy.all_at_once"
	FeatureEndpointCapture     Feature = "model_endpoint.capture"
	FeatureEndpointSmokeTest   Feature = "model_endpoint.smoke_test"

	FeatureEndpointCanary       Feature = "model_endpoint.rollout.strategy.canary"
	FeatureEndpointLinear       Feature = "model_endpoint.rollout.strategy.linear"
	FeatureEndpointBlueGreen    Feature = "model_endpoint.rollout.strategy.blue_green"
	FeatureEndpointShadow       Feature = "model_endpoint.rollout.strategy.shadow"
	FeatureEndpointGates        Feature = "model_endpoint.rollout.gates"
	FeatureEndpointKeepPrevious Feature = "model_endpoint.rollout.keep_previous"
	FeatureEndpointSchedule     Feature = "model_endpoint.schedule"
	FeatureEndpointToken        Feature = "model_endpoint.access.token"
	FeatureEndpointProtect      Feature = "model_endpoint.deletion_protection"
	FeatureEndpointOverrides    Feature = "model_endpoint.overrides"

	FeatureDatasetURI     Feature = "dataset.uri"
	FeatureDatasetRun     Feature = "dataset.run"
	FeatureDatasetCSV     Feature = "dataset.format.csv"
	FeatureDatasetJSONL   Feature = "dataset.format.jsonl"
	FeatureDatasetParquet Feature = "dataset.format.parquet"
	FeatureDatasetSchema  Feature = "dataset.schema"
	FeatureDatasetChecks  Feature = "dataset.checks"

	FeatureMonitorDataDrift       Feature = "monitor.data_drift"
	FeatureMonitorPredictionDrift Feature = "monitor.prediction_drift"
	FeatureMonitorDataQuality     Feature = "monitor.data_quality"
	FeatureMonitorModelQuality    Feature = "monitor.model_quality"
	FeatureMonitorBias            Feature = "monitor.bias"
	FeatureMonitorExplainability  Feature = "monitor.explainability"
	FeatureMonitorHealth          Feature = "monitor.health"
	FeatureMonitorBaselineDataset Feature = "monitor.baseline.dataset"
	FeatureMonitorBaselineRun     Feature = "monitor.baseline.run"
	FeatureMonitorBaselineURI     Feature = "monitor.baseline.uri"
	FeatureMonitorWebhook         Feature = "monitor.alerts.webhook_url"
	FeatureMonitorEmails          Feature = "monitor.alerts.emails"
	FeatureMonitorRetraining      Feature = "monitor.on_violation"
	FeatureMonitorOverrides       Feature = "monitor.overrides"
)

// FeatureDoc says in one line what a feature is.
type FeatureDoc struct {
	Feature Feature
	Summary string
}

// Features lists every feature, in the order of the docs.
func Features() []FeatureDoc {
	return append([]FeatureDoc{
		{FeatureEnvironmentRetention, "removing old runs and captures after a while"},
		{FeatureEnvironmentProtect, "refusing to destroy an environment"},
		{FeatureEnvironmentBudget, "telling when an environment costs more than planned"},
		{FeatureEnvironmentMLflow, "keeping models and versions in an MLflow server"},
		{FeaturePipelineScript, "steps given as a Python script"},
		{FeaturePipelineCommand, "steps given as a command"},
		{FeaturePipelineImage, "steps run in a container image"},
		{FeaturePipelinePackages, "Python packages installed for a step"},
		{FeaturePipelineWhen, "running a step only if parameters and metrics say so"},
		{FeaturePipelineRetry, "repeating a failed step"},
		{FeaturePipelineTimeout, "ending a step that takes too long"},
		{FeaturePipelineCache, "reusing the outputs of a step that ran before with the same inputs"},
		{FeaturePipelineCPU, "asking for CPUs for a step"},
		{FeaturePipelineMemory, "asking for memory for a step"},
		{FeaturePipelineGPU, "asking for accelerators for a step"},
		{FeaturePipelineNative, "naming the platform's own machine type for a step"},
		{FeaturePipelineDisk, "asking for scratch space for a step"},
		{FeaturePipelineSpot, "running a step on capacity that may be taken away"},
		{FeaturePipelineDefinition, "pipelines in the platform's own language"},
		{FeaturePipelineParallel, "limiting how many steps run at once"},
		{FeaturePipelineSchedule, "running a pipeline on a cron schedule with a time zone"},
		{FeaturePipelineTracked, "tracking a pipeline's runs in an experiment"},
		{FeatureVersionFile, "registering bytes from a URI"},
		{FeatureVersionRun, "registering the output of a run"},
		{FeatureVersionSklearn, "serving scikit-learn models"},
		{FeatureVersionXGBoost, "serving XGBoost models"},
		{FeatureVersionMLflow, "serving MLflow models"},
		{FeatureVersionONNX, "serving ONNX models"},
		{FeatureVersionCustom, "serving with a server of the user's own"},
		{FeatureVersionCommand, "serving by a command"},
		{FeatureVersionImage, "serving by a container image"},
		{FeatureVersionAliases, "naming versions by movable aliases"},
		{FeatureVersionOverrides, "reaching what only the platform has of a version"},
		{FeatureEndpointSplit, "splitting traffic between variants by weight"},
		{FeatureEndpointScaling, "scaling replicas by concurrency"},
		{FeatureEndpointScaleToZero, "scaling to zero when idle"},
		{FeatureEndpointGPU, "asking for accelerators for a variant"},
		{FeatureEndpointNative, "naming the platform's own machine type for a variant"},
		{FeatureEndpointDisk, "asking for scratch space for a variant"},
		{FeatureEndpointAllAtOnce, "rolling a change out to all traffic at once"},
		{FeatureEndpointCanary, "rolling a change out by growing shares of the traffic"},
		{FeatureEndpointLinear, "rolling a change out by equal shares of the traffic"},
		{FeatureEndpointBlueGreen, "rolling a change out to all traffic at once, and back if it does not hold"},
		{FeatureEndpointShadow, "observing a change with copies of requests before it answers any"},
		{FeatureEndpointGates, "judging each step of a rollout by errors, latency and the smoke test"},
		{FeatureEndpointKeepPrevious, "keeping replaced versions warm for a quick way back"},
		{FeatureEndpointCapture, "capturing requests and responses"},
		{FeatureEndpointSmokeTest, "proving a new version with a request before it gets traffic"},
		{FeatureEndpointSchedule, "serving at some times of the week only"},
		{FeatureEndpointToken, "asking clients for a token"},
		{FeatureEndpointProtect, "refusing to destroy an endpoint"},
		{FeatureEndpointOverrides, "reaching what only the platform has of an endpoint"},
	}, loopFeatures()...)
}

// loopFeatures lists what closes the loop: data, and what watches it.
func loopFeatures() []FeatureDoc {
	return []FeatureDoc{
		{FeatureDatasetURI, "datasets from a URI"},
		{FeatureDatasetRun, "datasets from the output of a run"},
		{FeatureDatasetCSV, "datasets of comma-separated values"},
		{FeatureDatasetJSONL, "datasets of JSON lines"},
		{FeatureDatasetParquet, "datasets of Parquet files"},
		{FeatureDatasetSchema, "holding a dataset to a schema"},
		{FeatureDatasetChecks, "holding a dataset to rules"},
		{FeatureMonitorDataDrift, "watching the distribution of features"},
		{FeatureMonitorPredictionDrift, "watching the distribution of predictions"},
		{FeatureMonitorDataQuality, "watching for values that violate the baseline's schema"},
		{FeatureMonitorModelQuality, "comparing predictions with the truth that comes later"},
		{FeatureMonitorBias, "comparing outcomes between groups"},
		{FeatureMonitorExplainability, "comparing which features predictions are owed to"},
		{FeatureMonitorHealth, "watching errors, latency and traffic"},
		{FeatureMonitorBaselineDataset, "baselines from a dataset"},
		{FeatureMonitorBaselineRun, "baselines from the output of a run"},
		{FeatureMonitorBaselineURI, "baselines from a URI"},
		{FeatureMonitorWebhook, "alerts by webhook"},
		{FeatureMonitorEmails, "alerts by e-mail"},
		{FeatureMonitorRetraining, "starting a pipeline on a violation"},
		{FeatureMonitorOverrides, "reaching what only the platform has of a monitor"},
	}
}

// Support is how a backend does a feature.
type Support string

// The three answers.
const (
	Native      Support = "native"      // the platform does it
	Emulated    Support = "emulated"    // the provider does it on the platform; Note says how
	NotProvided Support = "unsupported" // not available; Note says what to use instead
)

// Answer is a backend's answer for one feature.
type Answer struct {
	Support Support
	Note    string
}

// NameRule is what a platform allows as a noun's name.
type NameRule struct {
	Pattern *regexp.Regexp // matched against the whole name
	Max     int            // longest name, in characters
	Form    string         // the rule in words: "lower-case letters, digits and hyphens, …"
}

// Capabilities is a backend's column of the portability table.
type Capabilities struct {
	Features map[Feature]Answer
	Names    map[Noun]NameRule // a noun that is missing has the portable rule
	// Replace lists the attributes, as paths with the noun first, whose change
	// cannot be made in place, beyond those that are part of the ID.
	Replace []Feature
	// Limits reports what a spec asks for beyond what the backend takes of a feature
	// that it has, from the spec alone; nil has no such limits. It is asked at plan
	// too, while parts of the spec are not known yet.
	Limits func(c *Checker, spec any)
}

// Supports reports whether the feature is available at all.
func (c Capabilities) Supports(f Feature) bool {
	a, ok := c.Features[f]
	return ok && a.Support != NotProvided
}

// PortableName is the rule for a noun's name where a backend states none:
// what every platform accepts.
func PortableName() NameRule {
	return NameRule{
		Pattern: regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`),
		Max:     63,
		Form:    "lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
	}
}

// NameRule returns the rule for a noun's name.
func (c Capabilities) NameRule(noun Noun) NameRule {
	if r, ok := c.Names[noun]; ok {
		return r
	}
	return PortableName()
}

// CheckName reports a name that the rule does not allow.
func (r NameRule) CheckName(c *Checker, at Path, name string) {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		c.Add(at, "Empty name", "Give it a name: %s, at most %d characters.", r.Form, r.Max)
	case n > r.Max:
		c.Add(at, "Name too long", "The name has %d characters; at most %d are allowed.", n, r.Max)
	case !r.Pattern.MatchString(name):
		c.Add(at, "Invalid name", "%q is not a valid name here; use %s.", name, r.Form)
	}
}

// Use is a feature that a spec asks for, and where.
type Use struct {
	Feature Feature
	Path    Path
}

// FeatureUser is a spec that can tell which features it asks for.
type FeatureUser interface{ Uses() []Use }

// CheckFeatures reports every feature that a spec asks for and the backend
// does not provide.
func (c Capabilities) CheckFeatures(k *Checker, backend string, spec FeatureUser) {
	for _, use := range spec.Uses() {
		if c.Supports(use.Feature) {
			continue
		}
		k.Add(use.Path, "Not available on "+backend, "%s", c.refusal(backend, use.Feature))
	}
}

// Admit refuses what a spec alone shows to be impossible on the backend: a name
// that its rule does not allow or a spec that nobody takes as Invalid, a feature
// that it does not have as Unsupported. Runs and versions have no name of the
// user's.
func (c Capabilities) Admit(backend string, noun Noun, name string, spec Spec) error {
	k := NewChecker()
	if noun != NounPipelineRun && noun != NounModelVersion {
		c.NameRule(noun).CheckName(k, At("name"), name)
	}
	spec.Validate(k)
	if err := k.Err(); err != nil {
		return err
	}
	c.CheckFeatures(k, backend, spec)
	err := k.Err()
	if e, ok := errors.AsType[*Error](err); ok {
		e.Code = Unsupported
	}
	return err
}

// Spec is what every noun's spec can tell of itself.
type Spec interface {
	Validator
	FeatureUser
}

func (c Capabilities) refusal(backend string, f Feature) string {
	s := fmt.Sprintf("%s is not available on %s.", f, backend)
	if note := c.Features[f].Note; note != "" {
		s += " " + note
	}
	return s
}
