package kubetest_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

const service = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: %NAME%, annotations: {serving.kserve.io/deploymentMode: Standard}}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 3
    scaleTarget: 70
    scaleMetric: cpu
    model:
      modelFormat: {name: %FORMAT%}
      storageUri: gs://kfserving-examples/models/sklearn/1.0/model
      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1", memory: 1Gi}}
`

func serviceOf(name, format string) string {
	return strings.NewReplacer("%NAME%", name, "%FORMAT%", format).Replace(service)
}

// TestKServe proves that KServe itself reconciles: an inference service is ready when
// the deployment is that KServe made of it.
func TestKServe(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.KServe)
	namespace := cluster.Namespace(t)
	ref := kubetest.Ref{Resource: "inferenceservices.serving.kserve.io", Namespace: namespace, Name: "iris"}
	cluster.Apply(t, namespace, serviceOf(ref.Name, "sklearn"))
	cluster.Wait(t, ref, "to be ready", func(o *unstructured.Unstructured) bool { return kubetest.Condition(o, "Ready") == "True" })
	for _, resource := range []string{"deployments.apps", "services", "horizontalpodautoscalers.autoscaling"} {
		if len(cluster.List(t, resource, namespace, "serving.kserve.io/inferenceservice=iris")) == 0 {
			t.Errorf("KServe made no %s", resource)
		}
	}
	cluster.Delete(t, ref)
	cluster.WaitGone(t, ref)
}

// TestKServeRefuses proves that the webhooks are asked.
func TestKServeRefuses(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.KServe)
	namespace := cluster.Namespace(t)
	err := cluster.Refused(t, namespace, strings.Replace(serviceOf("iris", "sklearn"), "maxReplicas: 3", "maxReplicas: -3", 1))
	if !strings.Contains(err.Error(), "admission webhook") {
		t.Error(err)
	}
}

// TestKServeWithoutRuntime proves what becomes of a format that no runtime serves.
func TestKServeWithoutRuntime(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.KServe)
	namespace := cluster.Namespace(t)
	cluster.Apply(t, namespace, serviceOf("odd", "handwriting"))
	ref := kubetest.Ref{Resource: "inferenceservices.serving.kserve.io", Namespace: namespace, Name: "odd"}
	cluster.Wait(t, ref, "to lack a runtime", func(o *unstructured.Unstructured) bool {
		return strings.Contains(kubetest.Text(o, "status", "modelStatus", "lastFailureInfo", "reason"), "NoSupportingRuntime")
	})
}

const template = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: train}
spec:
  entrypoint: main
  arguments: {parameters: [{name: epochs, value: "3"}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: prepare, template: prepare}
          - name: train
            template: train
            dependencies: [prepare]
            arguments: {parameters: [{name: rows, value: "{{tasks.prepare.outputs.parameters.rows}}"}]}
    - name: prepare
      container: {image: i, command: [prepare], args: ["{{workflow.parameters.epochs}}"]}
      outputs: {parameters: [{name: rows, valueFrom: {path: /tmp/rows}}]}
    - name: train
      inputs: {parameters: [{name: rows}]}
      container: {image: i, command: [train], args: ["{{inputs.parameters.rows}}"]}
`

func workflow(name, template string) string {
	return strings.NewReplacer("%NAME%", name, "%TEMPLATE%", template).Replace(`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: %NAME%}
spec: {workflowTemplateRef: {name: %TEMPLATE%}}
`)
}

// TestArgo proves that Argo itself runs workflows: the second step has what the
// first put out, a failed step fails it, and a missing template is an error.
func TestArgo(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.Argo)
	for _, c := range []struct {
		name, template, want, message string
		prepare                       kubetest.Outcome
	}{
		{"good", "train", "Succeeded", "", kubetest.Outcome{Outputs: map[string]string{"rows": "150"}}},
		{"failing", "train", "Failed", "exit code 3", kubetest.Outcome{ExitCode: 3}},
		{"lost", "nowhere", "Error", "nowhere", kubetest.Outcome{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Namespace(t)
			cluster.Play(t, namespace, func(pod *unstructured.Unstructured) kubetest.Outcome {
				if strings.Contains(pod.GetAnnotations()["workflows.argoproj.io/node-name"], "prepare") {
					return c.prepare
				}
				return kubetest.Outcome{}
			})
			cluster.Apply(t, namespace, template+"---\n"+workflow("run", c.template))
			ref := kubetest.Ref{Resource: "workflows.argoproj.io", Namespace: namespace, Name: "run"}
			got := cluster.Wait(t, ref, "to end", func(o *unstructured.Unstructured) bool {
				return kubetest.Text(o, "status", "finishedAt") != ""
			})
			if phase := kubetest.Text(got, "status", "phase"); phase != c.want {
				t.Errorf("phase is %q, want %q: %v", phase, c.want, got.Object["status"])
			}
			if c.want == "Succeeded" && !strings.Contains(nodes(got), "150") {
				t.Errorf("no step has the output: %v", nodes(got))
			}
			if said := kubetest.Text(got, "status", "message") + nodes(got); !strings.Contains(said, c.message) {
				t.Errorf("says %q, want %q in it", said, c.message)
			}
		})
	}
}

func nodes(workflow *unstructured.Unstructured) string {
	all, _, _ := unstructured.NestedMap(workflow.Object, "status", "nodes")
	text, _ := (&unstructured.Unstructured{Object: map[string]any{"kind": "Nodes", "nodes": all}}).MarshalJSON()
	return string(text)
}

func TestCheckWorkflows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, manifest, want string }{
		{"good", template + "---\n" + workflow("run", "train"), ""},
		{"entrypoint", strings.Replace(template, "entrypoint: main", "entrypoint: nowhere", 1), "nowhere"},
		{"template", workflow("run", "nowhere"), `"nowhere" is not in the input`},
		{"output", strings.Replace(template, "outputs.parameters.rows}}", "outputs.parameters.columns}}", 1), "columns"},
		{"field", strings.Replace(template, "entrypoint:", "entrance:", 1), `unknown field "entrance"`},
		{"schedule", `
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec: {schedules: ["61 * * * *"], workflowSpec: {entrypoint: a, templates: [{name: a, container: {image: i, command: [x]}}]}}`, "61"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, kubetest.CheckWorkflows(t, c.manifest), c.want)
		})
	}
}

func TestCheckRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rules, want string }{
		{"good", `groups: [{name: g, rules: [{alert: Slow, expr: "rate(x_total[5m]) > 1", for: 5m}]}]`, ""},
		{"expression", `groups: [{name: g, rules: [{alert: Slow, expr: "sum( >"}]}]`, "could not parse expression"},
		{"duration", `groups: [{name: g, rules: [{alert: Slow, expr: up, for: 5 minutes}]}]`, "duration"},
		{"template", `groups: [{name: g, rules: [{alert: Slow, expr: up, annotations: {summary: "{{ $labels.pod"}}]}]`, "template"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, kubetest.CheckRules(t, c.rules), c.want)
		})
	}
}

// expect holds an error to what it should say, or to nothing.
func expect(t *testing.T, got error, want string) {
	t.Helper()
	switch {
	case want == "" && got != nil:
		t.Errorf("refused: %v", got)
	case want != "" && (got == nil || !strings.Contains(got.Error(), want)):
		t.Errorf("got %v, want %q in it", got, want)
	}
}
