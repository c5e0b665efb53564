package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// runToken names what a request asks for, so that a repeated one finds its run.
func runToken(spec mlops.PipelineRunSpec, version, owner string) string {
	return strings.TrimPrefix(mlops.DigestOf([]any{spec.Pipeline, version, filled(spec.Parameters), filled(spec.Triggers), spec.After, owner}), "sha256:")[:runTokenDigits]
}

// filled makes the nil map, which has another JSON form, the empty one.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// withToken lists the runs of a token, oldest first. One that was deleted keeps
// its token in its name.
func (k pipelineRunKind) withToken(ctx context.Context, s scene, token string) ([]execution, error) {
	var found []execution
	err := k.eachExecution(ctx, s, func(e execution, name string) {
		if e.facts.Token == token || strings.HasPrefix(name, runName(token, 0)) {
			found = append(found, e)
		}
	})
	slices.Reverse(found)
	return found, err
}

// runName is the name that an execution shows.
func runName(token string, attempt int) string {
	if attempt == 0 {
		return "mlops-" + token + "-"
	}
	return "mlops-" + token + "-" + strconv.Itoa(attempt)
}

// outputsOf lists the outputs of a pipeline's steps.
func outputsOf(p mlops.PipelineSpec) map[string][]string {
	out := map[string][]string{}
	for name, s := range p.Steps {
		if len(s.Outputs) > 0 {
			out[name] = s.Outputs
		}
	}
	return out
}

// checkValues refuses values that do not fit into the variables of the jobs that
// they are passed by, and empty ones where nothing can make them empty again.
func checkValues(pipeline mlops.PipelineSpec, values map[string]string) error {
	use := useOfParameters(pipeline)
	for _, p := range sortedPairs(values) {
		if n := len([]rune(p[1])); use.passed[p[0]] && n > maxJobValue {
			return mlops.InvalidField("parameters", "the value of %q is passed in a variable of a job, which has at most %d characters; it has %d", p[0], maxJobValue, n)
		}
		if p[1] == "" && (use.raw[p[0]] || pipeline.Definition != "") {
			return mlops.InvalidField("parameters", "the value of %q is empty, and SageMaker passes no empty value to what uses it: an input, or a command in an image of yours", p[0])
		}
	}
	return nil
}

// parameterUse is where a pipeline's parameters are used, by name.
type parameterUse struct {
	passed map[string]bool // in a job's variables or arguments
	raw    map[string]bool // where no program of ours sees the value first
}

func useOfParameters(pipeline mlops.PipelineSpec) parameterUse {
	use := parameterUse{map[string]bool{}, map[string]bool{}}
	note := func(text string, in ...map[string]bool) {
		t, err := mlops.ParseTemplate(text)
		if err != nil {
			return // the portable rules tell
		}
		for _, r := range t.References() {
			for _, m := range in {
				m[r.Name] = m[r.Name] || r.Kind == mlops.RefParam
			}
		}
	}
	for _, step := range pipeline.Steps {
		for _, text := range step.Inputs {
			note(text, use.raw)
		}
		for _, text := range append(slices.Collect(maps.Values(step.Env)), step.Command...) {
			if direct(step) {
				note(text, use.passed, use.raw)
			} else {
				note(text, use.passed)
			}
		}
	}
	return use
}

// begin starts an execution. The request's token makes a repeated one the same.
func (k pipelineRunKind) begin(ctx context.Context, s scene, spec mlops.PipelineRunSpec, pipeline mlops.PipelineSpec, facts runFacts) (mlops.Change, error) {
	parameters, err := k.runParameters(ctx, pipeline, &facts)
	if err != nil {
		return mlops.Change{}, err
	}
	r, note, err := k.runNote(spec, facts)
	if err != nil {
		return mlops.Change{}, err
	}
	name := runName(facts.Token, facts.Attempt)
	out, err := s.c.sagemaker.StartPipelineExecution(ctx, &sagemaker.StartPipelineExecutionInput{
		PipelineName: &s.name, PipelineParameters: parameters, PipelineExecutionDisplayName: &name, PipelineExecutionDescription: &note,
		ClientRequestToken: aws.String(strings.TrimPrefix(mlops.DigestOf([]any{s.arn, name}), "sha256:")),
	})
	if err != nil {
		return mlops.Change{}, err
	}
	return k.changeOf(spec.Pipeline, execution{id: lastSegment(aws.ToString(out.PipelineExecutionArn)), record: &r}), nil
}

// lastSegment is what an execution is called within its ARN.
func lastSegment(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// runNote is the record of a run, and the description that holds it.
func (k pipelineRunKind) runNote(spec mlops.PipelineRunSpec, facts runFacts) (r record, note string, err error) {
	if r, err = k.newRecord("", spec); err != nil {
		return r, "", err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return r, "", err
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return r, "", err
	}
	packed, err := pack(raw)
	if err != nil {
		return r, "", err
	}
	if note = runMark + packed; len(note) > maxRunNote {
		return r, "", mlops.InvalidField("triggers", "parameters and triggers are too large to be kept with the run: %d characters when compressed, and at most %d fit", len(packed), maxRunNote-len(runMark))
	}
	return r, note, nil
}

// runParameters are the values, defaults among them, and where the datasets are
// now, of which the facts remember what they were.
func (k pipelineRunKind) runParameters(ctx context.Context, pipeline mlops.PipelineSpec, facts *runFacts) ([]types.Parameter, error) {
	var all []types.Parameter
	for _, p := range sortedPairs(facts.Values) {
		all = append(all, types.Parameter{Name: aws.String(p[0]), Value: aws.String(nativeValue(p[1]))})
	}
	datasets, err := pipelineKind(k).datasetsOf(ctx, pipeline)
	if err != nil {
		return nil, err
	}
	facts.Datasets = map[mlops.ID]mlops.DatasetVersion{}
	for _, d := range datasets {
		all = append(all, types.Parameter{Name: aws.String(datasetPrefix + d.Ref.Name()), Value: aws.String(d.Status.URI)})
		facts.Datasets[d.Ref] = versionNow(d.Status)
	}
	return all, nil
}

// versionNow is the present version of a dataset.
func versionNow(s mlops.DatasetStatus) mlops.DatasetVersion {
	for _, v := range s.History {
		if v.Version == s.Version {
			return v
		}
	}
	return mlops.DatasetVersion{Version: s.Version, Digest: s.Digest, Rows: s.Rows, CreatedAt: s.CreatedAt}
}

// datasetsOf are the datasets that a pipeline reads, by name.
func (k pipelineKind) datasetsOf(ctx context.Context, spec mlops.PipelineSpec) ([]mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	var all []mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]
	for _, d := range spec.Datasets() {
		seen, err := datasetKind(k).Get(ctx, spec.Environment.Child(mlops.NounDataset, d))
		if err != nil {
			return nil, fmt.Errorf("dataset %q: %w", d, err)
		}
		all = append(all, seen)
	}
	return all, nil
}

// sortedPairs are a map's entries, by key.
func sortedPairs(m map[string]string) [][2]string {
	var all [][2]string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, [2]string{key, m[key]})
	}
	return all
}
