package acceptance

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// cluster is a real control plane with Argo's own controller, for the tests of one
// function: some break it for all, and are alone.
var cluster kubetest.Cluster //nolint:gochecknoglobals // TestMain ends it

// gateway takes routes there, and registry is a real MLflow server.
var (
	gateway  kubetest.Gateway  //nolint:gochecknoglobals // as the cluster
	registry mlflowtest.Server //nolint:gochecknoglobals // TestMain ends it
)

// kubernetesExample is the example that is for a cluster.
const kubernetesExample = "kubernetes"

// place is a namespace that an environment will have, and a workspace beside it.
type place struct {
	*tfcli.Workspace

	t    *testing.T
	name string // of the environment
}

// onKubernetes is a workspace whose provider finds the cluster as users' providers do:
// by a kubeconfig, whose current context is another cluster that is not there.
func onKubernetes(t *testing.T, config string) place {
	t.Helper()
	cluster.Start(t, kubetest.Argo)
	p := place{workspace(t, ""), t, kubetest.Name("acc")}
	file := kubeconfig(t, map[string]kubetest.Access{"lab": cluster.As(t, guideRights(t))})
	for _, v := range []string{"KUBECONFIG=" + file, "TF_VAR_name=" + p.name} {
		p.Setenv(v)
	}
	if config != "" {
		p.Write("main.tf", header+config)
		p.Init()
	}
	return p
}

// kubeconfig writes a kubeconfig with contexts, and one more that is the current one and
// leads nowhere.
func kubeconfig(t *testing.T, contexts map[string]kubetest.Access) (file string) {
	t.Helper()
	config := clientcmdapi.Config{
		CurrentContext: "elsewhere", Clusters: map[string]*clientcmdapi.Cluster{},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{}, Contexts: map[string]*clientcmdapi.Context{},
	}
	contexts = maps.Clone(contexts)
	contexts["elsewhere"] = kubetest.Access{Host: "https://127.0.0.1:1"}
	for name, access := range contexts {
		config.Clusters[name] = &clientcmdapi.Cluster{Server: access.Host, CertificateAuthorityData: access.CA}
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: access.Token}
		config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	file = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// guideRights are those that the guide says are enough, and no more.
func guideRights(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile("../../templates/guides/kubernetes.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(guide), "metadata: {name: terraform-mlops}\nrules:\n")
	rules, _, ended := strings.Cut(rules, "```")
	if !found || !ended {
		t.Fatal("the guide has no cluster role any more")
	}
	return "\n" + rules
}

// ref names an object in the environment's namespace.
func (p place) ref(resource, name string) kubetest.Ref {
	return kubetest.Ref{Resource: resource, Namespace: p.name, Name: name}
}

func (p place) home() kubetest.Ref { return kubetest.Ref{Resource: "namespaces", Name: p.name} }

const (
	templates = "workflowtemplates.argoproj.io"
	workflows = "workflows.argoproj.io"
	policies  = "networkpolicies.networking.k8s.io"
)

// there waits until an object is there.
func (p place) there(ref kubetest.Ref) {
	p.t.Helper()
	cluster.Wait(p.t, ref, "to be there", func(*unstructured.Unstructured) bool { return true })
}

// held plays the pods of the environment, and keeps them from starting until it is let
// go; started is closed when one waits.
func (p place) held() (started <-chan struct{}, letGo func()) {
	begun, gone := make(chan struct{}), make(chan struct{})
	var first, last sync.Once
	cluster.Play(p.t, p.name, func(*unstructured.Unstructured) kubetest.Outcome {
		first.Do(func() { close(begun) })
		<-gone
		return kubetest.Outcome{}
	})
	letGo = func() { last.Do(func() { close(gone) }) }
	p.t.Cleanup(letGo)
	return begun, letGo
}

const kubeEnvironment = `
variable "name" { type = string }
variable "team" {
  type    = string
  default = "one"
}
resource "mlops_environment" "e" {
  name       = var.name
  stage      = "dev"
  labels     = { team = var.team }
  kubernetes = {
    cluster     = "lab"
    storage_uri = "s3://models"
  }
}
`

const kubePipeline = kubeEnvironment + `
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "train"
  steps       = { train = { command = ["python3", "-c", "train(1)"], outputs = ["model"] } }
  schedule    = { cron = "0 3 29 2 *" }
}
`

const kubeRun = kubePipeline + `
resource "mlops_pipeline_run" "r" {
  pipeline = mlops_pipeline.p.id
  triggers = { code = mlops_pipeline.p.version }
}
output "status" { value = mlops_pipeline_run.r.status }
`

// gone fails the test where anything of the environment is left.
func (p place) gone() {
	p.t.Helper()
	if cluster.Exists(p.t, p.home()) {
		p.t.Errorf("the namespace %s is left", p.name)
	}
}
