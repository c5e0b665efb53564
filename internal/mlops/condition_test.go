package mlops

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCondition(t *testing.T) {
	t.Parallel()
	accuracy, depth := Operand{Step: "evaluate", Metric: "accuracy"}, Operand{Parameter: "depth"}
	text := func(s string) Operand { return Operand{Literal: s, Quoted: true} }
	tests := []struct {
		text string
		want Condition
	}{
		{"{{steps.evaluate.metrics.accuracy}} >= 0.9", Condition{accuracy, Operand{Literal: "0.9"}, ">="}},
		{"{{params.depth}}==4", Condition{depth, Operand{Literal: "4"}, "=="}},
		{" {{ params.depth }}\t<\n-1e3 ", Condition{depth, Operand{Literal: "-1e3"}, "<"}},
		{"0.5 <= {{steps.evaluate.metrics.accuracy}}", Condition{Operand{Literal: "0.5"}, accuracy, "<="}},
		{"{{params.depth}} != {{steps.evaluate.metrics.accuracy}}", Condition{depth, accuracy, "!="}},
		{"{{params.depth}} > full", Condition{depth, Operand{Literal: "full"}, ">"}},
		{"{{params.depth}} == 'two words'", Condition{depth, text("two words"), "=="}},
		{`{{params.depth}} == "it's"`, Condition{depth, text("it's"), "=="}},
		{"{{params.depth}} == ''", Condition{depth, text(""), "=="}},
		{"{{params.depth}} == '{{params.x}} > 1'", Condition{depth, text("{{params.x}} > 1"), "=="}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCondition(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseConditionRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "a value is expected; found nothing",
		"{{params.x}}":                  "found nothing",
		"{{params.x}} ==":               "found nothing",
		"== 1":                          "a value is expected",
		"{{params.x}} = 1":              `found "= 1"`,
		"{{params.x}} is 1":             `found "is 1"`,
		"{{params.x}} === 1":            "a value is expected",
		"{{params.x}} <> 1":             "a value is expected",
		"{{params.x}} == 1 && 2 == 2":   "each entry is one comparison",
		"{{params.x}} == a b":           "each entry is one comparison",
		"{{params.x == 1":               "no closing",
		"{{params.x}} == 'a":            "no closing quote",
		"{{steps.a.outputs.o}} == 1":    "cannot be compared",
		"{{steps.a.metrics}} == 1":      "cannot be compared",
		"{{steps.a.metrics.b.c}} == 1":  "cannot be compared",
		"{{run.id}} == 1":               "cannot be compared",
		"{{params.x}}{{params.y}} == 1": "a comparison with one of",
		"{{" + strings.Repeat("é", 500): "…",
	} {
		t.Run(clip(text), func(t *testing.T) {
			t.Parallel()
			if c, err := ParseCondition(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, error %v; want one with %q", c, err, want)
			}
		})
	}
}

func FuzzParseCondition(f *testing.F) {
	f.Add("{{steps.evaluate.metrics.accuracy}} >= 0.9")
	f.Add("'a b' != {{params.x}}")
	f.Add("{{params.x}} == \"it's\"")
	f.Add("a=={{")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			return
		}
		again, err := ParseCondition(c.String())
		if err != nil || again != c {
			t.Errorf("%q is %q, and that is %q, %v", text, c, again, err)
		}
	})
}

