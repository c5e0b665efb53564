package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxRunName is the longest name of a workflow, which is also a label.
const maxRunName = 63

// start makes the workflow of a run, unless one that stands was made for the same
// request.
func (k pipelineRunKind) start(ctx context.Context, s scene, spec mlops.PipelineRunSpec, pipeline mlops.PipelineSpec) (mlops.Change, error) {
	values, err := pipeline.Resolve(spec.Parameters)
	if err != nil {
		return mlops.Change{}, err
	}
	token := runToken(spec, pipeline.Version(), k.options.Owner)
	all, err := s.runs(ctx)
	if err != nil {
		return mlops.Change{}, err
	}
	attempt := 1
	for _, run := range all {
		if run.facts.Token != token {
			continue
		}
		if run.stands() {
			return run.record.change(), nil
		}
		attempt = max(attempt, run.facts.Attempt+1)
	}
	facts := runFacts{Token: token, Attempt: attempt, Values: values, Pipeline: pipelineOf(pipeline), Datasets: map[mlops.ID]mlops.DatasetVersion{}}
	return k.begin(ctx, s, spec, pipeline, facts)
}

// runToken names what a request asks for, so that a repeated one finds its run.
func runToken(spec mlops.PipelineRunSpec, version, owner string) string {
	return revisionOf([]any{spec.Pipeline, version, filled(spec.Parameters), filled(spec.Triggers), spec.After, owner})
}

// filled makes the nil map, which has another JSON form, the empty one.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// runName is the name of the workflow of an attempt.
func runName(pipeline, token string, attempt int) string {
	return pipeline + "-" + revisionOf([]any{token, attempt})[:runDigits]
}

// begin makes the workflow. Its name is the request's, so that of two that ask for the
// same one makes it and the other finds it.
func (k pipelineRunKind) begin(ctx context.Context, s scene, spec mlops.PipelineRunSpec, pipeline mlops.PipelineSpec, facts runFacts) (mlops.Change, error) {
	run := runName(s.id.Name(), facts.Token, facts.Attempt)
	given, err := k.given(ctx, s, run, pipeline, &facts)
	if err != nil {
		return mlops.Change{}, err
	}
	id := s.id.Child(mlops.NounPipelineRun, run)
	r, err := k.newRecord(id, spec, record{})
	if err != nil {
		return mlops.Change{}, err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return mlops.Change{}, err
	}
	m := s.component(s.of(kindWorkflow, run), map[string]any{"spec": workflowSpec{
		TemplateRef: &workflowRef{s.id.Name()}, Arguments: given, ServiceAccount: s.serviceAccount,
	}}, nil)
	m.labels = s.runLabels(s.id.Name())
	m.labels[labelName] = run
	if m.annotations, err = r.annotations(); err != nil {
		return mlops.Change{}, err
	}
	m.annotations[notePipeline] = string(s.id)
	err = s.cluster.claim(ctx, m)
	if apierrors.IsAlreadyExists(err) {
		return k.adopt(ctx, id, r)
	}
	return r.change(), k.explain(err, m.identity, origins{"spec.arguments": "parameters"})
}

// adopt is the run that another was faster to make for the same request.
func (k pipelineRunKind) adopt(ctx context.Context, id mlops.ID, r record) (mlops.Change, error) {
	_, run, err := k.run(ctx, id)
	switch {
	case err != nil:
		return mlops.Change{}, err
	case !run.known() || run.record.Owner != r.Owner || run.record.Revision != r.Revision:
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("the workflow %s exists and is not of this request", id.Name()))
	case isLeaving(run.object):
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("the run %s of the same request is being deleted", id))
	}
	return run.record.change(), nil
}

// given are the arguments of a run, of whose datasets the facts remember what they
// were. One that breaks its rules, and is not to, is refused.
func (k pipelineRunKind) given(ctx context.Context, s scene, run string, pipeline mlops.PipelineSpec, facts *runFacts) (*argoArguments, error) {
	datasets, err := pipelineKind(k).datasetsOf(ctx, pipeline)
	if err != nil {
		return nil, err
	}
	for _, d := range datasets {
		facts.Datasets[d.Ref] = versionNow(d.Status)
	}
	at, err := artifactsOf(s.layout)
	if err != nil {
		at = artifacts{layout: s.layout}
	}
	return at.given(pipeline, run, facts.Values, statuses(datasets))
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

// pipelineOf is what a run remembers of its pipeline.
func pipelineOf(spec mlops.PipelineSpec) runPipeline {
	out := runPipeline{Version: spec.Version(), Steps: map[string]runStep{}, Types: map[string]string{}}
	for name, p := range spec.Parameters {
		out.Types[name] = p.Type
	}
	for name, s := range spec.Steps {
		out.Steps[name] = runStep{
			Code: mlops.DigestOf([]any{s.Script, s.Command, s.Image}), Packages: s.Packages, Inputs: maps.Clone(s.Inputs), Outputs: s.Outputs, When: s.When,
		}
	}
	return out
}
