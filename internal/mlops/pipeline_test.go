package mlops

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func twoSteps(change ...func(*PipelineSpec)) PipelineSpec {
	depth := "4"
	s := PipelineSpec{
		Environment: "local/e", Name: "p",
		Parameters: map[string]Parameter{"max_depth": {Type: "integer", Default: &depth}, "source": {Type: "string"}},
		Steps: map[string]Step{
			"prepare": {Script: "print(1)", Outputs: []string{"train", "test"}},
			"train": {
				Script: "print(2)", Packages: []string{"scikit-learn==1.7.2"}, Outputs: []string{"model", "metrics"},
				Inputs: map[string]string{"train": "{{steps.prepare.outputs.train}}"},
				Env:    map[string]string{"MAX_DEPTH": "{{params.max_depth}}"},
			},
		},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func onTrain(f func(*Step)) func(*PipelineSpec) {
	return func(s *PipelineSpec) {
		step := s.Steps["train"]
		f(&step)
		s.Steps["train"] = step
	}
}

func TestPipelineValidate(t *testing.T) {
	t.Parallel()
	input := func(v string) func(*PipelineSpec) {
		return onTrain(func(s *Step) { s.Inputs = map[string]string{"train": v} })
	}
	tests := []struct {
		name   string
		change func(*PipelineSpec)
		path   string
		want   string // part of summary and detail
	}{
		{"good", func(*PipelineSpec) {}, "", ""},
		{"no steps", func(s *PipelineSpec) { s.Steps = nil }, "steps", "at least one step"},
		{"unknown step", input("{{steps.prepar.outputs.train}}"), `steps["train"].inputs["train"]`, `Did you mean "prepare"?`},
		{"unknown output", input("{{steps.prepare.outputs.trian}}"), `steps["train"].inputs["train"]`, `Did you mean "train"?`},
		{"unknown parameter", onTrain(func(s *Step) { s.Env["MAX_DEPTH"] = "{{params.maxdepth}}" }), `steps["train"].env["MAX_DEPTH"]`, `Did you mean "max_depth"?`},
		{"bad template", input("{{steps.prepare"), `steps["train"].inputs["train"]`, "no closing"},
		{"input of a wrong type", input("{{params.max_depth}}"), `steps["train"].inputs["train"]`, "type integer"},
		{"input from a string", input("{{params.source}}"), "", ""},
		{"input from own output", input("{{outputs.model}}"), `steps["train"].inputs["train"]`, "output of another step"},
		{"own unknown output", onTrain(func(s *Step) { s.Env["X"] = "{{outputs.modle}}" }), `steps["train"].env["X"]`, `Did you mean "model"?`},
		{"own unknown input", onTrain(func(s *Step) { s.Env["X"] = "{{inputs.test}}" }), `steps["train"].env["X"]`, "no input"},
		{"self cycle", onTrain(func(s *Step) { s.After = []string{"train"} }), "steps", "train → train"},
		{"cycle", func(s *PipelineSpec) {
			p := s.Steps["prepare"]
			p.Inputs = map[string]string{"m": "{{steps.train.outputs.model}}"}
			s.Steps["prepare"] = p
		}, "steps", "prepare → train → prepare"},
		{"after unknown", onTrain(func(s *Step) { s.After = []string{"prepaare"} }), `steps["train"].after[0]`, `Did you mean "prepare"?`},
		{"script and command", onTrain(func(s *Step) { s.Command = []string{"true"} }), `steps["train"]`, "not both"},
		{"nothing to do", onTrain(func(s *Step) { s.Script = "" }), `steps["train"]`, "a script, a command or an image"},
		{"step name", func(s *PipelineSpec) { s.Steps["Höhe 📈"] = Step{Script: "x"} }, `steps["Höhe 📈"]`, "not a valid step name"},
		{"output name", onTrain(func(s *Step) { s.Outputs = []string{"a b"} }), `steps["train"].outputs[0]`, "not a valid name"},
		{"outputs collide", onTrain(func(s *Step) { s.Outputs = []string{"a-b", "a_b"} }), `steps["train"].outputs[1]`, "A_B"},
		{"option as a package", onTrain(func(s *Step) { s.Packages = []string{"--index-url=x"} }), `steps["train"].packages[0]`, "not a pip requirement"},
		{"no attempts", onTrain(func(s *Step) { s.Retry = &Retry{} }), `steps["train"].retry.attempts`, "1 or more"},
		{"negative timeout", onTrain(func(s *Step) { s.Timeout = -1 }), `steps["train"].timeout`, "negative"},
		{"millicores", onTrain(func(s *Step) { s.Compute = &Compute{CPU: 2000} }), `steps["train"].compute.cpu`, "not millicores"},
		{"a machine type and an ask", onTrain(func(s *Step) { s.Compute = &Compute{Native: "ml.m5.large", CPU: 2} }), `steps["train"].compute.native`, "not both"},
		{"steps and a definition", func(s *PipelineSpec) { s.Definition = "{}" }, "definition", "not both"},
		{"neither steps nor a definition", func(s *PipelineSpec) { s.Steps = nil }, "steps", "at least one step"},
		{"a definition", func(s *PipelineSpec) { s.Steps, s.Definition = nil, "{}" }, "", ""},
		{"a definition that is no JSON", func(s *PipelineSpec) { s.Steps, s.Definition = nil, "steps:" }, "definition", "must be JSON"},
		{"half an accelerator", onTrain(func(s *Step) { s.Compute = &Compute{Accelerator: &Accelerator{Count: 1}} }), `steps["train"].compute.accelerator`, "type, or the memory"},
		{"parameter type", func(s *PipelineSpec) { s.Parameters["x"] = Parameter{Type: "int"} }, `parameters["x"].type`, "Did you mean"},
		{"parameter default", func(s *PipelineSpec) { v := "four"; s.Parameters["x"] = Parameter{Type: "integer", Default: &v} }, `parameters["x"].default`, `"four" is not an integer`},
		{"parameter name", func(s *PipelineSpec) { s.Parameters["a b"] = Parameter{Type: "string"} }, `parameters["a b"]`, "not a valid parameter name"},
		{"parallelism", func(s *PipelineSpec) { s.Parallelism = -1 }, "parallelism", "at least one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			twoSteps(tt.change).Validate(c)
			if tt.path == "" {
				if len(c.Problems()) > 0 {
					t.Errorf("problems: %v", c.Problems())
				}
				return
			}
			if len(c.Problems()) != 1 {
				t.Fatalf("problems: %v, want one", c.Problems())
			}
			got := c.Problems()[0]
			if got.Path.String() != tt.path || !strings.Contains(got.Error(), tt.want) {
				t.Errorf("got %v, want it at %s with %q", got, tt.path, tt.want)
			}
		})
	}
}

func TestPipelineValidateUnknowns(t *testing.T) {
	t.Parallel()
	broken := twoSteps(onTrain(func(s *Step) {
		s.Script = ""
		s.Inputs["train"] = "{{steps.prepare.outputs.gone}}"
	}))
	c := NewChecker(At("steps", Key("train"), "script"), At("steps", Key("prepare"), "outputs"))
	broken.Validate(c)
	if diff := cmp.Diff([]string{}, paths(c.Problems())); diff != "" {
		t.Errorf("judged by values that are not known yet: %v", c.Problems())
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	s := twoSteps(func(s *PipelineSpec) {
		s.Steps["a"] = Step{Command: []string{"cp", "{{steps.train.outputs.model}}", "x"}}
		s.Steps["notify"] = Step{Command: []string{"true"}, After: []string{"a", "prepare"}}
	})
	g, err := s.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"prepare", "train", "a", "notify"}, g.Order()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "prepare"}, g.Needs("notify")); diff != "" {
		t.Error(diff)
	}
}

