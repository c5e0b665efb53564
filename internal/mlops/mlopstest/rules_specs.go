package mlopstest

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The texts that are likely to be bent on their way.
const (
	unicodeText = "Grüße 世界 🚀 <&\"'\\> {{not.a.template}} \t end"
	unicodeName = "größe-🚀"
)

// TestRoundTrip proves that specs come back as they were accepted: absent stays
// absent, empty stays empty, and no text is bent.
func (suite) TestRoundTrip(l *lab) {
	for _, s := range l.rich() {
		n := nounOf(s.noun)
		spec := l.world.Adapt(s.spec(l))
		l.wantSpec(l.create(n, spec), spec)
	}
}

// rich lists specs with everything that is likely to get lost.
func (l *lab) rich() []sample {
	return []sample{
		{noun: mlops.NounEnvironment, spec: (*lab).fullEnvironment},
		{noun: mlops.NounEnvironment, spec: (*lab).bareEnvironment},
		{noun: mlops.NounExperiment, spec: (*lab).fullExperiment},
		{noun: mlops.NounDataset, spec: (*lab).fullDataset},
		{noun: mlops.NounPipeline, spec: (*lab).fullPipeline},
		{noun: mlops.NounPipelineRun, spec: (*lab).bareRun},
		{noun: mlops.NounModel, spec: (*lab).fullModel},
		{noun: mlops.NounModel, spec: (*lab).bareModel},
		{noun: mlops.NounModelVersion, spec: (*lab).fullVersion},
		{noun: mlops.NounModelEndpoint, spec: (*lab).fullEndpoint},
		{noun: mlops.NounModelEndpoint, spec: (*lab).bareEndpoint},
		{noun: mlops.NounMonitor, spec: (*lab).fullMonitor},
	}
}

func (l *lab) fullEnvironment() any {
	s := l.environmentSpec(l.longest(mlops.NounEnvironment))
	s.Stage = "prod"
	s.Labels = fullLabels()
	return s
}

func (l *lab) bareEnvironment() any {
	s := l.environmentSpec(l.fresh())
	s.Labels = nil
	return s
}

func (l *lab) fullExperiment() any {
	s := l.experimentSpec(l.longest(mlops.NounExperiment))
	s.Description, s.Labels = unicodeText, fullLabels()
	return s
}

func (l *lab) fullDataset() any {
	s := l.datasetSpec(l.longest(mlops.NounDataset))
	s.Description, s.Labels = unicodeText, fullLabels()
	return s
}

func (l *lab) fullMonitor() any {
	s := l.monitorSpec(l.longest(mlops.NounMonitor))
	s.Description, s.Labels = unicodeText, fullLabels()
	s.Window, s.MinRows = mlops.Duration(90e9), 7
	s.Schedule = mlops.Schedule{Cron: "0 3 1 1 *", Timezone: "Australia/Sydney", Disabled: true}
	return s
}

func (l *lab) fullPipeline() any {
	s := l.pipelineSpec(l.longest(mlops.NounPipeline))
	four, empty := "4", ""
	s.Description = unicodeText
	s.Parameters = map[string]mlops.Parameter{
		"depth": {Type: "integer", Default: &four, Description: unicodeText},
		"note":  {Type: "string", Default: &empty},
		"must":  {Type: "string"},
	}
	for name, step := range s.Steps {
		step.Packages, step.Inputs, step.After = []string{}, map[string]string{}, nil
		if l.decides() {
			step.When = []string{"{{params.note}} != 'Grüße 🚀'", "{{params.depth}} > 1"}
		}
		step.Env = map[string]string{"DEPTH": "{{params.depth}}", "TEXT": "Grüße 🚀", "EMPTY": ""}
		s.Steps[name] = step
	}
	return s
}

func (l *lab) bareRun() any {
	return mlops.PipelineRunSpec{Pipeline: l.pipeline(), Triggers: map[string]string{unicodeText: unicodeText, "empty": ""}}
}

func (l *lab) fullModel() any {
	s := l.modelSpec(l.longest(mlops.NounModel))
	s.Description, s.Labels = unicodeText, fullLabels()
	return s
}

func (l *lab) bareModel() any {
	s := l.modelSpec(l.fresh())
	s.Labels = nil
	return s
}

