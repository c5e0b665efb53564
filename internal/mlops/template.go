package mlops

import (
	"fmt"
	"regexp"
	"strings"
)

// RefKind is what a template reference refers to.
type RefKind string

// The kinds of reference.
const (
	RefParam      RefKind = "params"   // {{params.x}}: a parameter's value
	RefStepOutput RefKind = "steps"    // {{steps.s.outputs.o}}: path of another step's output
	RefInput      RefKind = "inputs"   // {{inputs.i}}: path of an input of this step
	RefOutput     RefKind = "outputs"  // {{outputs.o}}: path that this step writes an output to
	RefRunID      RefKind = "run"      // {{run.id}}: name of the run
	RefDataset    RefKind = "datasets" // {{datasets.d}}: path of the bytes of a dataset of the same environment
)

// Reference is one {{…}} of a template.
type Reference struct {
	Kind RefKind
	Step string // of a step's output
	Name string // of the parameter, input or output
}

// String writes the reference as in a template, without braces.
func (r Reference) String() string {
	switch r.Kind {
	case RefStepOutput:
		return "steps." + r.Step + ".outputs." + r.Name
	case RefRunID:
		return "run.id"
	default:
		return string(r.Kind) + "." + r.Name
	}
}

// Template is text with references in it.
type Template struct {
	parts []templatePart
}

type templatePart struct {
	text string
	ref  *Reference
}

var identifier = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]*$`)

// ParseTemplate parses text with references such as {{params.x}}. A doubled
// opening, "{{{{", stands for two literal braces.
func ParseTemplate(text string) (Template, error) {
	var t Template
	addText := func(s string) {
		if s != "" {
			t.parts = append(t.parts, templatePart{text: s})
		}
	}
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{{")
		addText(before)
		if !found {
			return t, nil
		}
		if literal, ok := strings.CutPrefix(after, "{{"); ok {
			addText("{{")
			rest = literal
			continue
		}
		inner, behind, closed := strings.Cut(after, "}}")
		if !closed {
			return Template{}, fmt.Errorf("\"{{%s\" has no closing \"}}\"", clip(after))
		}
		ref, err := parseReference(strings.TrimSpace(inner))
		if err != nil {
			return Template{}, err
		}
		t.parts = append(t.parts, templatePart{ref: &ref})
		rest = behind
	}
}

func parseReference(s string) (Reference, error) {
	words := strings.Split(s, ".")
	for _, w := range words {
		if !identifier.MatchString(w) {
			return Reference{}, fmt.Errorf("{{%s}} is no reference: write {{params.x}}, {{steps.s.outputs.o}}, {{inputs.i}}, {{outputs.o}}, {{datasets.d}} or {{run.id}}", clip(s))
		}
	}
	kind := RefKind(words[0])
	switch {
	case len(words) == 2 && (kind == RefParam || kind == RefInput || kind == RefOutput || kind == RefDataset):
		return Reference{Kind: kind, Name: words[1]}, nil
	case len(words) == 4 && kind == RefStepOutput && words[2] == "outputs":
		return Reference{Kind: kind, Step: words[1], Name: words[3]}, nil
	case s == "run.id":
		return Reference{Kind: RefRunID}, nil
	}
	kinds := []string{"params", "steps", "inputs", "outputs", "datasets", "run"}
	return Reference{}, fmt.Errorf("{{%s}} is no reference: write {{params.x}}, {{steps.s.outputs.o}}, {{inputs.i}}, {{outputs.o}}, {{datasets.d}} or {{run.id}}.%s", clip(s), DidYouMean(words[0], kinds))
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// References lists the references in order of appearance.
func (t Template) References() []Reference {
	var refs []Reference
	for _, p := range t.parts {
		if p.ref != nil {
			refs = append(refs, *p.ref)
		}
	}
	return refs
}

// Render puts values in place of the references.
func (t Template) Render(value func(Reference) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.ref == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := value(*p.ref)
		if err != nil {
			return "", fmt.Errorf("{{%s}}: %w", p.ref, err)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}
