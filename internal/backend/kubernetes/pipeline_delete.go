package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// drop removes the schedule first, so that nothing starts any more, then the runs, and
// the template when all of them have gone, which Advance does.
func (k pipelineKind) drop(ctx context.Context, s scene, seen pipelineSeen) error {
	if err := k.dismiss(ctx, s.cluster, s.id, []identity{s.cronOf()}); err != nil {
		return err
	}
	runs, err := s.workflows(ctx)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return k.finish(ctx, s, seen)
	}
	if err := k.markLeaving(ctx, s, seen.object); err != nil {
		return err
	}
	for i := range runs {
		if err := s.stop(ctx, &runs[i]); err != nil {
			return err
		}
	}
	return nil
}

// Advance finishes a deletion whose runs have gone.
func (k pipelineKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := k.turns.Take(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := k.look(ctx, s)
	if err != nil || !isLeaving(seen.object) {
		return err
	}
	return k.drop(ctx, s, seen)
}

// finish removes what a pipeline has beside its template, and then that.
func (k pipelineKind) finish(ctx context.Context, s scene, seen pipelineSeen) error {
	if err := k.dismiss(ctx, s.cluster, s.id, s.beside()); err != nil {
		return err
	}
	err := s.cluster.remove(ctx, seen.object)
	if isNotFound(err) {
		return nil
	}
	return err
}

// markLeaving writes into a template that its pipeline is being removed.
func (k pipelineKind) markLeaving(ctx context.Context, s scene, have *unstructured.Unstructured) error {
	if isLeaving(have) {
		return nil
	}
	return s.cluster.note(ctx, have, noteLeaving, "true")
}

// stop begins to remove a run, and is done when none of its pods is left.
func (s scene) stop(ctx context.Context, run *unstructured.Unstructured) error {
	if run.GetDeletionTimestamp() != nil {
		return nil
	}
	uid, foreground := run.GetUID(), metav1.DeletePropagationForeground
	err := s.cluster.at(kindWorkflow, s.namespace).Delete(ctx, run.GetName(), metav1.DeleteOptions{
		PropagationPolicy: &foreground, Preconditions: &metav1.Preconditions{UID: &uid},
	})
	if isNotFound(err) {
		return nil
	}
	return err
}

// leavingReason is how the deletion of a pipeline stands, and whether it can be
// finished.
func (k pipelineKind) leavingReason(ctx context.Context, s scene, seen pipelineSeen) (reason string, due bool, err error) {
	if words := lingering(seen.object); words != "" {
		return words, false, nil
	}
	runs, err := s.workflows(ctx)
	if err != nil {
		return "", false, err
	}
	for i := range runs {
		if words := lingering(&runs[i]); len(runs[i].GetFinalizers()) > 1 {
			return words, true, nil
		}
	}
	return fmt.Sprintf("%d of its runs are being stopped", len(runs)), true, nil
}

// note writes an annotation of an object.
func (c *cluster) note(ctx context.Context, of *unstructured.Unstructured, key, value string) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": of.GetUID(), "annotations": map[string]string{key: value}}})
	if err != nil {
		return err
	}
	i := identityOf(of)
	_, err = c.at(i.kind, i.namespace).Patch(ctx, i.name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: agent})
	return err
}
