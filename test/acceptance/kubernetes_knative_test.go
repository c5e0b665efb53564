package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// kubeKnative is an endpoint whose environment has it run in a mode.
const kubeKnative = `
variable "name" { type = string }
variable "mlflow_uri" { type = string }
variable "mode" {
  type    = string
  default = "knative"
}
variable "gateway" {
  type    = string
  default = null
}
variable "bake" {
  type    = string
  default = "1s"
}
variable "env" {
  type    = map(string)
  default = {}
}
variable "scaling" {
  type = object({
    min        = optional(number)
    max        = optional(number)
    idle_after = optional(string)
    target     = optional(object({ concurrency = number }))
  })
  default = null
}
resource "mlops_environment" "e" {
  name       = var.name
  stage      = "dev"
  kubernetes = { cluster = "lab", storage_uri = "s3://models", endpoint_mode = var.mode, gateway = var.gateway }
  registry   = { mlflow = { uri = var.mlflow_uri } }
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "churn"
}
resource "mlops_model_version" "v" {
  model        = mlops_model.m.id
  artifact_uri = "${path.module}/model.joblib"
  format       = "sklearn"
}
resource "mlops_model_endpoint" "p" {
  environment = mlops_environment.e.id
  name        = "churn"
  variants    = { main = { version = mlops_model_version.v.id, traffic = 100, env = var.env, scaling = var.scaling } }
  rollout     = { strategy = "canary", steps = [10, 50], bake = var.bake }
}
output "url" { value = mlops_model_endpoint.p.url }
output "version" { value = mlops_model_endpoint.p.serving["main"].version }
output "traffic" { value = mlops_model_endpoint.p.serving["main"].traffic }
`

// knativeRefused is what one service of Knative's cannot be, all at once.
const knativeRefused = `
resource "mlops_model_endpoint" "q" {
  environment = mlops_environment.e.id
  name        = "refused"
  variants = {
    one = { version = mlops_model_version.v.id, traffic = 90, scaling = { min = 0, idle_after = "2h" } }
    two = { version = mlops_model_version.v.id, traffic = 10 }
  }
  rollout         = { strategy = "blue_green", keep_previous = "5m" }
  smoke_test      = { request = "{}" }
  request_timeout = "1500ms"
  overrides       = jsonencode({ InferenceService = { spec = { predictor = { canaryTrafficPercent = 5 } } } })
}
`

const knativeServices = "services.serving.knative.dev"

// testKubernetesKnative takes an endpoint through its life in Knative mode, with the
// rights of the guide: it is changed in steps, also where the provider is killed between
// two of them; it sleeps; a version that does not start is taken back; what Knative does
// not do is refused at plan; and the other mode takes its place.
func testKubernetesKnative(t *testing.T) {
	t.Parallel()
	cluster.Start(t, kubetest.KServe, kubetest.Knative)
	p := onKubernetes(t, "")
	p.Setenv("TF_VAR_mlflow_uri=" + registry.URI(t))
	p.Write("main.tf", header+kubeKnative)
	p.Write("model.joblib", "one")
	p.Init()
	p.Apply()
	p.PlanIsEmpty()
	p.onRevisions("created", map[string]int64{"churn-predictor-00001": 100})
	url := p.Output("url")

	p.Write("model.joblib", "two")
	p.killedBetweenSteps()
	p.Apply()
	p.PlanIsEmpty()
	p.onRevisions("changed", map[string]int64{"churn-predictor-00002": 100})
	if got, version := p.Output("url"), p.Output("version"); got != url || !strings.HasSuffix(version, "/versions/2") {
		t.Errorf("%s is at %s, want the second version at %s", version, got, url)
	}

	p.breaks()
	p.sleeps()
	p.refusals()
	p.switched()
	p.Destroy()
	p.gone()
}

// onRevisions fails the test unless the revisions of the endpoint have their shares.
func (p place) onRevisions(what string, want map[string]int64) {
	p.t.Helper()
	if diff := cmp.Diff(want, sharesOf(cluster.Get(p.t, p.ref(knativeServices, "churn-predictor")))); diff != "" {
		p.t.Errorf("%s: shares (-want +got):\n%s", what, diff)
	}
}

// sharesOf are the percentages of the traffic that the revisions of a service have.
func sharesOf(service *unstructured.Unstructured) map[string]int64 {
	traffic, _, _ := unstructured.NestedSlice(service.Object, "status", "traffic")
	out := map[string]int64{}
	for _, one := range traffic {
		share, _ := one.(map[string]any)
		revision, _ := share["revisionName"].(string)
		if percent, _ := share["percent"].(int64); percent > 0 {
			out[revision] += percent
		}
	}
	return out
}