// gated is a pipeline whose step deploy runs when the given conditions hold.
func gated(when ...string) PipelineSpec {
	full := "full"
	return PipelineSpec{
		Environment: "local/e", Name: "p",
		Parameters: map[string]Parameter{
			"depth": {Type: "integer"}, "rate": {Type: "number"}, "live": {Type: "boolean"}, "mode": {Type: "string", Default: &full},
		},
		Steps: map[string]Step{
			"train":    {Script: "print(1)", Outputs: []string{"model"}},
			"evaluate": {Script: "print(2)", Outputs: []string{"metrics"}, Inputs: map[string]string{"m": "{{steps.train.outputs.model}}"}},
			"deploy":   {Script: "print(3)", Inputs: map[string]string{"m": "{{steps.train.outputs.model}}"}, When: when},
			"announce": {Script: "print(4)", After: []string{"deploy"}},
		},
	}
}

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	const at = `steps["deploy"].when[0]`
	tests := []struct{ name, when, path, want string }{
		{"a metric", "{{steps.evaluate.metrics.accuracy}} >= 0.9", "", ""},
		{"a boolean", "{{params.live}} == true", "", ""},
		{"an integer", "{{params.depth}} < 4", "", ""},
		{"a number", "{{params.rate}} != 0.5", "", ""},
		{"a word", "{{params.mode}} == full", "", ""},
		{"a text that looks like a number", "{{params.mode}} == '5'", "", ""},
		{"a metric and a parameter", "{{steps.evaluate.metrics.loss}} < {{params.rate}}", "", ""},
		{"an integer and a number", "{{params.depth}} < {{params.rate}}", "", ""},
		{"bad syntax", "{{params.live}}", at, "comparison with one of"},
		{"two literals", "1 == 1", at, "Both sides are literals"},
		{"unknown parameter", "{{params.lives}} == true", at, `Did you mean "live"?`},
		{"unknown step", "{{steps.evaluat.metrics.accuracy}} > 0", at, `Did you mean "evaluate"?`},
		{"a step without metrics", "{{steps.train.metrics.accuracy}} > 0", at, `Add it to the step's outputs`},
		{"order of text", "{{params.mode}} < full", at, "compares numbers"},
		{"order of booleans", "true >= {{params.live}}", at, "compares numbers"},
		{"a literal that is no number", "{{steps.evaluate.metrics.accuracy}} > high", at, `"high" is not a number`},
		{"a literal that is no finite number", "{{steps.evaluate.metrics.accuracy}} > NaN", at, "not a number"},
		{"a literal that is no integer", "{{params.depth}} > 0.5", at, "not an integer"},
		{"a literal that is no boolean", "{{params.live}} == yes", at, "true or false"},
		{"a number in quotes", "{{params.rate}} == '0.5'", at, "without quotes"},
		{"different types", "{{params.mode}} == {{params.live}}", at, "never equal"},
		{"its own metric", "{{steps.deploy.metrics.m}} > 0", at, "no output named"},
		{"the metric of a step that needs it", "{{steps.announce.metrics.m}} > 0", at, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			gated(tt.when).Validate(c)
			var all []string
			for _, p := range c.Problems() {
				if p.Path.String() == tt.path {
					all = append(all, p.Error())
				}
			}
			got := strings.Join(all, "\n")
			if tt.path == "" && len(c.Problems()) > 0 || tt.path != "" && (got == "" || !strings.Contains(got, tt.want)) {
				t.Errorf("got %v; want %s with %q", c.Problems(), tt.path, tt.want)
			}
		})
	}
}

// TestConditionsOfUnknowns proves that nothing is said of what is not known yet.
func TestConditionsOfUnknowns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, when string
		unknown    Path
	}{
		{"the condition", "{{params.lives}} == true", At("steps", Key("deploy"), "when", 0)},
		{"the parameter", "{{params.lives}} == true", At("parameters", Key("lives"))},
		{"the type", "{{params.mode}} < 4", At("parameters", Key("mode"), "type")},
		{"the step", "{{steps.evaluat.metrics.accuracy}} > 0", At("steps", Key("evaluat"))},
		{"the outputs", "{{steps.train.metrics.accuracy}} > 0", At("steps", Key("train"), "outputs")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker(tt.unknown)
			gated(tt.when).Validate(c)
			if len(c.Problems()) > 0 {
				t.Errorf("got %v", c.Problems())
			}
		})
	}
}

// TestCycleOfAMetric proves that a cycle is told where a condition closes it.
func TestCycleOfAMetric(t *testing.T) {
	t.Parallel()
	s := gated("{{params.live}} == true", "{{steps.evaluate.metrics.accuracy}} > 0")
	evaluate := s.Steps["evaluate"]
	evaluate.After = []string{"announce"}
	s.Steps["evaluate"] = evaluate
	c := NewChecker()
	s.Validate(c)
	if len(c.Problems()) != 1 || c.Problems()[0].Path.String() != `steps["deploy"].when[1]` || !strings.Contains(c.Problems()[0].Detail, "deploy → evaluate → announce → deploy") && !strings.Contains(c.Problems()[0].Detail, "announce → deploy → evaluate → announce") {
		t.Errorf("got %v", c.Problems())
	}
}