func (l *lab) fullVersion() any {
	s := l.versionSpec("rich bytes")
	s.Description, s.Labels = unicodeText, fullLabels()
	s.Signature = `{ "inputs": [ {"name": "größe"} ] }`
	s.Metrics = map[string]float64{"accuracy": 0.1 + 0.2, "tiny": 1e-300, "zero": 0}
	s.Packages = []string{}
	s.Approval = "rejected"
	return s
}

func (l *lab) fullEndpoint() any {
	s := l.endpointSpec(l.longest(mlops.NounModelEndpoint))
	s.Description, s.Labels = unicodeText, fullLabels()
	s.Timeout = mlops.Duration(90e9)
	v := s.Variants["main"]
	v.Env = map[string]string{"TEXT": "Grüße 🚀", "EMPTY": ""}
	v.Startup = mlops.Duration(120e9)
	s.Variants["main"] = v
	return s
}

func (l *lab) bareEndpoint() any {
	s := l.endpointSpec(l.fresh())
	s.Labels = nil
	return s
}

// longest returns the longest name that a noun may have here.
func (l *lab) longest(noun mlops.Noun) string {
	name := l.fresh()
	room := l.harness.Factory.Capabilities.NameRule(noun).Max - len(name)
	return name + strings.Repeat("x", max(room, 0))
}

// fullLabels returns labels at their limits.
func fullLabels() map[string]string {
	return map[string]string{
		"text": "Grüße 🚀", "empty": "", "a" + strings.Repeat("b", 62): strings.Repeat("v", 63),
	}
}

// TestBadNames proves that the backend refuses what its name rule does not
// allow, whoever asks.
func (suite) TestBadNames(l *lab, n noun) {
	if !n.named {
		return
	}
	for _, name := range []string{"with space", unicodeName, strings.Repeat("n", 300), "-", "up/../down", "UPPER"} {
		l.refuses(n, n.spec(l, name), mlops.Invalid)
	}
}

// TestBadSpecs proves that the backend checks specs at its own front door.
func (suite) TestBadSpecs(l *lab) {
	tooLong := map[string]string{"key": strings.Repeat("v", 64)}

	environment := l.environmentSpec(l.fresh())
	environment.Stage = "nowhere"
	l.refuses(environmentNoun(), environment, mlops.Invalid)

	model := l.modelSpec(l.fresh())
	model.Labels = tooLong
	l.refuses(modelNoun(), model, mlops.Invalid)

	version := l.versionSpec("bad")
	version.Format = "nothing"
	l.refuses(modelVersionNoun(), version, mlops.Invalid)

	endpoint := l.endpointSpec(l.fresh())
	endpoint.Variants["main"] = mlops.Variant{Version: l.version(), Traffic: 99}
	l.refuses(modelEndpointNoun(), endpoint, mlops.Invalid)
}

// TestBadReferences proves that what does not exist cannot be referred to.
func (suite) TestBadReferences(l *lab) {
	nowhere := l.environmentSpec(l.fresh()).ID
	codes := []mlops.Code{mlops.NotFound, mlops.Invalid}

	pipeline := l.pipelineSpec(l.fresh())
	pipeline.Environment = nowhere
	l.refuses(pipelineNoun(), pipeline, codes...)

	model := l.modelSpec(l.fresh())
	model.Environment = nowhere
	l.refuses(modelNoun(), model, codes...)

	endpoint := l.endpointSpec(l.fresh())
	endpoint.Variants["main"] = mlops.Variant{Version: l.model().Child(mlops.NounModelVersion, "999"), Traffic: 100}
	l.refuses(modelEndpointNoun(), endpoint, codes...)

	version := l.versionSpec("lost")
	version.ArtifactURI += "-that-is-not-there"
	l.refuses(modelVersionNoun(), version, codes...)

	version = l.versionSpec("unmade")
	version.ArtifactURI, version.Run, version.Output = "", l.run(), "no-such-output"
	l.refuses(modelVersionNoun(), version, codes...)

	run := l.runSpec(l.fresh())
	run.Pipeline = l.environment().Child(mlops.NounPipeline, "no-such-pipeline")
	change, err := l.kind(pipelineRunNoun()).Create(l.Context(), run)
	l.wantCode("run of no pipeline", err, codes...)
	if change.Ref != "" {
		l.Errorf("a run of no pipeline has the identity %q", change.Ref)
	}
}
