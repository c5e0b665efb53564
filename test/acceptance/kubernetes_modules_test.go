package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// testKubernetesModules applies the modules' example for a cluster as it is in the
// repository: an environment with its profile, and a service from training to a
// monitor. Nothing runs in its pods: what its steps write is sent by the test.
func testKubernetesModules(t *testing.T) {
	t.Parallel()
	p := withServing(t)
	p.CopyConfig(filepath.Join(modulesRoot, "service", "examples", kubernetesExample), func(string) bool { return false })
	p.CopyTree(modulesRoot, "modules")
	p.Rewrite("main.tf", func(text string) string {
		return strings.NewReplacer(`"../../../environment"`, `"./modules/environment"`, `"../.."`, `"./modules/service"`).Replace(text)
	})
	cluster.Play(t, p.name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		step, ok := kubetest.StepOf(pod)
		switch {
		case !ok:
			return kubetest.Outcome{}
		case len(step.Outputs.Parameters) == 0: // metrics alone are a parameter
			return step.Deliver(wines)
		}
		return step.Deliver(`{"accuracy": 0.95}`)
	})
	p.Init()
	p.Apply()
	p.PlanIsEmpty()
	p.serves()
	p.keeps("hunter2", "letmein")
	p.follows()
	p.Destroy()
	p.gone()
}

// wines is data that a model was trained on.
const wines = "alcohol,proline,target\n13.2,1050,0\n12.4,520,1\n13.1,630,2\n"

// withServing is a workspace whose provider finds all that an example for a cluster
// serves with, by the variables that the examples have in common.
func withServing(t *testing.T) place {
	t.Helper()
	cluster.Start(t, kubetest.KServe)
	p := onKubernetes(t, "")
	for name, value := range map[string]string{
		"context": "lab", "gateway": gateway.Start(t, &cluster), "prometheus_url": "http://127.0.0.1:9",
		"mlflow": fmt.Sprintf(`{uri=%q,username="ci"}`, registry.URI(t)), "storage_credentials": `{access_key_id="id",secret_access_key="hunter2"}`,
		"mlflow_token": "letmein",
	} {
		p.Setenv("TF_VAR_" + name + "=" + value)
	}
	return p
}

// serves fails the test unless the gateway answers where the configuration says.
func (p place) serves() {
	p.t.Helper()
	if status, _ := post(p.t, p.Output("url")); status != http.StatusOK {
		p.t.Errorf("the gateway answers %d", status)
	}
}

// keeps fails the test where the state has one of some secrets.
func (p place) keeps(secrets ...string) {
	p.t.Helper()
	state, err := os.ReadFile(filepath.Join(p.Dir, "terraform.tfstate"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(state), secret) {
			p.t.Errorf("the state has the secret %q", secret)
		}
	}
}

// follows proves that the cluster has what the stage's profile and the service ask of
// it, and that it takes what another stage asks.
func (p place) follows() {
	p.t.Helper()
	servers := cluster.List(p.t, "inferenceservices.serving.kserve.io", p.name, "")
	if len(servers) != 1 {
		p.t.Fatalf("there are %d inference services, want 1", len(servers))
	}
	if mode, _, _ := unstructured.NestedString(servers[0].Object, "spec", "predictor", "logger", "mode"); mode != "all" {
		p.t.Errorf("what is captured is %q, want all", mode)
	}
	for _, resource := range []string{"cronworkflows.argoproj.io", "prometheusrules.monitoring.coreos.com"} {
		if len(cluster.List(p.t, resource, p.name, "")) == 0 {
			p.t.Errorf("the monitor has no %s", resource)
		}
	}
	p.PlanHasChanges("-var", "stage=prod").Contains(p.t, "canary", "max_error_percent")
}
