package kubetest

import (
	"context"
	_ "embed"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// outcomeKey is the annotation that says what becomes of a pod: one of the outcomes.
// Until a pod has it, nothing does.
const outcomeKey = "kubetest/outcome"

// The outcomes of a pod.
const (
	outcomeReady    = "ready"    // it starts, becomes ready and stays so
	outcomeComplete = "complete" // it starts, and ends with exit code 0
	outcomeFail     = "fail"     // it starts, and ends with the code in kubetest/exit-code
	outcomeWait     = "wait"     // it does not start, for the reason in kubetest/reason
)

//go:embed testdata/stages.yaml
var ownStages string

// installStages installs what kwok does with nodes and pods: kwok's own fast stages,
// the pods' bound to outcomes, and ours for the outcomes that those have not.
func (c *Cluster) installStages(ctx context.Context) error {
	const module, folder = "sigs.k8s.io/kwok", "kustomize/stage/"
	found, err := c.sources(
		source{module, folder + "node/fast/node-initialize.yaml"},
		source{module, folder + "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml"},
		source{module, folder + "pod/fast/pod-ready.yaml"},
		source{module, folder + "pod/fast/pod-complete.yaml"},
		source{module, folder + "pod/fast/pod-delete.yaml"},
	)
	if err != nil {
		return err
	}
	own, err := decode([]byte(ownStages))
	if err != nil {
		return err
	}
	for _, stage := range append(found, own...) {
		if err := bind(stage); err != nil {
			return err
		}
		if _, err := c.objects.apply(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// bind lets a stage happen only to pods of certain outcomes.
func bind(stage *unstructured.Unstructured) error {
	of := map[string][]any{
		"pod-ready":    {outcomeReady, outcomeComplete, outcomeFail},
		"pod-complete": {outcomeComplete},
	}[stage.GetName()]
	if of == nil {
		return nil
	}
	path := []string{"spec", "selector", "matchExpressions"}
	all, _, err := unstructured.NestedSlice(stage.Object, path...)
	if err != nil {
		return fmt.Errorf("stage %s: %w", stage.GetName(), err)
	}
	// Which pods run to completion, the outcome says too: kwok has jobs' alone.
	var kept []any
	for _, one := range all {
		if e, ok := one.(map[string]any); !ok || e["key"] != ".metadata.ownerReferences.[].kind" {
			kept = append(kept, one)
		}
	}
	kept = append(kept, map[string]any{"key": fmt.Sprintf(".metadata.annotations[%q]", outcomeKey), "operator": "In", "values": of})
	return unstructured.SetNestedSlice(stage.Object, kept, path...)
}
