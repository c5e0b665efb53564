package acceptance

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

var guideBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// guideBlocks are the blocks of the guide, by what they are written in.
func guideBlocks(t *testing.T) map[string][]string {
	t.Helper()
	guide, err := os.ReadFile("../../templates/guides/kubernetes.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, b := range guideBlock.FindAllStringSubmatch(string(guide), -1) {
		blocks[b[1]] = append(blocks[b[1]], b[2])
	}
	for kind, want := range map[string]int{"hcl": 2, "terraform": 3, "yaml": 1, "sh": 1} {
		if got := len(blocks[kind]); got != want {
			t.Fatalf("the guide has %d blocks of %s, and %d are tried here", got, kind, want)
		}
	}
	return blocks
}

// instead puts a test's own addresses in the place of the guide's, each of which has to
// be there.
func instead(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Errorf("the guide does not say %s any more:\n%s", pairs[i], text)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

const guideHead = `
terraform {
  required_providers {
    mlops = { source = "terraform-mlops/mlops" }
  }
}
variable "mlflow_token" {
  type      = string
  ephemeral = true
}
`

// guideSource is what the guide's promotion reads from, on the provider that it gives.
const guideSource = `
resource "mlops_environment" "source" {
  provider   = mlops.dev
  name       = "NAME"
  stage      = "dev"
  kubernetes = { storage_uri = "s3://models/churn" }
  registry   = { mlflow = { uri = "MLFLOW", username = "ci", token = var.mlflow_token } }
}
resource "mlops_model" "source" {
  provider    = mlops.dev
  environment = mlops_environment.source.id
  name        = "churn"
}
resource "mlops_model_version" "source" {
  provider     = mlops.dev
  model        = mlops_model.source.id
  artifact_uri = "${path.module}/model.joblib"
  format       = "sklearn"
  approval     = "approved"
}
resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}
`

// guideEndpoint is what the guide leaves out of an endpoint.
const guideEndpoint = `
  environment = mlops_environment.dev.id
  name        = "churn"
  variants    = { main = { version = mlops_promotion.prod.id, traffic = 100 } }
  capture     = { sample_percent = 100 }
`

// guideMonitor is a monitor that has what the guide overrides.
const guideMonitor = `
resource "mlops_dataset" "d" {
  environment = mlops_environment.dev.id
  name        = "customers"
  uri         = "${path.module}/customers.csv"
}
resource "mlops_monitor" "m" {
  endpoint   = mlops_model_endpoint.churn.id
  name       = "churn"
  schedule   = { cron = "0 3 29 2 *" }
  baseline   = { dataset = mlops_dataset.d.id }
  data_drift = {}
  health     = { max_error_percent = 1 }
  alerts     = { webhook_url = "https://hooks.example.com/secret" }
  OVERRIDES
}
`

// testKubernetesGuide does what the guide says, word for word but for addresses: the
// cluster role is one that the cluster takes, and its rules are all that the provider may
// do here; what is given of a configuration is applied, and what is a part of one planned.
func testKubernetesGuide(t *testing.T) {
	t.Parallel()
	const nowhere = `"http://127.0.0.1:9"`
	blocks := guideBlocks(t)
	p := withServing(t)
	for _, o := range cluster.Apply(t, "", blocks["yaml"][0]) {
		cluster.Delete(t, kubetest.Ref{Resource: "clusterroles.rbac.authorization.k8s.io", Name: o.GetName()})
	}
	source := place{p.Workspace, t, p.name + "-source"}
	file := kubeconfig(t, map[string]kubetest.Access{"dev": cluster.As(t, guideRights(t))})
	at, mlflow := gateway.Start(t, &cluster), registry.URI(t)
	p.Write("main.tf", guideHead+instead(t, blocks["hcl"][0], "churn-dev", p.name, "istio-system/public", at, "https://mlflow.example.com", mlflow,
		`"https://prometheus.example.com"`, nowhere+"\npushgateway_url = "+nowhere)) // which alerts of data checks need
	provider, promotion, _ := strings.Cut(blocks["hcl"][1], "\n\n")
	p.Write("dev.tf", instead(t, provider, "/etc/kube/dev", file)+strings.NewReplacer("NAME", source.name, "MLFLOW", mlflow).Replace(guideSource))
	p.Write("model.joblib", "one")
	p.Init()
	p.Apply()
	p.Write("prod.tf", instead(t, promotion, "/etc/kube/dev", file, "churn-dev", source.name, "versions/3", "versions/1"))
	p.Apply()
	p.PlanIsEmpty()
	p.Write("customers.csv", "age,spent\n30,1.5\n40,2.5\n")
	p.Write("parts.tf", strings.Replace(guideMonitor, "OVERRIDES", blocks["terraform"][2], 1)+
		instead(t, blocks["terraform"][1], "  # …\n", guideEndpoint)+
		"resource \"mlops_environment\" \"knative\" {\nname = \""+p.name+"-knative\"\nstage = \"dev\"\n"+
		instead(t, blocks["terraform"][0], `"https://prometheus.example.com"`, nowhere)+"}\n")
	p.PlanHasChanges().Contains(t, "4 to add, 0 to change, 0 to destroy")
	p.Destroy()
	p.gone()
	source.gone()
}
