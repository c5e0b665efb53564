package mlops

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplateRender(t *testing.T) {
	t.Parallel()
	values := map[string]string{"params.depth": "4", "steps.prepare.outputs.train": "/tmp/t", "run.id": "r-1", "inputs.a-b": "/in", "outputs.o": "/out"}
	lookup := func(r Reference) (string, error) {
		if v, ok := values[r.String()]; ok {
			return v, nil
		}
		return "", errors.New("no value")
	}
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"{{params.depth}}", "4"},
		{"a {{ params.depth }} b{{run.id}}", "a 4 br-1"},
		{"{{steps.prepare.outputs.train}}", "/tmp/t"},
		{"{{inputs.a-b}}:{{outputs.o}}", "/in:/out"},
		{"{{{{literal}}", "{{literal}}"},
		{"one } brace", "one } brace"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			p, err := ParseTemplate(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Render(lookup)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestTemplateRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{params.x":                           "no closing",
		"{{}}":                                 "no reference",
		"{{params}}":                           "no reference",
		"{{param.x}}":                          `Did you mean "params"?`,
		"{{steps.a.output.o}}":                 "no reference",
		"{{run.name}}":                         "no reference",
		"{{a b}}":                              "no reference",
		"{{params.x.y}}":                       "no reference",
		"{{" + strings.Repeat("é", 500) + "}}": "…",
	} {
		t.Run(clip(text), func(t *testing.T) {
			t.Parallel()
			if _, err := ParseTemplate(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
}

func TestTemplateRenderNamesTheReference(t *testing.T) {
	t.Parallel()
	p, err := ParseTemplate("x {{inputs.gone}}")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(func(Reference) (string, error) { return "", errors.New("no such file") })
	if diff := cmp.Diff("{{inputs.gone}}: no such file", err.Error()); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseTemplate(f *testing.F) {
	f.Add("a {{params.x}} {{{{ b")
	f.Add("{{steps.s.outputs.o}}")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseTemplate(text)
		if err != nil {
			return
		}
		got, err := p.Render(func(r Reference) (string, error) { return "{{" + r.String() + "}}", nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(p.References()) == 0 && got != strings.ReplaceAll(text, "{{{{", "{{") {
			t.Errorf("%q renders as %q", text, got)
		}
	})
}
