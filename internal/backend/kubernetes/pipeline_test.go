package kubernetes

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// playStep is what becomes of a step's pod: its program is not run, but false fails,
// and one that has metrics writes some.
func playStep(pod *unstructured.Unstructured) kubetest.Outcome {
	step := stepOf(pod)
	if step.Container != nil && slices.Equal(step.Container.Command, []string{"false"}) {
		return kubetest.Outcome{ExitCode: 3}
	}
	out := kubetest.Outcome{Outputs: map[string]string{}}
	if step.Outputs != nil {
		for _, p := range step.Outputs.Parameters {
			out.Outputs[p.Name] = `{"accuracy": 0.9}`
		}
	}
	return out
}

// stepOf is the template that a pod of Argo's runs, which its containers have in a
// variable.
func stepOf(pod *unstructured.Unstructured) argoTemplate {
	type containers []struct {
		Env []envVar `json:"env"`
	}
	var spec struct {
		Init containers `json:"initContainers"`
		Main containers `json:"containers"`
	}
	raw, err := json.Marshal(pod.Object["spec"])
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(raw, &spec); err != nil {
		panic(err)
	}
	var step argoTemplate
	for _, c := range append(spec.Init, spec.Main...) {
		for _, v := range c.Env {
			if v.Name == "ARGO_TEMPLATE" {
				if err := json.Unmarshal([]byte(v.Value), &step); err != nil {
					panic(err)
				}
			}
		}
	}
	return step
}
