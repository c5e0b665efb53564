package acceptance

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// testKubernetesExample applies the example as it is in the repository: from training
// to a monitor, with the rights of the guide. Nothing runs in its pods: what its step
// writes is sent by the test.
func testKubernetesExample(t *testing.T) {
	t.Parallel()
	p := withServing(t)
	p.CopyConfig(filepath.Join("..", "..", "examples", kubernetesExample), func(string) bool { return false })
	p.Rewrite("main.tf", func(text string) string {
		return strings.Replace(text, `"tumor-dev"`, `"`+p.name+`"`, 1)
	})
	p.delivers(p.name, exampleMetrics)
	p.Init()
	p.Apply()
	p.PlanIsEmpty()
	p.serves()
	p.keeps("hunter2", "letmein")
	p.Destroy()
	p.gone()
}

// exampleMetrics are what steps of the examples measure.
const exampleMetrics = `{"accuracy": 0.95, "malignant_recall": 0.9, "depth": 4, "flagged": 3, "rows": 12}`

// delivers has the steps of a namespace write one content to all of their outputs.
func (p place) delivers(namespace, content string) {
	p.t.Helper()
	cluster.Play(p.t, namespace, func(pod *unstructured.Unstructured) kubetest.Outcome {
		if step, ok := kubetest.StepOf(pod); ok {
			return step.Deliver(content)
		}
		return kubetest.Outcome{}
	})
}

// notOnKubernetes are examples of what a cluster has not, with what a plan of them says;
// without words it is not planned either.
func notOnKubernetes() map[string]struct{ why, says string } {
	return map[string]struct{ why, says string }{
		"ephemeral-resources/mlops_endpoint_credentials": {"who may call is the gateway's to say", "Who may call is the gateway's to say"},
		"quickstart": {"examples/kubernetes is the same for a cluster", ""},
	}
}

// testKubernetesExamples applies the examples of resources, data sources and functions on
// a cluster too.
func testKubernetesExamples(t *testing.T) {
	t.Parallel()
	for name, folder := range exampleFolders(t) {
		not, refused := notOnKubernetes()[name]
		if refused && not.says == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withServing(t)
			for _, stage := range exampleStages() {
				p.delivers(p.inStage(stage), exampleMetrics)
			}
			if refused {
				p.CopyConfig(folder, func(string) bool { return false })
				p.Write("providers.tf", header)
				for _, file := range p.Configs() {
					p.Rewrite(file, p.onCluster)
				}
				p.Init()
				p.refused("plan").Contains(t, not.says)
				return
			}
			tryExample(t, p.Workspace, folder, p.onCluster)
			for _, stage := range exampleStages() {
				place{p.Workspace, t, p.inStage(stage)}.gone()
			}
		})
	}
}

// exampleStages are those of the environments in the examples.
func exampleStages() []string { return []string{"dev", "test", "prod"} }

// inStage is what an environment of the examples is called in this place, which has its
// own, so that examples do not meet.
func (p place) inStage(stage string) string { return p.name + "-" + stage }

// retained is how long an environment keeps what is old, which is no affair of a cluster's.
var retained = regexp.MustCompile(`(?m)^  retention +=.*\n`)

// onCluster is an example for the embedded engine, moved as its users would: the target's
// lines, and what the plan then names.
func (p place) onCluster(text string) string {
	target := fmt.Sprintf(`kubernetes = {
    cluster         = "lab"
    gateway         = %q
    prometheus_url  = "http://127.0.0.1:9"
    pushgateway_url = "http://127.0.0.1:9"
    storage_uri     = "s3://models"
  }
  registry = { mlflow = { uri = %q } }`, gateway.Start(p.t, &cluster), registry.URI(p.t))
	text = retained.ReplaceAllString(text, "")
	text = byCommand.ReplaceAllString(text, `  image = "registry.example.com/serve:1"`)
	return strings.NewReplacer(
		"local = {}", target, `"local/`, `"kubernetes/lab/`,
		`"churn-dev"`, `"`+p.inStage("dev")+`"`, `"churn-prod"`, `"`+p.inStage("prod")+`"`, `"churn-${each.key}"`, `"`+p.name+`-${each.key}"`,
		// KServe's logger keeps all requests or none, Argo counts no violations, and what a
		// rollout replaced is kept before the apply is over.
		"sample_percent = 10 ", "sample_percent = 100 ", `, cooldown = "24h", max_per_month = 4`, "",
	).Replace(text)
}