// killedBetweenSteps kills the provider while the first step of a rollout is at work,
// which would be so for longer than any test.
func (p place) killedBetweenSteps() {
	p.t.Helper()
	apply := p.Start("apply", "-auto-approve", "-var", "bake=10m")
	step := map[string]int64{"churn-predictor-00001": 90, "churn-predictor-00002": 10}
	cluster.Wait(p.t, p.ref(knativeServices, "churn-predictor"), "to be at the first step", func(o *unstructured.Unstructured) bool {
		return cmp.Equal(step, sharesOf(o))
	})
	if p.KillProviders(apply) == 0 {
		p.t.Fatal("there was no provider to kill")
	}
	if r := apply.Wait(); r.Code == 0 {
		p.t.Fatalf("apply succeeded without its provider:\n%s", r.Out)
	}
}

// breaks changes the endpoint to what does not start: the apply fails with what Knative
// says of it, and what served serves on.
func (p place) breaks() {
	p.t.Helper()
	cluster.Play(p.t, p.name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		text, err := pod.MarshalJSON()
		if err == nil && strings.Contains(string(text), "BROKEN") {
			return kubetest.Outcome{Waiting: "ImagePullBackOff"}
		}
		return kubetest.Outcome{}
	})
	p.ApplyFails("-var", `env={BROKEN="yes"}`).Contains(p.t, "mlops_model_endpoint.p", "ImagePullBackOff", "code: failed")
	p.PlanIsEmpty() // of what it was
	p.onRevisions("broken", map[string]int64{"churn-predictor-00004": 100})
}

// sleeps lets the endpoint sleep when nobody asks, and then puts it to sleep, which is no
// difference to a plan.
func (p place) sleeps() {
	p.t.Helper()
	p.Setenv(`TF_VAR_scaling={min=0,max=2,idle_after="10m",target={concurrency=5}}`)
	p.Apply()
	service := cluster.Get(p.t, p.ref(knativeServices, "churn-predictor"))
	notes, _, _ := unstructured.NestedStringMap(service.Object, "spec", "template", "metadata", "annotations")
	const scaling = "autoscaling.knative.dev/"
	got := []string{notes[scaling+"min-scale"], notes[scaling+"max-scale"], notes[scaling+"target"], notes[scaling+"scale-to-zero-pod-retention-period"]}
	if diff := cmp.Diff([]string{"0", "2", "5", "600s"}, got); diff != "" {
		p.t.Errorf("what Knative scales by (-want +got):\n%s", diff)
	}
	cluster.Patch(p.t, p.ref("deployments.apps", "churn-predictor-00005-deployment"), `{spec: {replicas: 0}}`)
	p.PlanIsEmpty()
}

// refusals plans what Knative does not do.
func (p place) refusals() {
	p.t.Helper()
	p.Write("refused.tf", knativeRefused)
	p.refused("plan").Contains(
		p.t, "mlops_model_endpoint.q", "In Knative mode an endpoint is one service", "In rollout.keep_previous:", "Knative keeps no pods of revisions",
		"Knative gives a revision traffic when its pods are ready", `In variants["one"].scaling.idle_after:`, "at most 1h0m0s", "request_timeout", "Knative counts in seconds",
		"canaryTrafficPercent is the provider's to say: use rollout",
	)
	p.Write("refused.tf", "")
	p.refused("plan", "-var", "gateway=gateways/public").Contains(p.t, "Nothing of Knative's", "leave gateway out")
}

// withIt has a resource be replaced with its environment, as the plan advises.
const withIt = `
  lifecycle { replace_triggered_by = [mlops_environment.e.kubernetes.endpoint_mode] }
}`

// switched gives the environment the other mode, which replaces it: the plan says what
// would be in its way. With that out of the way, the endpoint serves behind a gateway.
func (p place) switched() {
	p.t.Helper()
	standard := []string{"-var", "mode=standard", "-var", "gateway=" + gateway.Start(p.t, &cluster), "-var", "scaling=null"}
	p.PlanHasChanges(standard...).Contains(p.t, "mlops_environment.e must be replaced", "The environment is replaced, and is not empty", "replace_triggered_by")
	p.Rewrite("main.tf", func(text string) string {
		head, inside, _ := strings.Cut(text, `resource "mlops_model" "m"`)
		inside, outputs, _ := strings.Cut(inside, "output ")
		return head + `resource "mlops_model" "m"` + strings.ReplaceAll(inside, "\n}", withIt) + "output " + outputs
	})
	p.Apply(standard...)
	for _, v := range []string{"mode=standard", standard[3], "scaling=null"} {
		p.Setenv("TF_VAR_" + v)
	}
	p.PlanIsEmpty()
	if left := cluster.List(p.t, knativeServices, p.name, ""); len(left) > 0 {
		p.t.Errorf("%d services of Knative's are left", len(left))
	}
	if status, answer := post(p.t, p.Output("url")); status != http.StatusOK {
		p.t.Errorf("behind the gateway it answers %d %s", status, answer)
	}
}
