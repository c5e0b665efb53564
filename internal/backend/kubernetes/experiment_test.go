package kubernetes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// experiment makes the experiment "trees".
func (e estate) experiment() mlops.ExperimentSpec {
	e.Helper()
	spec := mlops.ExperimentSpec{Environment: e.spec.ID, Name: "trees", Description: "Größe", Labels: map[string]string{"team": "growth"}}
	_, err := e.Experiments().Create(e.Context(), spec)
	e.must(err)
	return spec
}

func (e estate) tried(id mlops.ID) experimentObserved {
	e.Helper()
	seen, err := e.Experiments().Get(e.Context(), id)
	e.must(err)
	return seen
}

// TestExperimentTracks proves that the runs of the pipelines that name an experiment are
// shown by it, that a step finds it in its environment as MLflow's own client does, and
// that it stays while a pipeline names it.
func TestExperimentTracks(t *testing.T) {
	t.Parallel()
	e := works(t, nil)
	spec := e.experiment()
	found := make(chan string, 1)
	control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		for _, v := range stepOf(pod).Container.Env {
			if v.Name == "MLFLOW_EXPERIMENT_NAME" {
				found <- v.Value
			}
		}
		return playStep(pod)
	})
	p := e.pipeline(mlops.PipelineSpec{Experiment: spec.ID(), Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}, Outputs: []string{"metrics"}}}})
	run := e.run(mlops.PipelineRunSpec{Pipeline: p.ID(), Parameters: map[string]string{}})
	got := e.python(<-found, `
mlflow.set_experiment(name)
with mlflow.start_run(run_name="of a step"):
    mlflow.log_metric("loss", 0.5)
out["runs"] = [r.info.run_name for r in client.search_runs([client.get_experiment_by_name(name).experiment_id])]
`)
	if diff := cmp.Diff(map[string]any{"runs": []any{"of a step"}}, got); diff != "" {
		t.Errorf("MLflow shows (-want +got):\n%s", diff)
	}
	seen := e.tried(spec.ID())
	if len(seen.Status.Runs) != 1 || seen.Status.Runs[0].Run != run.Ref || seen.Status.Runs[0].Metrics["accuracy"] != 0.9 || seen.Status.Total != 1 {
		t.Errorf("it shows the runs %+v", seen.Status)
	}
	e.wantCode("deletion while a pipeline names it", e.Experiments().Delete(t.Context(), spec.ID()), mlops.Conflict)
	e.must(e.Pipelines().Delete(t.Context(), p.ID()))
	e.gone(p.ID())
	e.must(e.Experiments().Delete(t.Context(), spec.ID()))
}

// TestExperimentDrift proves that what somebody changed in MLflow is seen, and that the
// next apply brings it back: other words, and an experiment in the trash with its runs.
func TestExperimentDrift(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := e.experiment()
	before := e.tried(spec.ID())
	at := before.Native["experiment"]
	e.python(at, `
e = client.get_experiment_by_name(name).experiment_id
client.set_experiment_tag(e, "mlflow.note.content", "changed")
client.set_experiment_tag(e, "team", "other")
client.set_experiment_tag(e, "theirs", "stays")
client.create_run(e)
`)
	drifted := e.tried(spec.ID())
	if drifted.Spec.Description != "changed" || drifted.Spec.Labels["team"] != "other" || len(drifted.Spec.Labels) != 1 || drifted.Revision == before.Revision {
		t.Errorf("somebody's change is seen as %+v at %s", drifted.Spec, drifted.Revision)
	}
	change, err := e.Experiments().Update(t.Context(), spec.ID(), spec)
	e.must(err)
	if diff := cmp.Diff(before, e.tried(spec.ID())); diff != "" || change.Revision != before.Revision {
		t.Errorf("brought back (-want +got):\n%s", diff)
	}
	e.python(at, `client.delete_experiment(client.get_experiment_by_name(name).experiment_id)`)
	_, err = e.Experiments().Get(t.Context(), spec.ID())
	e.wantCode("a look at what is in the trash", err, mlops.NotFound)
	_, err = e.Experiments().Create(t.Context(), spec)
	e.must(err)
	got := e.python(at, `
e = client.get_experiment_by_name(name)
out.update(runs=len(client.search_runs([e.experiment_id])), theirs=e.tags["theirs"], team=e.tags["team"])
`)
	if diff := cmp.Diff(map[string]any{"runs": 1.0, "theirs": "stays", "team": "growth"}, got); diff != "" {
		t.Errorf("it came back (-want +got):\n%s", diff)
	}
}

// TestNamesakes proves that an experiment, a dataset and a model may have one name.
func TestNamesakes(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := e.experiment()
	_, err := e.Models().Create(t.Context(), mlops.ModelSpec{Environment: e.spec.ID, Name: spec.Name})
	e.must(err)
	_, err = e.Datasets().Create(t.Context(), mlops.DatasetSpec{Environment: e.spec.ID, Name: spec.Name, URI: e.table("a\n1\n")})
	e.must(err)
	all, err := experimentKind{e.backend}.List(t.Context(), e.spec.ID)
	e.must(err)
	if len(all) != 1 || all[0].Ref != spec.ID() {
		t.Errorf("listed are %v", all)
	}
	e.wantCode("deletion of the environment", e.Environments().Delete(t.Context(), e.spec.ID), mlops.Conflict)
}
