package kubetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

var cluster kubetest.Cluster

func TestMain(m *testing.M) {
	if os.Getenv(victim) != "" {
		os.Exit(runVictim())
	}
	os.Exit(cluster.Run(m))
}

// TestRefusals proves that the API server knows the definitions: each of these is an
// object with one fault.
func TestRefusals(t *testing.T) {
	t.Parallel()
	cluster.Start(t)
	namespace := cluster.Namespace(t)
	for _, c := range []struct{ name, manifest, want string }{
		{"unknown field", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, datum: {}}", "datum"},
		{"service", `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: x}
spec: {predictor: {minReplicas: one, model: {modelFormat: {name: sklearn}}}}`, "spec.predictor.minReplicas"},
		{"template", `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: x}
spec: {entrypoint: 7}`, "spec.entrypoint"},
		{"field deep in a template", `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: x}
spec: {entrypoint: a, templates: [{name: a, container: {image: i, commands: [x]}}]}`, "commands"},
		{"schedule", `
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: x}
spec: {schedules: "* * *", workflowSpec: {entrypoint: a}}`, "spec.schedules"},
		{"rule", `
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: x}
spec: {groups: [{name: g, interval: soon, rules: []}]}`, "interval"},
		{"scrape", `
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: x}
spec: {selector: {}, endpoints: [{port: http, interval: 15 s}]}`, "interval"},
		{"route", `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: x}
spec: {rules: [{backendRefs: [{name: a, port: 80, weight: -1}]}]}`, "weight"},
		{"scaler", `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: x}
spec: {scaleTargetRef: {name: a}, triggers: a}`, "spec.triggers"},
		{"pod security", "{apiVersion: v1, kind: Namespace, metadata: {name: xyz, labels: {pod-security.kubernetes.io/enforce: strict}}}", "pod-security.kubernetes.io/enforce"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := cluster.Refused(t, namespace, c.manifest); !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q in it", err, c.want)
			}
		})
	}
}

// TestPins proves that definitions and stages are those of the programs that run.
func TestPins(t *testing.T) {
	t.Parallel()
	built, read := pins(t, "kubernetes"), pins(t, "kubernetes-crds")
	for _, module := range []string{"github.com/argoproj/argo-workflows/v3", "github.com/kserve/kserve", "knative.dev/serving", "knative.dev/networking", "knative.dev/caching", "sigs.k8s.io/kwok"} {
		if built[module] == "" || built[module] != read[module] {
			t.Errorf("%s is built from %q, its manifests from %q", module, built[module], read[module])
		}
	}
}

func pins(t *testing.T, tool string) map[string]string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "tools", tool, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse(path, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range file.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out
}

func TestDeny(t *testing.T) {
	t.Parallel()
	cluster.Start(t)
	namespace, other := cluster.Namespace(t), cluster.Namespace(t)
	cluster.Deny(t, "", "configmaps", namespace, "ask the data office")
	const manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"
	if err := cluster.Refused(t, namespace, manifest); !strings.Contains(err.Error(), "ask the data office") {
		t.Error(err)
	}
	cluster.Apply(t, namespace, "{apiVersion: v1, kind: LimitRange, metadata: {name: other}, spec: {limits: []}}")
	cluster.Apply(t, other, manifest)
}

// TestAs proves that somebody may do what the rules say and no more.
func TestAs(t *testing.T) {
	t.Parallel()
	cluster.Start(t)
	namespace := cluster.Namespace(t)
	cluster.Apply(t, namespace, "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
	reader := cluster.As(t, `[{apiGroups: [""], resources: [configmaps], verbs: [get]}]`)
	ref := kubetest.Ref{Resource: "configmaps", Namespace: namespace, Name: "x"}
	if err := reader.Get(t.Context(), ref); err != nil {
		t.Errorf("who may read a config map: %v", err)
	}
	if err := cluster.As(t, "[]").Get(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("nobody is told %v", err)
	}
}

// TestQuota proves that the controllers count.
func TestQuota(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.Controllers)
	namespace := cluster.Namespace(t)
	cluster.Apply(t, namespace, "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {requests.cpu: '1'}}}")
	ref := kubetest.Ref{Resource: "resourcequotas", Namespace: namespace, Name: "q"}
	cluster.Wait(t, ref, "to be counted", func(o *unstructured.Unstructured) bool {
		return kubetest.Text(o, "status", "hard", "requests.cpu") == "1"
	})
	if err := cluster.Refused(t, namespace, pod("p", "cpu: '2'", "")); !strings.Contains(err.Error(), "exceeded quota") {
		t.Error(err)
	}
}

func pod(name, requests, more string) string {
	return `
apiVersion: v1
kind: Pod
metadata: {name: ` + name + `}
spec:
  containers: [{name: main, image: i, resources: {requests: {` + requests + `}, limits: {` + requests + `}}}]
  ` + more
}

// TestNodes proves that pods are scheduled, GPUs counted, and outcomes played.
func TestNodes(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.Nodes)
	namespace := cluster.Namespace(t)
	cluster.Play(t, namespace, func(pod *unstructured.Unstructured) kubetest.Outcome {
		return map[string]kubetest.Outcome{
			"broken": {ExitCode: 3}, "away": {Waiting: "ImagePullBackOff"},
		}[pod.GetName()]
	})
	const tolerates = "tolerations: [{key: nvidia.com/gpu, operator: Exists}]"
	for _, c := range []struct {
		name, requests, more string
		done                 func(*unstructured.Unstructured) bool
	}{
		{"plain", "cpu: 100m", "", func(o *unstructured.Unstructured) bool {
			return kubetest.Condition(o, "Ready") == "True" && kubetest.Text(o, "spec", "nodeName") == "cpu-0"
		}},
		{"gpu", "nvidia.com/gpu: '8'", tolerates, func(o *unstructured.Unstructured) bool {
			return kubetest.Condition(o, "Ready") == "True" && kubetest.Text(o, "spec", "nodeName") == "gpu-0"
		}},
		{"many-gpus", "nvidia.com/gpu: '9'", tolerates, func(o *unstructured.Unstructured) bool {
			return kubetest.Condition(o, "PodScheduled") == "False"
		}},
		{"broken", "cpu: 100m", "", func(o *unstructured.Unstructured) bool {
			return kubetest.Text(o, "status", "phase") == "Failed"
		}},
		{"away", "cpu: 100m", "", func(o *unstructured.Unstructured) bool {
			return kubetest.Condition(o, "Ready") == "False" && kubetest.Text(o, "status", "phase") == "Pending"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster.Apply(t, namespace, pod(c.name, c.requests, c.more))
			cluster.Wait(t, kubetest.Ref{Resource: "pods", Namespace: namespace, Name: c.name}, "as it should be", c.done)
		})
	}
}
