package kubernetes

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// kept is an environment whose registry is the tests' MLflow server, at the address of a
// way to it; "" is its own.
func kept(t *testing.T, uri string) estate {
	t.Helper()
	e := newEstate(t, nil)
	if uri == "" {
		uri = tracking.URI(t)
	}
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: uri}}
	e.apply()
	return e
}

// works is one with Argo's controller at work too, whose steps write to MLflow what they
// are said to by output.
func works(t *testing.T, written map[string]string) estate {
	t.Helper()
	control.Start(t, kubetest.Argo)
	e := kept(t, "")
	control.Play(t, e.spec.Name, keepOutputs(func(output string) string { return written[output] }))
	return e
}

// python uses the server as an ordinary client, with the name of an experiment there.
func (e estate) python(experiment, program string) map[string]any {
	e.Helper()
	return tracking.Python(e.T, "client, name = mlflow.MlflowClient(), args[0]\n"+program, experiment)
}

// said is what a plan says, as "path: detail".
func (e estate) said(plan func(*mlops.Checker) error) []string {
	e.Helper()
	c := mlops.NewChecker()
	e.must(plan(c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// wantSaid insists on one problem, at a path and with words.
func (e estate) wantSaid(what string, got []string, path, words string) {
	e.Helper()
	if len(got) != 1 || !strings.HasPrefix(got[0], path+": ") || !strings.Contains(got[0], words) {
		e.Errorf("%s: the plan says %q, want %q at %s", what, got, words, path)
	}
}

// TestNoServer proves that an environment without an MLflow server is known at plan, with
// what to add, that nothing is made there, and that it can be deleted.
func TestNoServer(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetStorage: "s3://bucket"})
	e.apply()
	experiment := mlops.ExperimentSpec{Environment: e.spec.ID, Name: "trees"}
	e.wantSaid("an experiment", e.said(func(c *mlops.Checker) error {
		return experimentKind{e.backend}.Preflight(t.Context(), experiment, c)
	}), "environment", "registry = { mlflow")
	_, err := e.Experiments().Create(t.Context(), experiment)
	e.wantCode("an experiment", err, mlops.Unsupported)
	_, err = e.Experiments().Get(t.Context(), experiment.ID())
	e.wantCode("a look at it", err, mlops.NotFound)

	data := mlops.DatasetSpec{Environment: e.spec.ID, Name: "people", URI: e.table("a\n1\n")}
	e.wantSaid("a dataset", e.said(func(c *mlops.Checker) error {
		return datasetKind{e.backend}.Preflight(t.Context(), data, c)
	}), "environment", "registry = { mlflow")
	_, err = e.Datasets().Create(t.Context(), data)
	e.wantCode("a dataset", err, mlops.Unsupported)
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
}

// TestTakenInMLflow proves that an experiment that something else made is left alone,
// and that a plan says so.
func TestTakenInMLflow(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := mlops.ExperimentSpec{Environment: e.spec.ID, Name: "trees"}
	e.python(e.spec.Name+"/trees", `client.create_experiment(name)`)
	plan := func(c *mlops.Checker) error { return experimentKind{e.backend}.Preflight(t.Context(), spec, c) }
	e.wantSaid("a name that is taken", e.said(plan), "name", "made by something else")
	_, err := e.Experiments().Create(t.Context(), spec)
	e.wantCode("creation", err, mlops.AlreadyExists)
	spec.Name = "free"
	if got := e.said(plan); got != nil {
		t.Errorf("of a name that is free the plan says %q", got)
	}
}

// cut shuts the way to the server after so many answers: the last of them is lost, after
// the server has done what was asked.
type cut struct{ left atomic.Int64 }

func (c *cut) lost(*http.Request) bool { return c.left.Add(-1) == 0 }

// TestCarriedLostAnswers proves, for every request of a creation and of a deletion, that
// what was carried out and not answered is finished by the next try: there is one, which
// is whole, and then none.
func TestCarriedLostAnswers(t *testing.T) {
	t.Parallel()
	gate := tracking.Gate(t, "")
	e := kept(t, gate.URI)
	way := &cut{}
	gate.After(way.lost)
	data := mlops.DatasetSpec{Environment: e.spec.ID, Name: "people", URI: e.table("a\n1\n"), Labels: map[string]string{}}
	for lost := int64(1); ; lost++ {
		way.left.Store(lost)
		_, broken := e.Datasets().Create(t.Context(), data)
		way.left.Store(0)
		change, err := e.Datasets().Create(t.Context(), data)
		e.must(err)
		seen := e.data(data.ID())
		if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision || seen.Status.Version != "1" {
			t.Errorf("after answer %d was lost: %s at %q, want %q, version %s", lost, seen.Phase, seen.Revision, change.Revision, seen.Status.Version)
		}
		if got := e.bytes(seen.Status.URI); got != "a\n1\n" {
			t.Errorf("after answer %d was lost %q is kept", lost, got)
		}
		way.left.Store(lost)
		unmade := e.Datasets().Delete(t.Context(), data.ID())
		way.left.Store(0)
		if err := e.Datasets().Delete(t.Context(), data.ID()); unmade != nil && err != nil {
			e.wantCode("the next deletion", err, mlops.NotFound)
		}
		left := e.python(e.spec.Name, `out["left"] = [e.name for e in client.search_experiments(filter_string="name LIKE '" + name + "/%'")]`)["left"]
		if names, _ := left.([]any); len(names) != 0 {
			t.Errorf("after answer %d to a deletion was lost, left are %v", lost, names)
		}
		if broken == nil && unmade == nil {
			if lost < 5 {
				t.Errorf("only %d requests were made", lost)
			}
			return
		}
	}
}

// TestServerWithExperiments proves that a server is not taken from an environment that
// has experiments there, nor exchanged for one that has not got them.
func TestServerWithExperiments(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	e.experiment()
	without := e.spec
	without.Registry = nil
	_, err := e.Environments().Update(t.Context(), e.spec.ID, without)
	e.wantCode("taking the server away", err, mlops.Invalid)
	if err != nil && !strings.Contains(err.Error(), "experiments") {
		t.Errorf("%v does not say what is there", err)
	}
	moved := e.spec
	moved.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: tracking.Gate(t, "").URI}} // the same server by another address
	_, err = e.Environments().Update(t.Context(), e.spec.ID, moved)
	e.must(err)
	if got := e.tried(e.spec.ID.Child(mlops.NounExperiment, "trees")).Native["uri"]; got != moved.Registry.MLflow.URI {
		t.Errorf("it is looked for at %s", got)
	}
}
