package kubernetes

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestPipelineLostAnswers proves, for every write of a creation, that an apply whose
// write was carried out and not answered is finished by the next, by the same owner's
// alone, and that a deletion then leaves nothing.
func TestPipelineLostAnswers(t *testing.T) {
	t.Parallel()
	e := plant(t, mlops.Settings{targetController: "argo/argo"})
	spec := mlops.PipelineSpec{Environment: e.spec.ID, Name: "train", Parameters: map[string]mlops.Parameter{}, Steps: chain(), Schedule: nightly()}
	for lost := int64(1); ; lost++ {
		way := newLossy(t, lost)
		change, err := e.over(way.URL).Pipelines().Create(t.Context(), spec)
		if err == nil {
			if lost <= way.writes.Load() {
				t.Errorf("the answer to write %d was lost, and nobody noticed", lost)
			}
			return
		}
		e.wantCode("the first apply", err, mlops.Unavailable)
		if lost > 1 && change.Ref != spec.ID() {
			t.Errorf("write %d is lost, and with it the identity", lost)
		}
		_, err = openAs("them").Pipelines().Create(t.Context(), spec)
		e.wantCode("creation by others", err, mlops.AlreadyExists)
		change, err = e.Pipelines().Create(t.Context(), spec)
		e.must(err)
		if seen := e.lookAt(spec.ID()); seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision || mlops.DigestOf(seen.Spec) != mlops.DigestOf(spec) {
			t.Errorf("after write %d was lost the next apply leaves it %s: %s", lost, seen.Phase, seen.Reason)
		}
		e.must(e.Pipelines().Delete(t.Context(), spec.ID()))
		e.gone(spec.ID())
		for _, left := range []string{"workflowtemplates.argoproj.io", "cronworkflows.argoproj.io", "configmaps", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"} {
			for _, o := range e.ours(left) {
				t.Errorf("after the deletion there is %s %s", left, o)
			}
		}
	}
}

// ours lists the objects of a resource that are of a pipeline.
func (e estate) ours(resource string) (names []string) {
	e.Helper()
	for _, o := range control.List(e.T, resource, e.spec.Name, selects(mlops.NounPipeline)) {
		if o.GetDeletionTimestamp() == nil {
			names = append(names, o.GetName())
		}
	}
	return names
}

// TestRunLostAnswer proves that a run whose start was carried out and not answered is
// found by the next apply, and not started twice.
func TestRunLostAnswer(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	p := e.pipeline(mlops.PipelineSpec{Steps: chain()})
	spec := mlops.PipelineRunSpec{Pipeline: p.ID()}
	change, err := e.over(newLossy(t, 1).URL).PipelineRuns().Create(t.Context(), spec)
	e.wantCode("the first apply", err, mlops.Unavailable)
	again := e.run(spec)
	if change.Ref != again.Ref || again.Phase != mlops.PhaseReady {
		t.Errorf("the lost run is %q, the next apply's %q: %s", change.Ref, again.Ref, again.Reason)
	}
	if all := control.List(t, "workflows.argoproj.io", e.spec.Name, ""); len(all) != 1 {
		t.Errorf("%d workflows were started", len(all))
	}
}

// TestGiven proves what a run is given: data where it is, in Argo's words, and the
// values of parameters; and what is refused of them.
func TestGiven(t *testing.T) {
	t.Parallel()
	at, err := artifactsOf(benchLayout(nil))
	if err != nil {
		t.Fatal(err)
	}
	datasets := map[string]mlops.DatasetStatus{"customers": {URI: "mlflow-artifacts:/4/x/data.csv", Digest: "sha256:1"}}
	given, err := at.given(training(), "churn-1", map[string]string{"source": "https://example.com/{{x}}.csv", "max_depth": "4"}, datasets)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]argoLocation{}
	for _, a := range given.Artifacts {
		if _, plain := a.Archive["none"]; !plain {
			t.Errorf("%s would be unpacked", a.Name)
		}
		places[a.Name] = a.argoLocation
	}
	if l := places["dataset-customers"]; l.HTTP == nil || l.HTTP.Auth == nil || l.HTTP.URL != "https://mlflow.example.com/ml/api/2.0/mlflow-artifacts/artifacts/4/x/data.csv" {
		t.Errorf("the dataset is at %+v", l)
	}
	if l := places[externalName("{{params.source}}")]; l.HTTP == nil || l.HTTP.Auth != nil {
		t.Errorf("the source is at %+v, with whose credentials?", l)
	}
	if l := places[externalName("s3://bucket/{{params.max_depth}}/x.csv")]; l.S3 == nil || l.S3.Key != "4/x.csv" || !l.S3.UseCredentials {
		t.Errorf("what is in S3 is at %+v", l)
	}
	_, err = at.given(training(), "churn-1", map[string]string{"source": "/etc/passwd", "max_depth": "4"}, datasets)
	if mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a path of nowhere: %v", err)
	}
}
