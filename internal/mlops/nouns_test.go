package mlops

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func endpoint(change ...func(*ModelEndpointSpec)) ModelEndpointSpec {
	s := ModelEndpointSpec{
		Environment: "local/e", Name: "x",
		Variants: map[string]Variant{
			"a": {Version: "local/e/models/m/versions/1", Traffic: 90},
			"b": {Version: "local/e/models/m/versions/2", Traffic: 10},
		},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func onA(f func(*Variant)) func(*ModelEndpointSpec) {
	return func(s *ModelEndpointSpec) {
		v := s.Variants["a"]
		f(&v)
		s.Variants["a"] = v
	}
}

func version(change ...func(*ModelVersionSpec)) ModelVersionSpec {
	s := ModelVersionSpec{Model: "local/e/models/m", ArtifactURI: "file:///m", Format: "sklearn", Approval: "pending"}
	for _, f := range change {
		f(&s)
	}
	return s
}

func TestNounsValidate(t *testing.T) {
	t.Parallel()
	environment := func(f func(*EnvironmentSpec)) Validator {
		s := EnvironmentSpec{Name: "e", Stage: "dev"}
		f(&s)
		return s
	}
	tests := []struct {
		name string
		spec Validator
		path string
		want string
	}{
		{"environment", environment(func(*EnvironmentSpec) {}), "", ""},
		{"stage", environment(func(s *EnvironmentSpec) { s.Stage = "production" }), "stage", "no stage"},
		{"label name", environment(func(s *EnvironmentSpec) { s.Labels = map[string]string{"Team": "x"} }), `labels["Team"]`, "lower-case"},
		{"label value", environment(func(s *EnvironmentSpec) { s.Labels = map[string]string{"team": strings.Repeat("x", 64)} }), `labels["team"]`, "at most 63"},
		{"retention", environment(func(s *EnvironmentSpec) { s.Retention = &Retention{Runs: -1} }), "retention.runs", "negative"},

		{"endpoint", endpoint(), "", ""},
		{"no variants", endpoint(func(s *ModelEndpointSpec) { s.Variants = nil }), "variants", "at least one variant"},
		{"traffic sum", endpoint(onA(func(v *Variant) { v.Traffic = 80 })), "variants", "sums to 90"},
		{"variant name", endpoint(func(s *ModelEndpointSpec) { s.Variants["B C"] = Variant{} }), `variants["B C"]`, "not a valid name"},
		{"not a version", endpoint(onA(func(v *Variant) { v.Version = "local/e/models/m" })), `variants["a"].version`, "ID of a model;"},
		{"bounds crossed", endpoint(onA(func(v *Variant) { v.Scaling = &Scaling{Min: new(int64(3)), Max: new(int64(2))} })), `variants["a"].scaling.max`, "not below min"},
		{"max zero", endpoint(onA(func(v *Variant) { v.Scaling = &Scaling{Min: new(int64(0)), Max: new(int64(0))} })), `variants["a"].scaling.max`, "at least 1"},
		{"concurrency", endpoint(onA(func(v *Variant) { v.Scaling = &Scaling{Concurrency: new(int64(0))} })), `variants["a"].scaling.target.concurrency`, "least"},
		{"strategy", endpoint(func(s *ModelEndpointSpec) { s.Rollout = &Rollout{Strategy: "all-at-once"} }), "rollout.strategy", "Did you mean"},
		{"sample", endpoint(func(s *ModelEndpointSpec) { s.Capture = &Capture{SamplePercent: 101} }), "capture.sample_percent", "0 to 100"},
		{"smoke test request", endpoint(func(s *ModelEndpointSpec) { s.SmokeTest = &SmokeTest{Request: "{", Status: 200} }), "smoke_test.request", "jsonencode"},
		{"smoke test status", endpoint(func(s *ModelEndpointSpec) { s.SmokeTest = &SmokeTest{Request: "{}"} }), "smoke_test.expect_status", "200"},

		{"version", version(), "", ""},
		{"no source", version(func(s *ModelVersionSpec) { s.ArtifactURI = "" }), "artifact_uri", "run and output"},
		{"two sources", version(func(s *ModelVersionSpec) { s.Run, s.Output = "r", "o" }), "artifact_uri", "not both"},
		{"run without output", version(func(s *ModelVersionSpec) { s.ArtifactURI, s.Run = "", "r" }), "output", "which output"},
		{"output without run", version(func(s *ModelVersionSpec) { s.Output = "o" }), "output", "give run too"},
		{"format", version(func(s *ModelVersionSpec) { s.Format = "scikit" }), "format", "no model format"},
		{"custom without command", version(func(s *ModelVersionSpec) { s.Format = "custom" }), "command", "$PORT"},
		{"command without custom", version(func(s *ModelVersionSpec) { s.Command = []string{"x"} }), "command", "Only format"},
		{"signature", version(func(s *ModelVersionSpec) { s.Signature = "{" }), "signature", "jsonencode"},
		{"approval", version(func(s *ModelVersionSpec) { s.Approval = "aproved" }), "approval", `Did you mean "approved"?`},
		{"alias", version(func(s *ModelVersionSpec) { s.Aliases = []string{"Champion!"} }), "aliases[0]", "not a valid alias"},
		{"alias twice", version(func(s *ModelVersionSpec) { s.Aliases = []string{"a", "a"} }), "aliases[1]", "listed twice"},

		{"run of no pipeline", PipelineRunSpec{Pipeline: "local/e/models/m"}, "pipeline", "ID of a pipeline is needed"},
		{"model", ModelSpec{Name: "m"}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			tt.spec.Validate(c)
			var got []string
			for _, p := range c.Problems() {
				got = append(got, p.Error())
				if p.Path.String() == tt.path && strings.Contains(p.Error(), tt.want) {
					return
				}
			}
			if tt.path != "" || got != nil {
				t.Errorf("problems %q, want one at %s with %q", got, tt.path, tt.want)
			}
		})
	}
}

func TestTrafficIsJudgedWhileVersionsAreUnknown(t *testing.T) {
	t.Parallel()
	s := endpoint(onA(func(v *Variant) { v.Version, v.Traffic = "", 50 }))
	c := NewChecker(At("variants", Key("a"), "version"))
	s.Validate(c)
	if len(c.Problems()) != 1 || c.Problems()[0].Summary != "Traffic does not sum to 100" {
		t.Errorf("problems %v", c.Problems())
	}
}

func TestNameRule(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"churn-dev": true, "a": true, "a1": true, strings.Repeat("a", 63): true,
		"": false, "with space": false, "emoji📈": false, strings.Repeat("a", 64): false, strings.Repeat("é", 300): false,
		"-a": false, "a-": false, "A": false, "1a": false, "a_b": false, "a\n": false,
	} {
		c := NewChecker()
		PortableName().CheckName(c, At("name"), name)
		if got := len(c.Problems()) == 0; got != ok {
			t.Errorf("%q: valid %v, want %v", name, got, ok)
		}
	}
}

