package acceptance

import (
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// TestAccKubernetes breaks a cluster, what is in it and the provider, in every way that
// users meet, while they apply. What breaks the cluster for all comes before the others,
// and what takes something away from it after them.
func TestAccKubernetes(t *testing.T) { //nolint:tparallel // one after the other, see above
	t.Parallel()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance test; set TF_ACC=1 or run `make test`")
	}
	t.Run("server restarted", testKubernetesServerRestarted)
	t.Run("etcd stands still", testKubernetesEtcdFrozen)
	t.Run("in peace", testKubernetesInPeace)
	t.Run("missing", testKubernetesMissing)
}

// testKubernetesInPeace is all that leaves the cluster whole for others, at once.
func testKubernetesInPeace(t *testing.T) {
	t.Run("promotion across clusters", testKubernetesPromotionAcrossClusters)
	t.Run("promotion across backends", testKubernetesPromotionAcrossBackends)
	t.Run("knative", testKubernetesKnative)
	t.Run("provider killed", testKubernetesKilled)
	t.Run("examples", testKubernetesExamples)
	t.Run("example", testKubernetesExample)
	t.Run("guide", testKubernetesGuide)
	t.Run("stack", testKubernetesStack)
	t.Run("modules", testKubernetesModules)
	t.Run("edited", testKubernetesEdited)
	t.Run("refused", testKubernetesRefused)
	t.Run("stuck", testKubernetesStuck)
}

// testKubernetesKilled kills the provider while it makes each of the objects. The next
// apply finishes what was begun, and starts nothing twice.
func testKubernetesKilled(t *testing.T) {
	t.Parallel()
	for _, at := range []struct{ name, resource, object string }{
		{"namespace", "", ""},
		{"record", "configmaps", "mlops-environment"},
		{"pipeline", templates, "train"},
		{"run", workflows, ""},
	} {
		t.Run(at.name, func(t *testing.T) {
			p := onKubernetes(t, kubeRun)
			_, letGo := p.held()
			apply := p.Start("apply", "-auto-approve")
			switch {
			case at.resource == "":
				p.there(p.home())
			case at.object != "":
				p.there(p.ref(at.resource, at.object))
			default:
				if !eventually(func() bool { return len(cluster.List(t, at.resource, p.name, "")) > 0 }) {
					t.Fatalf("there is no %s", at.resource)
				}
			}
			if p.KillProviders(apply) == 0 {
				t.Fatal("there was no provider to kill")
			}
			if r := apply.Wait(); r.Code == 0 {
				t.Fatalf("apply succeeded without its provider:\n%s", r.Out)
			}
			letGo()
			p.Apply()
			p.PlanIsEmpty()
			if all := cluster.List(t, workflows, p.name, ""); len(all) != 1 {
				t.Errorf("%d workflows were started", len(all))
			}
			p.Destroy()
			p.gone()
		})
	}
}

// testKubernetesServerRestarted kills the API server while the provider waits for a
// run, and starts it again. The apply goes on, or where the server took too long says
// that it was away, and the next one does.
func testKubernetesServerRestarted(t *testing.T) {
	p := onKubernetes(t, kubeRun)
	started, letGo := p.held()
	apply := p.Start("apply", "-auto-approve")
	<-started
	cluster.RestartAPIServer(t)
	letGo()
	if r := apply.Wait(); r.Code != 0 {
		r.Contains(t, "code: unavailable")
		p.Apply()
	}
	p.PlanIsEmpty()
	if all := cluster.List(t, workflows, p.name, ""); len(all) != 1 {
		t.Errorf("%d workflows were started", len(all))
	}
	p.Destroy()
	p.gone()
}

// frozen is for how long etcd stands still: longer than its leader's term.
const frozen = 4 * time.Second

// testKubernetesEtcdFrozen freezes etcd in the middle of an apply: writes take as long
// as it does, and are carried out once.
func testKubernetesEtcdFrozen(t *testing.T) {
	p := onKubernetes(t, kubePipeline)
	apply := p.Start("apply", "-auto-approve")
	p.there(p.home())
	resume := cluster.PauseEtcd(t)
	done := make(chan struct{})
	go func() { defer close(done); apply.Wait() }()
	select {
	case <-done:
		t.Error("the apply ended while nothing could be written")
	case <-time.After(frozen):
	}
	resume()
	if r := apply.Wait(); r.Code != 0 {
		t.Errorf("the apply failed:\n%s", r.Out)
		p.Apply()
	}
	p.PlanIsEmpty()
	p.Destroy()
	p.gone()
}

