package mlops

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIDParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id   ID
		want Parsed
	}{
		{"local/churn-dev", Parsed{Backend: "local", Scope: []string{}, Environment: "churn-dev", Noun: NounEnvironment, Name: "churn-dev"}},
		{"sagemaker/us-east-1/churn", Parsed{Backend: "sagemaker", Scope: []string{"us-east-1"}, Environment: "churn", Noun: NounEnvironment, Name: "churn"}},
		{"vertex/p/us-central1/churn", Parsed{Backend: "vertex", Scope: []string{"p", "us-central1"}, Environment: "churn", Noun: NounEnvironment, Name: "churn"}},
		{"local/e/models/m", Parsed{Backend: "local", Scope: []string{}, Environment: "e", Noun: NounModel, Parent: "local/e", Name: "m"}},
		{"local/e/models/m/versions/3", Parsed{Backend: "local", Scope: []string{}, Environment: "e", Noun: NounModelVersion, Parent: "local/e/models/m", Name: "3"}},
		{"local/e/pipelines/p/runs/r-1", Parsed{Backend: "local", Scope: []string{}, Environment: "e", Noun: NounPipelineRun, Parent: "local/e/pipelines/p", Name: "r-1"}},
		{"local/e/endpoints/x", Parsed{Backend: "local", Scope: []string{}, Environment: "e", Noun: NounModelEndpoint, Parent: "local/e", Name: "x"}},
		{
			EnvironmentID("kubernetes", []string{"arn:aws:eks:eu-west-1:1:cluster/c"}, "e"),
			Parsed{Backend: "kubernetes", Scope: []string{"arn:aws:eks:eu-west-1:1:cluster/c"}, Environment: "e", Noun: NounEnvironment, Name: "e"},
		},
	}
	for _, tt := range tests {
		t.Run(string(tt.id), func(t *testing.T) {
			t.Parallel()
			got, err := tt.id.Parse()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got.Noun != NounEnvironment && got.Parent.Child(got.Noun, got.Name) != tt.id {
				t.Errorf("parent's child is %q", got.Parent.Child(got.Noun, got.Name))
			}
		})
	}
}

func TestIDParseRefuses(t *testing.T) {
	t.Parallel()
	for id, want := range map[ID]string{
		"":                        "no backend",
		"churn":                   "no backend",
		"mainframe/churn":         "no backend",
		"local":                   `written "local/<name>"`,
		"local/":                  "not a whole ID",
		"sagemaker/churn":         `written "sagemaker/<region>/<name>"`,
		"local/e/models":          "name of the model should follow",
		"local/e/modells/m":       "it has datasets, endpoints, experiments, models, monitors, pipelines",
		"local/e/models/m/runs/r": "a model has no \"runs\"",
		"local/e/endpoints/x/y/z": "nothing below it",
		"local//models/m":         "not a whole ID",
	} {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			if _, err := id.Parse(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
}

func TestIDParts(t *testing.T) {
	t.Parallel()
	const id = ID("local/e/models/m/versions/3")
	if got := id.Environment(); got != "local/e" {
		t.Errorf("environment %q", got)
	}
	if got := id.Backend(); got != "local" {
		t.Errorf("backend %q", got)
	}
	if got := id.Name(); got != "3" {
		t.Errorf("name %q", got)
	}
	if _, err := id.ParseAs(NounModel); err == nil {
		t.Error("a version's ID was taken for a model's")
	}
	if got := ID("").Child(NounModel, "m"); got != "" {
		t.Errorf("child of no ID is %q", got)
	}
}

func FuzzIDParse(f *testing.F) {
	f.Add("local/e/models/m/versions/3")
	f.Add("vertex/p/l/e/pipelines/%2F/runs/r")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ID(s).Parse()
		if err != nil {
			return
		}
		if p.Noun == NounEnvironment {
			if p.Name != p.Environment {
				t.Errorf("%q: name %q, environment %q", s, p.Name, p.Environment)
			}
			return
		}
		again, err := p.Parent.Child(p.Noun, p.Name).Parse()
		if err != nil || again.Name != p.Name || again.Noun != p.Noun {
			t.Errorf("%q does not survive taking apart and building: %v %v", s, again, err)
		}
	})
}
