package kubernetes

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// labelMonitor is on the runs that a monitor started: its name.
const labelMonitor = prefix + "monitor"

// retraining is the step that starts a pipeline where the job says that a check is
// violated which is to start it. What it makes is a run like those of a schedule.
func (k monitorKind) retraining(ctx context.Context, s scene, o mlops.OnViolation) (argoTask, argoTemplate, error) {
	task := argoTask{
		Name: monitorRetrain, Template: monitorRetrain, Depends: monitorCheck + ".Succeeded",
		// The job lists checks by our own names, so that no text of anybody's is in the condition.
		When: `"{{tasks.` + monitorCheck + `.outputs.parameters.` + outputViolated + `}}" != ""`,
	}
	run, err := k.retrainingRun(ctx, s, o)
	if err != nil {
		return task, argoTemplate{}, err
	}
	text, err := json.Marshal(run)
	if err != nil {
		return task, argoTemplate{}, err
	}
	step := argoTemplate{Name: monitorRetrain, Account: s.monitorPart(kindServiceAccount).name, Resource: &argoResource{"create", string(text)}}
	if s.podSecurity == "restricted" {
		step.PodSpecPatch, err = barePatch([]string{"init"}, []string{"main"})
	}
	return task, step, err
}

// retrainingRun is the workflow that a violation starts. The API server names it.
func (k monitorKind) retrainingRun(ctx context.Context, s scene, o mlops.OnViolation) (map[string]any, error) {
	pipelines := pipelineKind{k.backend}
	at, err := pipelines.scene(ctx, o.Pipeline)
	if err != nil {
		return nil, blameRetraining(err)
	}
	seen, err := pipelines.look(ctx, at)
	if err != nil {
		return nil, blameRetraining(err)
	}
	spec, err := seen.spec()
	if err != nil {
		return nil, blameRetraining(err)
	}
	given, err := k.retrainingValues(ctx, at, spec, o)
	if err != nil {
		return nil, err
	}
	labels := at.runLabels(o.Pipeline.Name())
	labels[labelMonitor] = labelValue(s.id.Name())
	return map[string]any{
		"apiVersion": kindWorkflow.apiVersion(), "kind": kindWorkflow.name(),
		"metadata": map[string]any{
			"generateName": o.Pipeline.Name() + "-", "namespace": at.namespace,
			"labels": labels, "annotations": map[string]string{notePipeline: string(o.Pipeline)},
		},
		"spec": workflowSpec{TemplateRef: &workflowRef{o.Pipeline.Name()}, Arguments: given, ServiceAccount: at.serviceAccount},
	}, nil
}

// retrainingValues are the arguments of a run that a violation starts, with the datasets
// as they are now: Argo cannot look them up.
func (k monitorKind) retrainingValues(ctx context.Context, at scene, pipeline mlops.PipelineSpec, o mlops.OnViolation) (*argoArguments, error) {
	values, err := pipeline.Resolve(o.Parameters)
	if err != nil {
		return nil, &mlops.Error{Code: mlops.Invalid, Field: "on_violation.parameters", Err: err}
	}
	datasets, err := pipelineKind{k.backend}.datasetsOf(ctx, pipeline)
	if err != nil {
		return nil, err
	}
	places, err := artifactsOf(at.layout)
	if err != nil {
		places = artifacts{layout: at.layout}
	}
	return places.given(pipeline, runVariable, values, statuses(datasets))
}

// blameRetraining gives an error of the pipeline to its attribute.
func blameRetraining(err error) error {
	code := mlops.CodeOf(err)
	if code == mlops.Unknown && isNotFound(err) {
		code = mlops.NotFound
	}
	if code == mlops.NotFound {
		return &mlops.Error{Code: mlops.Invalid, Field: "on_violation.pipeline", Err: errors.New(mlops.Message(err))}
	}
	return err
}

// retrainingRights let one step of a monitor's workflow start workflows, which nothing
// else in the environment may: whoever makes a workflow runs as whom it names.
func (s scene) retrainingRights(spec mlops.MonitorSpec) []manifest {
	role := s.monitorPart(kindRole).name
	rules := append(runnerRules(), policyRule{Groups: []string{"argoproj.io"}, Resources: []string{"workflows"}, Verbs: []string{"create", "get"}})
	return []manifest{
		s.component(s.monitorPart(kindServiceAccount), nil, spec.Labels),
		s.component(s.monitorPart(kindRole), map[string]any{"rules": rules}, spec.Labels),
		s.component(s.monitorPart(kindRoleBinding), map[string]any{
			"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
			"subjects": []map[string]string{{"kind": "ServiceAccount", "name": s.monitorPart(kindServiceAccount).name, "namespace": s.namespace}},
		}, spec.Labels),
	}
}
