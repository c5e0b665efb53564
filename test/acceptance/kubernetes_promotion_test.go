package acceptance

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// devCluster is a second control plane, of which no more is needed than that namespaces
// go away.
var devCluster kubetest.Cluster //nolint:gochecknoglobals // TestMain ends it

// kubePromotion is a model in one cluster, and the same bytes served in another. Each has
// a kubeconfig, credentials and an MLflow server of its own.
const kubePromotion = `
variable "name" { type = string }
variable "gateway" { type = string }
variable "mlflow_uri" { type = string }
variable "dev_kubeconfig" { type = string }
variable "dev_mlflow_uri" { type = string }
variable "dev_mlflow_token" {
  type      = string
  sensitive = true
  ephemeral = true
}
variable "source_kubeconfig" {
  type    = string
  default = null
}
provider "mlops" {
  alias      = "dev"
  kubernetes = { config_path = var.dev_kubeconfig, config_context = "dev" }
}
resource "mlops_environment" "dev" {
  provider   = mlops.dev
  name       = var.name
  stage      = "dev"
  kubernetes = {}
  registry   = { mlflow = { uri = var.dev_mlflow_uri, token = var.dev_mlflow_token } }
}
resource "mlops_model" "dev" {
  provider    = mlops.dev
  environment = mlops_environment.dev.id
  name        = "churn"
}
resource "mlops_model_version" "dev" {
  provider     = mlops.dev
  model        = mlops_model.dev.id
  artifact_uri = "${path.module}/model.joblib"
  format       = "sklearn"
  metrics      = { accuracy = 0.95 }
}
resource "mlops_environment" "prod" {
  name       = var.name
  stage      = "prod"
  kubernetes = { cluster = "lab", gateway = var.gateway }
  registry   = { mlflow = { uri = var.mlflow_uri } }
}
resource "mlops_model" "prod" {
  environment = mlops_environment.prod.id
  name        = "churn"
}
resource "mlops_promotion" "prod" {
  from            = mlops_model_version.dev.id
  to              = mlops_model.prod.id
  approved_by     = "jane@example.com"
  gates           = { min = { accuracy = 0.9 }, approval = true }
  source_settings = { config_path = coalesce(var.source_kubeconfig, var.dev_kubeconfig) }
}
resource "mlops_model_endpoint" "prod" {
  environment = mlops_environment.prod.id
  name        = "churn"
  variants    = { main = { version = mlops_promotion.prod.id, traffic = 100 } }
  rollout     = { strategy = "all_at_once", keep_previous = "0s" }
}
output "digests" {
  value = join(" ", [mlops_model_version.dev.digest, mlops_promotion.prod.digest, mlops_promotion.prod.evidence.digest, mlops_model_endpoint.prod.serving["main"].digest])
}
output "version" { value = mlops_promotion.prod.version }
`

// testKubernetesPromotionAcrossClusters promotes from one cluster and MLflow server to
// another cluster and MLflow server: other bytes follow in place, a source that is out of
// reach or asks for another password is an error with its name, and nothing is left on
// either side.
func testKubernetesPromotionAcrossClusters(t *testing.T) {
	t.Parallel()
	devRegistry := registry.Another(t) // before the workspace, which needs it to its end
	gate := devRegistry.Gate(t, "first")
	devCluster.Start(t, kubetest.Controllers)
	p := withServing(t)
	dev := kubeconfig(t, map[string]kubetest.Access{"dev": devCluster.As(t, guideRights(t))})
	for _, v := range []string{
		"mlflow_uri=" + registry.URI(t), "dev_kubeconfig=" + dev, "dev_mlflow_uri=" + gate.URI, "dev_mlflow_token=first",
	} {
		p.Setenv("TF_VAR_" + v)
	}
	p.Write("main.tf", header+kubePromotion)
	p.Write("model.joblib", "one")
	p.Init()
	for version, model := range []string{"one", "two"} {
		p.Write("model.joblib", model)
		p.Apply()
		p.PlanIsEmpty()
		sameDigests(t, p.Output("digests"))
		if got := p.kept(p.Output("version")); got != model {
			t.Errorf("version %d in prod is %q, want %q", version+1, got, model)
		}
	}
	p.keeps("first")

	p.Write("model.joblib", "three")
	nowhere := kubeconfig(t, map[string]kubetest.Access{"dev": {Host: "https://127.0.0.1:1"}})
	p.ApplyFails("-var", "source_kubeconfig="+nowhere).Contains(t, "mlops_promotion.prod", "kubernetes/dev/"+p.name+"/models/churn", "connection refused")
	p.Apply()

	gate.Admit("second")
	p.refused("plan").Contains(t, "mlops_environment.dev", "The registry cannot be used", "registry.mlflow.token", "401")
	p.Setenv("TF_VAR_dev_mlflow_token=second")
	p.Write("model.joblib", "four")
	p.Apply()
	p.PlanIsEmpty()
	sameDigests(t, p.Output("digests"))
	p.keeps("first", "second")
	p.Destroy()
	p.gone()
	if devCluster.Exists(t, p.home()) {
		t.Errorf("the namespace %s is left in dev", p.name)
	}
	const models = `out["models"] = [m.name for m in mlflow.MlflowClient().search_registered_models() if m.name.startswith(args[0])]`
	for where, server := range map[string]*mlflowtest.Server{"dev": devRegistry, "prod": &registry} {
		if left, _ := server.Python(t, models, p.name)["models"].([]any); len(left) > 0 {
			t.Errorf("models are left in MLflow of %s: %v", where, left)
		}
	}
}

