package kubernetes

import (
	"context"
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type pipelineObserved = mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]

// Get shows the spec of the record, or Argo's own definition where somebody changed
// that.
func (k pipelineKind) Get(ctx context.Context, ref mlops.ID) (pipelineObserved, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return pipelineObserved{Ref: ref}, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return pipelineObserved{Ref: ref}, err
	}
	return k.observe(ctx, s, seen)
}

// List returns the pipelines of an environment.
func (k pipelineKind) List(ctx context.Context, parent mlops.ID) ([]pipelineObserved, error) {
	if _, err := parent.ParseAs(mlops.NounEnvironment); err != nil {
		return nil, invalid(err)
	}
	p, err := k.place(ctx, parent)
	if k.is(err, mlops.NotFound) {
		return nil, nil // there is nothing in what is not there
	}
	if err != nil {
		return nil, err
	}
	templates, err := p.all(ctx, kindWorkflowTemplate, mlops.NounPipeline)
	if err != nil {
		return nil, withoutKind(err)
	}
	crons, err := p.cluster.list(ctx, kindCronWorkflow, p.namespace, selects(mlops.NounPipeline))
	if err != nil {
		return nil, err
	}
	cronOf := map[mlops.ID]*unstructured.Unstructured{}
	for i := range crons {
		cronOf[mlops.ID(crons[i].GetAnnotations()[noteID])] = &crons[i]
	}
	out := []pipelineObserved{}
	for _, h := range templates {
		s := scene{place: p, noun: mlops.NounPipeline, id: h.record.ID}
		seen, err := newPipelineSeen(h)
		if err != nil {
			return nil, err
		}
		seen.cron = cronOf[s.id]
		seen.moved = seen.movedFrom(p.layout)
		one, err := k.observe(ctx, s, seen)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// withoutKind is nil for the error of a list of what the cluster has no kind for: then
// there is none.
func withoutKind(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

func (k pipelineKind) observe(ctx context.Context, s scene, seen pipelineSeen) (pipelineObserved, error) {
	out := pipelineObserved{Ref: s.id, Phase: mlops.PhaseReady, Revision: seen.record.Revision}
	out.Native = map[string]string{"namespace": s.namespace, "workflow_template": s.id.Name()}
	if seen.record.Spec == nil {
		out.Phase, out.Reason = mlops.PhaseFailed, "its creation was interrupted; apply it again"
		return out, nil
	}
	var err error
	if out.Spec, err = seen.spec(); err != nil {
		return out, err
	}
	if seen.cron != nil {
		out.Native["cron_workflow"] = seen.cron.GetName()
	}
	if isLeaving(seen.object) {
		out.Phase = mlops.PhaseDeleting
		out.Reason, out.Due, err = k.leavingReason(ctx, s, seen)
		out.Status.Version = out.Spec.Version()
		return out, err
	}
	showFlaw(&out, seen.flaw(out.Spec.Schedule), seen)
	out.Status.Version = out.Spec.Version()
	return out, nil
}

// showFlaw makes what somebody changed a difference from the configuration: a schedule
// that is gone or another as none, and steps that are others as Argo has them.
func showFlaw(out *pipelineObserved, flaw string, seen pipelineSeen) {
	switch {
	case flaw == "":
		if problem := specError(seen); problem != "" {
			out.Phase, out.Reason = mlops.PhaseFailed, problem
		}
	case strings.HasPrefix(flaw, flawOfSchedule):
		out.Reason, out.Spec.Schedule, out.Revision = flaw, nil, ""
	default:
		out.Reason, out.Revision = flaw, ""
		if text, err := json.Marshal(map[string]any{"apiVersion": kindWorkflowTemplate.apiVersion(), "kind": kindWorkflowTemplate.name(), "spec": seen.object.Object["spec"]}); err == nil {
			out.Spec.Steps, out.Spec.Definition = nil, string(text)
		}
	}
}

// specError is what Argo's controller finds wrong with the schedule, or "".
func specError(seen pipelineSeen) string {
	if seen.cron == nil {
		return ""
	}
	status := statusOf[struct {
		Conditions []struct{ Type, Status, Message string } `json:"conditions"`
	}](seen.cron)
	for _, c := range status.Conditions {
		if c.Type == "SpecError" && c.Status == "True" {
			return "Argo refuses the schedule: " + c.Message
		}
	}
	return ""
}

// flawOfSchedule begins the words for a schedule that is not as it was made.
const flawOfSchedule = "its schedule"

// flaw says what of a pipeline is not as it was made, or "".
func (p pipelineSeen) flaw(asked *mlops.Schedule) string {
	switch {
	case markOf(p.object) != p.facts.Template:
		return "its definition was changed behind the provider's back"
	case p.moved != "":
		return p.moved
	case asked == nil && p.cron != nil: // its removal was interrupted
		return flawOfSchedule + " is still there"
	case asked == nil:
		return ""
	case p.cron == nil || isLeaving(p.cron):
		return flawOfSchedule + " is gone"
	case markOf(p.cron) != p.facts.Cron:
		return flawOfSchedule + " is another: somebody changed it"
	}
	return ""
}

// markOf is a mark of an object's spec.
func markOf(o *unstructured.Unstructured) string { return revisionOf(o.Object["spec"]) }