func TestPipelineVersion(t *testing.T) {
	t.Parallel()
	base := twoSteps().Version()
	same := twoSteps(func(s *PipelineSpec) {
		s.Description, s.Schedule, s.Environment = "words", &Schedule{Cron: "@daily"}, "local/other"
	}).Version()
	if same != base {
		t.Error("description, schedule or place change the version")
	}
	if twoSteps(onTrain(func(s *Step) { s.Script = "print(3)" })).Version() == base {
		t.Error("another script has the same version")
	}
}

func TestPipelineVersionOfDefinition(t *testing.T) {
	t.Parallel()
	version := func(definition string) string { return PipelineSpec{Definition: definition}.Version() }
	base := version(`{"Version":"2020-12-01","Steps":[1,2]}`)
	tests := []struct {
		name, definition string
		same             bool
	}{
		{"the same", `{"Version":"2020-12-01","Steps":[1,2]}`, true},
		{"other spaces and order of members", "{ \"Steps\": [1, 2],\n \"Version\": \"2020-12-01\" }", true},
		{"other order of elements", `{"Version":"2020-12-01","Steps":[2,1]}`, false},
		{"another value", `{"Version":"2020-12-02","Steps":[1,2]}`, false},
		{"no JSON", `{"Version":"2020-12-01"`, false},
		{"none", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := version(tt.definition); (got == base) != tt.same {
				t.Errorf("version %s beside %s", got, base)
			}
		})
	}
	if version("{") == version("[") {
		t.Error("what is no JSON has one version")
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	s := twoSteps()
	got, err := s.Resolve(map[string]string{"source": "/data"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"source": "/data", "max_depth": "4"}, got); diff != "" {
		t.Error(diff)
	}
	for name, tt := range map[string]struct {
		given map[string]string
		want  string
	}{
		"missing":    {nil, `"source" has no default`},
		"unknown":    {map[string]string{"source": "x", "maxdepth": "1"}, `Did you mean "max_depth"?`},
		"wrong type": {map[string]string{"source": "x", "max_depth": "deep"}, `"deep" is not an integer`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := s.Resolve(tt.given); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParameterCheckValue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, value string
		ok          bool
	}{
		{"string", "", true},
		{"integer", "-3", true},
		{"integer", "3.5", false},
		{"number", "3.5", true},
		{"number", "NaN", false},
		{"number", "Inf", false},
		{"boolean", "true", true},
		{"boolean", "yes", false},
	} {
		if err := (Parameter{Type: tt.kind}).CheckValue(tt.value); (err == nil) != tt.ok {
			t.Errorf("%s %q: %v", tt.kind, tt.value, err)
		}
	}
}

func TestReadMetrics(t *testing.T) {
	t.Parallel()
	if got, err := ReadMetrics(map[string]any{"auc": 0.9}); err != nil || got["auc"] != 0.9 {
		t.Errorf("got %v, %v", got, err)
	}
	for word, v := range map[string]any{"a string": "0.9", "an object": map[string]any{}, "an array": []any{}, "null": nil, "a boolean": true} {
		if _, err := ReadMetrics(map[string]any{"x": v}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: error %v, want one with %q", v, err, word)
		}
	}
}

func TestFindOutput(t *testing.T) {
	t.Parallel()
	s := PipelineRunStatus{Outputs: map[string]string{"prepare.data": "a", "train.model": "b", "train.data": "c"}}
	for word, want := range map[string]string{"model": "train.model", "prepare.data": "prepare.data"} {
		if got, err := s.FindOutput(word); err != nil || got != want {
			t.Errorf("%s: %q, %v", word, got, err)
		}
	}
	for word, want := range map[string]string{"data": "ambiguous", "modell": "no output"} {
		if _, err := s.FindOutput(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", word, err, want)
		}
	}
}

// TestEvidence proves that a version says what its spec does, and for the rest what
// the run does that made it.
func TestEvidence(t *testing.T) {
	t.Parallel()
	run := PipelineRunStatus{
		Metrics: map[string]float64{"auc": 0.9},
		Lineage: &Lineage{Steps: map[string]StepLineage{"train": {Packages: []string{"a==1"}}, "other": {Packages: []string{"b==1"}}}},
	}
	tests := []struct {
		name     string
		run      PipelineRunStatus
		spec     ModelVersionSpec
		packages []string
		metrics  map[string]float64
	}{
		{"the run's", run, ModelVersionSpec{}, []string{"a==1"}, map[string]float64{"auc": 0.9}},
		{"its own", run, ModelVersionSpec{Packages: []string{"c==1"}, Metrics: map[string]float64{"f1": 1}}, []string{"c==1"}, map[string]float64{"f1": 1}},
		{"none, by its own word", run, ModelVersionSpec{Packages: []string{}, Metrics: map[string]float64{}}, []string{}, map[string]float64{}},
		{"a run without evidence", PipelineRunStatus{}, ModelVersionSpec{}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			packages, metrics := tt.run.Evidence("train.model", tt.spec)
			if diff := cmp.Diff(tt.packages, packages) + cmp.Diff(tt.metrics, metrics); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		})
	}
}