// testKubernetesEdited proves that what others delete and change is shown, and put
// right by the next apply, and that what they add for themselves stays.
func testKubernetesEdited(t *testing.T) {
	t.Parallel()
	p := onKubernetes(t, kubePipeline)
	p.Apply()
	for _, tt := range []struct {
		name string
		edit func()
		says []string
	}{
		{"policy deleted", func() { cluster.Delete(t, p.ref(policies, "mlops-default-deny")) }, []string{"0 to add, 1 to change, 0 to destroy", "mlops-default-deny"}},
		{"template deleted", func() { cluster.Delete(t, p.ref(templates, "train")) }, []string{"1 to add, 0 to change, 0 to destroy"}},
		{"schedule deleted", func() {
			for _, o := range cluster.List(t, "cronworkflows.argoproj.io", p.name, "") {
				cluster.Delete(t, p.ref("cronworkflows.argoproj.io", o.GetName()))
			}
		}, []string{"0 to add, 1 to change, 0 to destroy"}},
	} {
		tt.edit()
		plan := p.PlanHasChanges()
		plan.Contains(t, tt.says...)
		p.Apply()
		p.PlanIsEmpty()
	}
	p.taken()
	cluster.Patch(t, p.home(), `{metadata: {labels: {cost-center: "7"}}}`)
	cluster.Patch(t, p.ref(templates, "train"), `{metadata: {labels: {reviewed: "yes"}}}`)
	p.PlanIsEmpty()
	p.Apply("-var", "team=two")
	if cluster.Get(t, p.home()).GetLabels()["cost-center"] != "7" || cluster.Get(t, p.ref(templates, "train")).GetLabels()["reviewed"] != "yes" {
		t.Error("labels of others are gone")
	}
	p.Must("destroy", "-auto-approve", "-var", "team=two")
	p.gone()
}

// taken proves that a field which somebody else took is named by the plan with who has
// it, and taken back only where the provider is told to.
func (p place) taken() {
	p.t.Helper()
	cluster.Patch(p.t, p.ref(templates, "train"), `{spec: {entrypoint: somewhere}}`)
	p.refused("plan").Contains(p.t, "Owned by something else", "spec.entrypoint (kubetest)", "force_conflicts")
	p.Rewrite("main.tf", func(text string) string {
		return strings.Replace(text, `provider "mlops" {}`, `provider "mlops" {
  kubernetes = { force_conflicts = true }
}`, 1)
	})
	p.PlanHasChanges().Contains(p.t, "0 to add, 1 to change, 0 to destroy")
	p.Apply()
	p.PlanIsEmpty()
}

// testKubernetesRefused proves that what an administrator's policy and quota refuse is
// an error of the plan, in their words.
func testKubernetesRefused(t *testing.T) {
	t.Parallel()
	p := onKubernetes(t, kubePipeline)
	p.Apply("-target=mlops_environment.e")
	cluster.Apply(t, p.name, `{apiVersion: v1, kind: ResourceQuota, metadata: {name: no-templates}, spec: {hard: {count/workflowtemplates.argoproj.io: "0"}}}`)
	quota := p.ref("resourcequotas", "no-templates")
	cluster.Wait(t, quota, "to be counted", func(o *unstructured.Unstructured) bool {
		hard, _, _ := unstructured.NestedMap(o.Object, "status", "hard")
		return len(hard) > 0
	})
	p.refused("plan").Contains(t, "Over a quota of the cluster", "exceeded quota: no-templates")
	cluster.Delete(t, quota)
	p.Apply()
	cluster.Deny(t, "networking.k8s.io", "networkpolicies", p.name, "ask the network team")
	p.refused("plan", "-var", "team=two").Contains(t, "Refused by the cluster", "ask the network team")
	p.PlanIsEmpty() // nothing is to be written
	p.Destroy()
	p.gone()
}

// refused runs a command that has to fail.
func (p place) refused(args ...string) tfcli.Result {
	p.t.Helper()
	r := p.Run(args...)
	if r.Code == 0 {
		p.t.Fatalf("%s succeeded:\n%s", strings.Join(args, " "), r.Out)
	}
	return r
}

// testKubernetesStuck proves that a deletion that a finalizer holds up says so when its
// time is over, and goes on later.
func testKubernetesStuck(t *testing.T) {
	t.Parallel()
	p := onKubernetes(t, strings.Replace(kubeEnvironment, `labels     = `, `timeouts   = { delete = "20s" }
  labels     = `, 1))
	p.Apply()
	policy := p.ref(policies, "mlops-default-deny")
	cluster.Patch(t, policy, `{metadata: {finalizers: [example.com/hold]}}`)
	p.refused("destroy", "-auto-approve").Contains(t, "timeout", "example.com/hold", "NetworkPolicy mlops-default-deny")
	cluster.Patch(t, policy, `{metadata: {finalizers: null}}`)
	p.Destroy()
	p.gone()
}

// testKubernetesMissing proves that a plan names what a cluster lacks, with the command
// that installs it. It comes last: nothing runs without what it takes away.
func testKubernetesMissing(t *testing.T) {
	p := onKubernetes(t, kubePipeline)
	p.Apply("-target=mlops_environment.e")
	for _, resource := range []string{"cronworkflows", "workflowtemplates"} {
		ref := kubetest.Ref{Resource: "customresourcedefinitions.apiextensions.k8s.io", Name: resource + ".argoproj.io"}
		cluster.Delete(t, ref)
		cluster.WaitGone(t, ref)
	}
	p.refused("plan").Contains(t, "Not installed in the cluster", "does not have Argo Workflows", "kubectl apply --namespace argo --server-side")
	p.Must("destroy", "-auto-approve", "-refresh=false") // what refreshes plans first, and what it plans is refused
	p.gone()
}
