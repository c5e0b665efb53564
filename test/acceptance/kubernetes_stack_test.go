package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// stackProfiles are those of the example's stages, with a canary that does not take the
// minutes that prod's takes: nobody has figures here, and the smoke test judges.
const stackProfiles = `{test={rollout={strategy="blue_green",bake="1s",keep_previous="0s",gates={smoke_test=true}}},` +
	`prod={deletion_protection=false,rollout={strategy="canary",steps=[50],bake="1s",keep_previous="0s",gates={smoke_test=true}}}}`

// testKubernetesStack applies the modules' example of a stack in one cluster: dev trains,
// test serves the same bytes, prod serves what was approved; another model rolls through
// the stages, and all of it is gone at the end.
func testKubernetesStack(t *testing.T) {
	t.Parallel()
	p := withServing(t)
	p.CopyTree(modulesRoot, "modules")
	var accuracy atomic.Value
	accuracy.Store("0.95")
	cluster.Play(t, p.inStage("dev"), func(pod *unstructured.Unstructured) kubetest.Outcome {
		step, ok := kubetest.StepOf(pod)
		switch {
		case !ok:
			return kubetest.Outcome{}
		case len(step.Outputs.Parameters) == 0: // metrics alone are a parameter
			return step.Deliver(wines)
		}
		return step.Deliver(fmt.Sprintf(`{"accuracy": %s}`, accuracy.Load()))
	})
	for _, v := range []string{"profiles=" + stackProfiles, "pushgateway_url=http://127.0.0.1:9", "webhook_url=https://chat.example.com/hooks/secret"} {
		p.Setenv("TF_VAR_" + v)
	}
	p.Dir = filepath.Join(p.Dir, "modules", "stack", "examples", kubernetesExample)
	p.Init()

	p.steps("trained", "1", "1", "")
	p.approves("1")
	p.steps("approved", "1", "1", "1")
	accuracy.Store("0.96")
	p.Setenv("TF_VAR_trees=200")
	p.steps("trained again", "2", "2", "1")
	p.approves("2")
	p.steps("approved again", "2", "2", "2")
	p.keeps("hunter2", "letmein")
	p.Destroy()
	for _, stage := range exampleStages() {
		place{p.Workspace, t, p.inStage(stage)}.gone()
	}
}

// approves approves a version of test's for prod.
func (p place) approves(version string) {
	p.Setenv(fmt.Sprintf(`TF_VAR_approval={by="jane@example.com",version="kubernetes/lab/%s/models/%s/versions/%s"}`, p.inStage("test"), p.name, version))
}

// steps applies a stack, whose stages then serve some versions, and has nothing to do
// after that.
func (p place) steps(what string, versions ...string) {
	p.t.Helper()
	p.Apply()
	p.PlanIsEmpty()
	want := map[string]string{}
	for i, stage := range exampleStages() {
		if versions[i] != "" {
			want[stage] = fmt.Sprintf("kubernetes/lab/%s/models/%s/versions/%s", p.inStage(stage), p.name, versions[i])
		}
	}
	if diff := cmp.Diff(want, p.byStage("versions")); diff != "" {
		p.t.Errorf("%s: served versions (-want +got):\n%s", what, diff)
	}
	for stage, url := range p.byStage("urls") {
		if status, answer := post(p.t, url); status != http.StatusOK || !strings.Contains(answer, p.name) {
			p.t.Errorf("%s: %s answers %d %s", what, stage, status, answer)
		}
	}
}

// byStage is an output of a stack.
func (p place) byStage(output string) map[string]string {
	p.t.Helper()
	var all map[string]string
	if err := json.Unmarshal([]byte(p.Must("output", "-json", output).Out), &all); err != nil {
		p.t.Fatal(err)
	}
	return all
}
