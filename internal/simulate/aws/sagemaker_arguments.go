package aws

import (
	"fmt"
	"regexp"
	"strings"
)

// smNames are members that requests need and steps do not have: the service names
// what a step makes.
var smNames = regexp.MustCompile(`^(ProcessingJob|TrainingJob|TransformJob|HyperParameterTuningJob|AutoMLJob|Model|ModelPackage)Name$`)

// smArgumentFault holds the arguments of each step to the request that they become,
// as the service does when it reads a definition. What is only known at run time
// may be anything; what the request does not have is refused, also where the API is
// newer (sagemaker-python-sdk, issue 4994).
func (w *World) smArgumentFault(g *smGraph) error {
	if w.published == nil {
		return nil
	}
	model, err := w.published("sagemaker")
	if err != nil {
		return err
	}
	types := smStepTypes()
	for _, s := range g.steps {
		shape := types[s.Type]
		if shape == "" {
			continue
		}
		for _, v := range smUnexcused(model.Check(shape, s.Arguments), s.Arguments) {
			if v.Problem == "is no member" {
				return smUnparsed("Unknown Argument member '%s'", v.Path[strings.LastIndex(v.Path, ".")+1:])
			}
			return smUnparsed("Invalid argument in step '%s': %s", s.Name, v)
		}
	}
	return nil
}

// smUnexcused are the violations that count: not those within values that are only
// known at run time, nor missing names, nor values that may be newer than the model.
func smUnexcused(found []Violation, arguments any) []Violation {
	late := smLate("", arguments)
	var out []Violation
	for _, v := range found {
		excused := smNames.MatchString(v.Path) && v.Problem == "is required"
		at := smEntries.Replace(v.Path)
		for _, path := range late {
			excused = excused || at == path || strings.HasPrefix(at, path+".") || strings.HasPrefix(at, path+"[")
		}
		if !excused && (!v.Newer || v.Problem == "is no member") {
			out = append(out, v)
		}
	}
	return out
}

// smEntries writes a map's entries like members: only the model tells them apart.
var smEntries = strings.NewReplacer(`["`, ".", `"]`, "")

// smLate lists the places of values that are only known at run time.
func smLate(path string, v any) []string {
	if smWild(v) {
		return []string{path}
	}
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			out = append(out, smLate(join(path, key), inner)...)
		}
	case []any:
		for i, inner := range v {
			out = append(out, smLate(fmt.Sprintf("%s[%d]", path, i), inner)...)
		}
	}
	return out
}