// sameDigests fails the test unless some digests are one.
func sameDigests(t *testing.T, digests string) {
	t.Helper()
	all := strings.Fields(digests)
	for _, d := range all {
		if d != all[0] || !strings.HasPrefix(d, "sha256:") {
			t.Errorf("the digests of source, promotion, evidence and endpoint differ: %q", all)
			return
		}
	}
}

// kept is what MLflow's own client finds of a version of the model churn.
func (p place) kept(version string) string {
	p.t.Helper()
	content, _ := registry.Python(p.t, `
import os
folder = mlflow.artifacts.download_artifacts("models:/" + args[0] + ".churn/" + args[1])
out["content"] = open(os.path.join(folder, "model.joblib")).read()
`, p.name, version)["content"].(string)
	return content
}

// kubeRound is a model whose bytes go around: from a laptop to a cluster, to AWS, and
// back to the cluster.
const kubeRound = `
variable "name" { type = string }
variable "gateway" { type = string }
variable "mlflow_uri" { type = string }
locals {
  registry = { mlflow = { uri = var.mlflow_uri } }
}
resource "mlops_environment" "local" {
  name  = var.name
  stage = "dev"
  local = {}
}
resource "mlops_environment" "test" {
  name       = var.name
  stage      = "test"
  kubernetes = { cluster = "lab" }
  registry   = local.registry
}
resource "mlops_environment" "cloud" {
  name      = var.name
  stage     = "prod"
  sagemaker = { region = "us-east-1" }
}
resource "mlops_environment" "back" {
  name       = "${var.name}-back"
  stage      = "prod"
  kubernetes = { cluster = "lab", gateway = var.gateway }
  registry   = local.registry
}
resource "mlops_model" "of" {
  for_each = {
    local = mlops_environment.local.id
    test  = mlops_environment.test.id
    cloud = mlops_environment.cloud.id
    back  = mlops_environment.back.id
  }
  environment = each.value
  name        = "churn"
}
resource "mlops_model_version" "first" {
  model        = mlops_model.of["local"].id
  artifact_uri = "${path.module}/model.joblib"
  format       = "sklearn"
}
resource "mlops_promotion" "test" {
  from = mlops_model_version.first.id
  to   = mlops_model.of["test"].id
}
resource "mlops_promotion" "cloud" {
  from = mlops_promotion.test.id
  to   = mlops_model.of["cloud"].id
}
resource "mlops_promotion" "back" {
  from    = mlops_promotion.cloud.id
  to      = mlops_model.of["back"].id
  aliases = ["champion"]
}
resource "mlops_model_endpoint" "back" {
  environment = mlops_environment.back.id
  name        = "churn"
  variants    = { main = { version = mlops_promotion.back.id, traffic = 100 } }
  rollout     = { strategy = "all_at_once", keep_previous = "0s" }
}
data "mlops_lineage" "back" {
  id = mlops_promotion.back.id
}
output "digests" {
  value = join(" ", concat(
    [mlops_model_version.first.digest, mlops_promotion.test.digest, mlops_promotion.cloud.digest, mlops_promotion.back.digest, mlops_model_endpoint.back.serving["main"].digest],
    distinct([for node in data.mlops_lineage.back.nodes : node.digest if node.digest != null]),
  ))
}
`

// testKubernetesPromotionAcrossBackends promotes from the embedded engine to a cluster,
// on to AWS, and from there to a cluster: the same bytes everywhere, and a change of them
// takes the whole way.
func testKubernetesPromotionAcrossBackends(t *testing.T) {
	t.Parallel()
	a := account(t, simulated.Config{Looks: 1})
	p := withServing(t)
	for _, v := range awsVariables(a) {
		p.Setenv(v)
	}
	p.Setenv("TF_VAR_mlflow_uri=" + registry.URI(t))
	p.Write("main.tf", header+kubeRound)
	p.Init()
	for _, model := range []string{"one", "two"} {
		p.Write("model.joblib", model)
		p.Apply()
		p.PlanIsEmpty()
		sameDigests(t, p.Output("digests"))
	}
	back := place{p.Workspace, t, p.name + "-back"}
	if got := back.kept("2"); got != "two" {
		t.Errorf("what came back is %q", got)
	}
	p.Destroy()
	p.gone()
	back.gone()
}