func TestCheckFeatures(t *testing.T) {
	t.Parallel()
	caps := Capabilities{Features: map[Feature]Answer{
		FeatureEndpointSplit: {Support: Native}, FeatureEndpointScaling: {Support: Emulated},
		FeatureEndpointGPU: {Support: NotProvided, Note: "Leave the accelerator out."},
	}}
	c := NewChecker()
	caps.CheckFeatures(c, "local", endpoint(onA(func(v *Variant) {
		v.Scaling, v.Compute = &Scaling{}, &Compute{Accelerator: &Accelerator{Type: "l4"}}
	})))
	if len(c.Problems()) != 1 {
		t.Fatalf("problems %v, want one", c.Problems())
	}
	got := c.Problems()[0]
	want := `variants["a"].compute.accelerator: Not available on local: model_endpoint.variants.compute.accelerator is not available on local. Leave the accelerator out.`
	if got.Error() != want {
		t.Errorf("got  %s\nwant %s", got.Error(), want)
	}
}

func TestFeaturesAreListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[Feature]bool{}
	for _, f := range Features() {
		if seen[f.Feature] || f.Summary == "" {
			t.Errorf("%s is listed twice, or without a summary", f.Feature)
		}
		seen[f.Feature] = true
	}
}

func TestQuantity(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Quantity{"1Ki": 1 << 10, "512Mi": 512 << 20, "4Gi": 4 << 30, "1.5Gi": 3 << 29, "2G": 2e9, "1Ti": 1 << 40} {
		if got, err := ParseQuantity(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "4", "4GB", "Gi", "-1Gi", "0Mi", "4 Gi", "NaNGi", "99999999999Ti"} {
		if q, err := ParseQuantity(s); err == nil {
			t.Errorf("%q was taken as %d", s, q)
		}
	}
}

func TestQuantityRoundTrip(t *testing.T) {
	t.Parallel()
	err := quick.Check(func(n int64) bool {
		q := Quantity(n&(1<<45-1) + 1)
		b, err := json.Marshal(q)
		if err != nil {
			return false
		}
		var again Quantity
		return json.Unmarshal(b, &again) == nil && again == q
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestDurationText(t *testing.T) {
	t.Parallel()
	var d Duration
	if err := json.Unmarshal([]byte(`"90s"`), &d); err != nil || d != Duration(90*time.Second) {
		t.Errorf("got %v, %v", d, err)
	}
	if err := json.Unmarshal([]byte(`"soon"`), &d); err == nil {
		t.Error("took a word for a duration")
	}
	if got := Duration(0).Or(time.Minute); got != time.Minute {
		t.Errorf("default %v", got)
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"sklaern": ` Did you mean "sklearn"?`, "tensorflow": "", "": ""} {
		if got := DidYouMean(word, Formats()); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	wrapped := errors.Join(errors.New("outer"), NewError(Conflict, errors.New("busy")))
	if got := CodeOf(wrapped); got != Conflict {
		t.Errorf("code %q", got)
	}
	if got := CodeOf(errors.New("x")); got != Unknown {
		t.Errorf("code %q", got)
	}
	if got := Message(NewError(Conflict, errors.New("busy"))); got != "busy" {
		t.Errorf("message %q", got)
	}
	e := &Error{Code: NotFound, Op: "read", Resource: NounModel, Name: "local/e/models/m", Err: errors.New("gone")}
	if got := e.Error(); got != "read model local/e/models/m: not found: gone" {
		t.Errorf("text %q", got)
	}
}
