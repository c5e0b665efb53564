package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// external is data that a pipeline reads and does not make: a dataset, or what the
// input of a step says by a URI. Where it is, is said when a run starts.
type external struct {
	name    string // of the artifact that the graph is given
	dataset string // or ""
	uri     string // a template, where it is no dataset
	at      mlops.Path
}

func datasetArtifact(name string) string { return "dataset-" + name }

// externalName is the name of the artifact for an input's text.
func externalName(text string) string { return "data-" + revisionOf(text)[:8] }

// isExternal reports whether an input says where data is: a URI, or a parameter that
// may be one.
func isExternal(t mlops.Template, text string) bool {
	refs := t.References()
	if slices.ContainsFunc(refs, isData) {
		return false
	}
	before, _, isURI := strings.Cut(text, "://")
	if isURI {
		return !strings.ContainsAny(before, "/ ")
	}
	return strings.HasPrefix(text, mlflowScheme+":/") || len(refs) > 0 && refs[0].Kind == mlops.RefParam && strings.HasPrefix(text, "{{")
}

// external lists the data that the pipeline reads and does not make, by name.
func (c compiler) external() []external { return externalOf(c.spec) }

func externalOf(spec mlops.PipelineSpec) []external {
	found := map[string]external{}
	for _, d := range spec.Datasets() {
		found[datasetArtifact(d)] = external{name: datasetArtifact(d), dataset: d}
	}
	for name, s := range spec.Steps {
		for in, text := range s.Inputs {
			t, err := mlops.ParseTemplate(text)
			if err == nil && isExternal(t, text) {
				x := external{name: externalName(text), uri: text, at: mlops.At("steps", mlops.Key(name), "inputs", mlops.Key(in))}
				if other, taken := found[x.name]; !taken || x.at.String() < other.at.String() {
					found[x.name] = x
				}
			}
		}
	}
	var all []external
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all
}

// place is where an input's data is, by the values of a run.
func (x external) place(run string, values map[string]string) (string, error) {
	t, err := mlops.ParseTemplate(x.uri)
	if err != nil {
		return "", invalid(err)
	}
	return t.Render(func(r mlops.Reference) (string, error) {
		if r.Kind == mlops.RefRunID {
			return run, nil
		}
		if v, ok := values[r.Name]; ok && r.Kind == mlops.RefParam {
			return v, nil
		}
		return "", fmt.Errorf("{{%s}} has no value", r)
	})
}

// given are the arguments of a run: the values of its parameters, and where the data
// is that it reads. Datasets are by name;
// run is the name that the run has.
func (a artifacts) given(spec mlops.PipelineSpec, run string, values map[string]string, datasets map[string]mlops.DatasetStatus) (*argoArguments, error) {
	out := &argoArguments{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		out.Parameters = append(out.Parameters, argoParameter{Name: name, Value: &value})
	}
	for _, x := range externalOf(spec) {
		uri := datasets[x.dataset].URI
		if x.dataset != "" {
			digest := datasets[x.dataset].Digest
			out.Parameters = append(out.Parameters, argoParameter{Name: digestParameter(x.dataset), Value: &digest})
		} else {
			var err error
			if uri, err = x.place(run, values); err != nil {
				return nil, fmt.Errorf("%s: %w", x.at, err)
			}
		}
		at, err := a.locate(uri)
		if err != nil {
			return nil, mlops.InvalidField("parameters", "%s: %w", x.at, err)
		}
		archive := asItIs()
		if strings.HasPrefix(uri, mlflowScheme+":") && strings.HasSuffix(uri, ".tgz") { // an output of another run
			archive = map[string]any{"tar": map[string]any{}}
		}
		out.Artifacts = append(out.Artifacts, argoArtifact{Name: x.name, Archive: archive, argoLocation: at})
	}
	return out, nil
}

// datasetsOf are the datasets that a pipeline reads, by name.
func (k pipelineKind) datasetsOf(ctx context.Context, spec mlops.PipelineSpec) (map[string]datasetObserved, error) {
	all := map[string]datasetObserved{}
	for _, d := range spec.Datasets() {
		seen, err := k.datasetNamed(ctx, spec, d)
		if err != nil {
			return nil, err
		}
		all[d] = seen
	}
	return all, nil
}

// datasetNamed is a dataset of the pipeline's environment. One that has no data is a
// Conflict.
func (k pipelineKind) datasetNamed(ctx context.Context, spec mlops.PipelineSpec, dataset string) (datasetObserved, error) {
	seen, err := k.Datasets().Get(ctx, spec.Environment.Child(mlops.NounDataset, dataset))
	if err != nil {
		return seen, fmt.Errorf("dataset %q: %w", dataset, err)
	}
	if seen.Status.URI == "" {
		return seen, mlops.NewError(mlops.Conflict, fmt.Errorf("the dataset %q has no data that a step could read: %s", dataset, seen.Reason))
	}
	return seen, nil
}

// statuses are those of datasets, by name.
func statuses(all map[string]datasetObserved) map[string]mlops.DatasetStatus {
	out := map[string]mlops.DatasetStatus{}
	for name, d := range all {
		out[name] = d.Status
	}
	return out
}
