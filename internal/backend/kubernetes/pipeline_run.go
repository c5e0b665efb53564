package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineRunKind is the kind of runs: workflows, with the record in their annotations.
// Those that a schedule started have none.
type pipelineRunKind struct{ *backend }

// What a run says of its pipeline.
const (
	labelPipeline = prefix + "pipeline" // the pipeline's name
	notePipeline  = prefix + "pipeline" // the pipeline's ID
)

// runDigits is how much of a run's name tells it from its pipeline's others.
const runDigits = 10

// runFacts is what a run's record has beside the spec.
type runFacts struct {
	Token    string                            `json:"token"`
	Attempt  int                               `json:"attempt"`
	Values   map[string]string                 `json:"values"`             // of the parameters, defaults filled in
	Datasets map[mlops.ID]mlops.DatasetVersion `json:"datasets,omitempty"` // that the steps read, as they were
	Pipeline runPipeline                       `json:"pipeline"`
}

// runPipeline is the pipeline of a run as it was when that started: what its lineage
// tells.
type runPipeline struct {
	Version string             `json:"version"`
	Steps   map[string]runStep `json:"steps"`           // by the pipeline's own names
	Types   map[string]string  `json:"types,omitempty"` // of the parameters that conditions may compare
}

type runStep struct {
	Code     string            `json:"code"`
	Packages []string          `json:"packages,omitempty"`
	Inputs   map[string]string `json:"inputs,omitempty"` // templates
	Outputs  []string          `json:"outputs,omitempty"`
	When     []string          `json:"when,omitempty"`
}

// seenRun is a run as a look finds it.
type seenRun struct {
	held

	facts  runFacts
	status workflowStatus
}

// known reports whether the provider started it.
func (r seenRun) known() bool { return r.record.Spec != nil }

// stands reports whether a run is under way or succeeded: whether it is what was asked
// for.
func (r seenRun) stands() bool {
	switch r.status.Phase {
	case phaseFailed, phaseError:
		return false
	}
	return !isLeaving(r.object)
}

// PipelineRuns returns the kind of runs.
func (b *backend) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return pipelineRunKind{b}
}

