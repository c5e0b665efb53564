package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keepOutputs plays steps whose outputs go to an MLflow server: Argo's executor, which
// does not run, would pack each and send it there by one request. Pods may appear when
// the test that made them is over, so a step whose output cannot be sent fails, as it
// would, and the test hears of it by that alone.
func keepOutputs(content func(output string) string) func(*unstructured.Unstructured) kubetest.Outcome {
	return func(pod *unstructured.Unstructured) kubetest.Outcome {
		if outputs := stepOf(pod).Outputs; outputs != nil {
			for _, a := range outputs.Artifacts {
				if err := upload(a, content(a.Name)); err != nil {
					fmt.Printf("the output %s of pod %s/%s: %v\n", a.Name, pod.GetNamespace(), pod.GetName(), err)
					return kubetest.Outcome{ExitCode: 1}
				}
			}
		}
		return playStep(pod)
	}
}

// upload sends an output to an MLflow server that asks for no password.
func upload(a argoArtifact, text string) error {
	body, err := archiveOf(a.Name, text)
	if err != nil {
		return err
	}
	if a.HTTP == nil || a.HTTP.Auth != nil {
		return fmt.Errorf("it goes to %+v, and not to an open MLflow server", a.argoLocation)
	}
	request, err := http.NewRequest(http.MethodPut, a.HTTP.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("MLflow answers %s", answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

// atServer has a sample with a registry name a server that is there.
func atServer(uri string) func(spec any) any {
	return func(spec any) any {
		if e, ok := spec.(mlops.EnvironmentSpec); ok && e.MLflowRegistry() != nil {
			e.Registry.MLflow.URI = uri
		}
		return spec
	}
}

// sharing is a backend whose environments have a registry, of which the suite does not
// know.
type sharing struct {
	*backend

	uri string
}

func (b sharing) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return sharingEnvironments{environmentKind{b.backend}, b.uri}
}

type sharingEnvironments struct {
	environmentKind

	uri string
}

func (k sharingEnvironments) with(spec mlops.EnvironmentSpec) mlops.EnvironmentSpec {
	if spec.Registry == nil {
		spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: k.uri}}
	}
	return spec
}

func (k sharingEnvironments) without(seen environmentObserved) environmentObserved {
	if m := seen.Spec.MLflowRegistry(); m != nil && m.Mark == "" {
		seen.Spec.Registry = nil
	}
	return seen
}

func (k sharingEnvironments) Get(ctx context.Context, ref mlops.ID) (environmentObserved, error) {
	seen, err := k.environmentKind.Get(ctx, ref)
	return k.without(seen), err
}

func (k sharingEnvironments) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Create(ctx, k.with(spec))
}

func (k sharingEnvironments) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Update(ctx, ref, k.with(spec))
}

// TestMLflowReadsIt proves that what was made is what an ordinary client of MLflow finds,
// that what somebody changes there is seen, and that a server that is away is told of.
func TestMLflowReadsIt(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	gate := tracking.Gate(t, "")
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: gate.URI}}
	e.apply()
	ref := e.registered("sklearn").Ref
	change, err := e.ModelVersions().Get(t.Context(), ref)
	e.must(err)
	spec := change.Spec
	spec.Aliases, spec.Labels, spec.Description, spec.Approval = []string{"champion"}, map[string]string{"team": "growth"}, "Grüße", "pending"
	spec.Metrics = map[string]float64{"accuracy": 0.9}
	_, err = e.ModelVersions().Update(t.Context(), ref, spec)
	e.must(err)
	registered := e.spec.Name + ".iris"
	tracking.Python(t, `mlflow.MlflowClient().create_registered_model(args[0])`, e.spec.Name+".theirs")
	theirs := mlops.ModelSpec{Environment: e.spec.ID, Name: "theirs"}
	wantOne(t, "a name that somebody has", problemsOf(e, e.Models(), theirs), "name", "was made by something else")
	theirs.Labels = map[string]string{"a.b": "c"}
	theirs.Name = "ours"
	wantOne(t, "a label with a dot", problemsOf(e, e.Models(), theirs), "labels", "no dots")
	got := tracking.Python(t, `
client = mlflow.MlflowClient()
v = client.get_model_version_by_alias(args[0], "champion")
out.update(version=str(v.version), description=v.description, team=v.tags["team"], approval=v.tags["mlops.approval"], metrics=client.get_run(v.run_id).data.metrics)
client.set_model_version_tag(args[0], v.version, "mlops.approval", "rejected")
client.delete_registered_model_alias(args[0], "champion")
`, registered)
	want := map[string]any{"version": "1", "description": "Grüße", "team": "growth", "approval": "pending", "metrics": map[string]any{"accuracy": 0.9}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the client reads (-want +got):\n%s", diff)
	}
	seen, err := e.ModelVersions().Get(t.Context(), ref)
	if err != nil || seen.Spec.Approval != "rejected" || len(seen.Spec.Aliases) != 0 {
		t.Errorf("after it was changed there: %+v, %v", seen.Spec, err)
	}

	gate.Shut(true)
	_, err = e.ModelVersions().Get(t.Context(), ref)
	e.wantCode("get while it is away", err, mlops.Unavailable, gate.URI)
	e.wantCode("delete the environment meanwhile", e.Environments().Delete(t.Context(), e.spec.ID), mlops.Unavailable)
	wantOne(t, "plan meanwhile", e.preflight(), "registry.mlflow.uri", "has to when this is applied")
	gate.Shut(false)
	e.must(e.ModelVersions().Delete(t.Context(), ref))
	e.must(e.Models().Delete(t.Context(), ref.Parent()))
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
}