func TestConditionsOrderSteps(t *testing.T) {
	t.Parallel()
	g, err := gated("{{steps.evaluate.metrics.accuracy}} > 0", "{{params.live}} == true").Graph()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"evaluate", "train"}, g.Needs("deploy")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"train", "evaluate", "deploy", "announce"}, g.Order()); diff != "" {
		t.Error(diff)
	}
}

// TestVersionOfConditions proves that conditions count, and that pipelines without
// any have the version that they had before there were conditions.
func TestVersionOfConditions(t *testing.T) {
	t.Parallel()
	plain, one, two := gated(), gated("{{params.live}} == true"), gated("{{params.live}} == false")
	if got, want := plain.Version(), "f90bc137e39b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if plain.Version() == one.Version() || one.Version() == two.Version() {
		t.Error("conditions do not count")
	}
}

func TestWhySkipped(t *testing.T) {
	t.Parallel()
	facts := RunFacts{
		Parameters: map[string]string{"depth": "9007199254740993", "rate": "0.5", "live": "true", "mode": "full"},
		Metrics:    map[string]map[string]float64{"evaluate": {"accuracy": 0.91, "loss": 2, "tiny": math.SmallestNonzeroFloat64}},
	}
	tests := []struct {
		name   string
		when   []string
		reason string
		fail   string
	}{
		{"nothing asked", nil, "", ""},
		{"all hold", []string{"{{steps.evaluate.metrics.accuracy}} >= 0.9", "{{params.live}} == true", "{{params.mode}} != 'half'"}, "", ""},
		{"one does not", []string{"{{params.live}} == true", "{{steps.evaluate.metrics.accuracy}} >= 0.95"}, "{{steps.evaluate.metrics.accuracy}} >= 0.95 does not hold: 0.91 >= 0.95", ""},
		{"another way to write a number", []string{"{{steps.evaluate.metrics.loss}} == 2.0", "{{params.rate}} == 5e-1"}, "", ""},
		{"a large integer", []string{"{{params.depth}} > 9007199254740992"}, "", ""},
		{"a small number", []string{"{{steps.evaluate.metrics.tiny}} > 0"}, "", ""},
		{"less", []string{"{{steps.evaluate.metrics.loss}} < 2"}, "{{steps.evaluate.metrics.loss}} < 2 does not hold: 2 < 2", ""},
		{"at most", []string{"2 <= {{steps.evaluate.metrics.loss}}"}, "", ""},
		{"text", []string{"{{params.mode}} == half"}, "{{params.mode}} == half does not hold: full == half", ""},
		{"a missing metric", []string{"{{steps.evaluate.metrics.accurate}} > 0"}, "", `step "evaluate" wrote no metric "accurate"; it wrote accuracy, loss, tiny. Did you mean "accuracy"?`},
		{"no metrics at all", []string{"{{steps.other.metrics.f1}} > 0"}, "", `step "other" wrote no metric "f1"; it wrote none.`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := gated(tt.when...).WhySkipped("deploy", []string{"train"}, facts)
			if got != tt.reason || (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.reason, tt.fail)
			}
		})
	}
}

func TestSkippedWithWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := gated()
	got, err := s.WhySkipped("announce", []string{"deploy"}, RunFacts{Skipped: map[string]bool{"deploy": true}})
	if want := `step "deploy", which it needs, was skipped`; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestOutputOfASkippedStep(t *testing.T) {
	t.Parallel()
	s := PipelineRunStatus{Steps: map[string]StepRun{"deploy": {State: RunSkipped, Reason: "{{params.live}} == true does not hold: false == true"}}}
	_, err := s.FindOutput("deploy.model")
	if err == nil || !strings.Contains(err.Error(), `step "deploy" was skipped: {{params.live}} == true does not hold`) {
		t.Errorf("got %v", err)
	}
}