// Create starts a run, or finds the one that a repeated request started. A run that
// failed is started again.
func (k pipelineRunKind) Create(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	if err := capabilities().Admit(name, mlops.NounPipelineRun, "", spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := pipelineKind(k).scene(ctx, spec.Pipeline)
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.turns.Take(ctx, string(spec.Pipeline)+"/runs")
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	seen, err := pipelineKind(k).look(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	pipeline, err := seen.spec()
	if err != nil || isLeaving(seen.object) {
		return mlops.Change{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%s is not there in whole: its creation was interrupted, or it is being deleted", s.id))
	}
	return k.start(ctx, s, spec, pipeline)
}

// Update asks for a run with these inputs. If ref has them, and has not failed, it is
// left alone; else a successor is started, and ref stays as history.
func (k pipelineRunKind) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	_, run, err := k.run(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	if !run.known() {
		spec.After = ref
		return k.Create(ctx, spec)
	}
	var inForce mlops.PipelineRunSpec
	if err := run.record.into(&inForce); err != nil {
		return mlops.Change{}, err
	}
	same := spec.Pipeline == inForce.Pipeline && maps.Equal(spec.Parameters, inForce.Parameters) && maps.Equal(spec.Triggers, inForce.Triggers)
	switch {
	case !same:
		spec.After = ref
	case !run.stands():
		spec.After = inForce.After
	default:
		return run.record.change(), nil
	}
	return k.Create(ctx, spec)
}

// Delete stops a run that is under way and removes it, with the runs that it followed
// in the same resource.
func (k pipelineRunKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, run, err := k.run(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.stop(ctx, run.object); err != nil {
		return err
	}
	for run.known() {
		var spec mlops.PipelineRunSpec
		if err := run.record.into(&spec); err != nil {
			return err
		}
		if _, run, err = k.run(ctx, spec.After); spec.After == "" || k.is(err, mlops.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.stop(ctx, run.object); err != nil {
			return err
		}
	}
	return nil
}

// Get takes one look at a workflow.
func (k pipelineRunKind) Get(ctx context.Context, ref mlops.ID) (runObserved, error) {
	s, run, err := k.run(ctx, ref)
	if err != nil {
		return runObserved{Ref: ref}, err
	}
	return k.observe(ctx, s, run)
}

// List returns the runs of a pipeline, those of its schedule among them.
func (k pipelineRunKind) List(ctx context.Context, parent mlops.ID) ([]runObserved, error) {
	s, err := pipelineKind(k).scene(ctx, parent)
	if err != nil {
		return nil, err
	}
	all, err := s.runs(ctx)
	if err != nil {
		return nil, err
	}
	out := []runObserved{}
	for _, run := range all {
		seen, err := k.observe(ctx, s, run)
		if err != nil {
			return nil, err
		}
		out = append(out, seen)
	}
	return out, nil
}

// run finds the workflow of a run. One of another pipeline is NotFound.
func (k pipelineRunKind) run(ctx context.Context, ref mlops.ID) (scene, seenRun, error) {
	if err := ctx.Err(); err != nil {
		return scene{}, seenRun{}, err
	}
	if _, err := ref.ParseAs(mlops.NounPipelineRun); err != nil {
		return scene{}, seenRun{}, invalid(err)
	}
	s, err := pipelineKind(k).scene(ctx, ref.Parent())
	if err != nil {
		return s, seenRun{}, err
	}
	if !strings.HasPrefix(ref.Name(), s.id.Name()+"-") || len(ref.Name()) > maxRunName {
		return s, seenRun{}, mlops.NewError(mlops.NotFound, fmt.Errorf("%q is not the name of a run of %s", ref.Name(), s.id))
	}
	object, err := s.cluster.get(ctx, s.of(kindWorkflow, ref.Name()))
	if err != nil {
		return s, seenRun{}, err
	}
	if object.GetAnnotations()[notePipeline] != string(s.id) {
		return s, seenRun{}, mlops.NewError(mlops.NotFound, fmt.Errorf("the workflow %s is no run of %s", ref.Name(), s.id))
	}
	run, err := newSeenRun(object)
	return s, run, err
}

// newSeenRun reads what a workflow says of itself.
func newSeenRun(object *unstructured.Unstructured) (seenRun, error) {
	run := seenRun{held: held{object: object}}
	if object.GetAnnotations()[noteID] != "" {
		var err error
		if run.record, err = recordIn(object); err != nil {
			return run, err
		}
		if run.record.Extra != nil {
			if err := json.Unmarshal(run.record.Extra, &run.facts); err != nil {
				return run, err
			}
		}
	}
	run.status = statusOf[workflowStatus](object)
	return run, run.status.unpack()
}

// workflows lists the workflows of a pipeline.
func (s scene) workflows(ctx context.Context) ([]unstructured.Unstructured, error) {
	all, err := s.cluster.list(ctx, kindWorkflow, s.namespace, selects(mlops.NounPipelineRun)+","+labelPipeline+"="+s.id.Name())
	if err != nil {
		return nil, withoutKind(err)
	}
	return slices.DeleteFunc(all, func(o unstructured.Unstructured) bool { return o.GetAnnotations()[notePipeline] != string(s.id) }), nil
}

// runs lists the runs of a pipeline, oldest first.
func (s scene) runs(ctx context.Context) ([]seenRun, error) {
	all, err := s.workflows(ctx)
	if err != nil {
		return nil, err
	}
	var out []seenRun
	for i := range all {
		run, err := newSeenRun(&all[i])
		if err != nil {
			return nil, err
		}
		out = append(out, run)
	}
	slices.SortFunc(out, func(a, b seenRun) int { return a.created().Compare(b.created()) })
	return out, nil
}

// created is when the workflow was made: by the record, which knows it more precisely,
// or by the API server.
func (r seenRun) created() time.Time {
	if r.known() {
		return r.record.Created
	}
	return r.object.GetCreationTimestamp().Time
}

// statusOf reads the status of an object, as far as it has the fields.
func statusOf[Status any](o *unstructured.Unstructured) Status {
	var status Status
	if raw, err := json.Marshal(o.Object["status"]); err == nil {
		_ = json.Unmarshal(raw, &status) // what cannot be read is not there
	}
	return status
}

// timeOf is a time as the API server writes it, zero for none.
func timeOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return metav1.NewTime(t).UTC()
}
