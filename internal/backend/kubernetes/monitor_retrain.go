package kubernetes

import (
	"context"
	"errors"
	"path"
	"strconv"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// labelMonitor is on the runs that a monitor started: its name.
const labelMonitor = prefix + "monitor"

// kindLease is the kind of what keeps a monitor's starts.
const kindLease kind = "coordination.k8s.io/v1/Lease"

// runFile is the key of the config map that has the run of on_violation.
const runFile = "run.json"

// retraining is the step that starts a pipeline where the job says that a check is
// violated which is to start it, and what was started before allows it. What it makes is
// a run like those of a schedule.
func (k monitorKind) retraining(s scene, o mlops.OnViolation) (argoTask, argoTemplate, error) {
	task := argoTask{
		Name: monitorRetrain, Template: monitorRetrain, Depends: monitorCheck + ".Succeeded",
		// The job lists checks by our own names, so that no text of anybody's is in the condition.
		When: `"{{tasks.` + monitorCheck + `.outputs.parameters.` + outputViolated + `}}" != ""`,
	}
	most := int64(mlops.DefaultPerMonth)
	if o.MaxPerMonth != nil {
		most = *o.MaxPerMonth
	}
	step := argoTemplate{
		Name: monitorRetrain, Account: s.monitorPart(kindServiceAccount).name, Deadline: longestStart,
		Volumes: []map[string]any{s.monitorVolume()},
		Container: &container{
			Image: s.monitorImage(k.options.Version), Command: []string{monitorProgram},
			Args: []string{
				"retrain", "--lease", s.monitorPart(kindLease).name, "--pipeline", string(o.Pipeline), "--run", path.Join(monitorFolder, runFile),
				"--cooldown", o.Cooldown.Or(mlops.DefaultCooldown).String(), "--max-per-month", strconv.FormatInt(most, 10),
			},
			Mounts: []volumeMount{{Name: volumeOfMonitor, Path: monitorFolder}},
		},
	}
	var err error
	if s.podSecurity == "restricted" {
		step.PodSpecPatch, err = barePatch([]string{"init"}, []string{"main", "wait"})
	}
	return task, step, err
}

// longestStart is after how many seconds the start of a run is given up. The next
// violation goes on with it.
const longestStart = 10 * 60

// retrainingRun is the workflow that a violation starts, which the step names.
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
// else in the environment may: whoever makes a workflow runs as whom it names. The lease
// is made empty, and what the step writes there stays.
func (s scene) retrainingRights(spec mlops.MonitorSpec) []manifest {
	role, lease := s.monitorPart(kindRole).name, s.monitorPart(kindLease).name
	rules := append(
		runnerRules(),
		policyRule{Groups: []string{"argoproj.io"}, Resources: []string{"workflows"}, Verbs: []string{"create", "get"}},
		policyRule{Groups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Names: []string{lease}, Verbs: []string{"get", "update"}},
	)
	return []manifest{
		s.component(s.monitorPart(kindLease), nil, spec.Labels),
		s.component(s.monitorPart(kindServiceAccount), nil, spec.Labels),
		s.component(s.monitorPart(kindRole), map[string]any{"rules": rules}, spec.Labels),
		s.component(s.monitorPart(kindRoleBinding), map[string]any{
			"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
			"subjects": []map[string]string{{"kind": "ServiceAccount", "name": s.monitorPart(kindServiceAccount).name, "namespace": s.namespace}},
		}, spec.Labels),
	}
}
