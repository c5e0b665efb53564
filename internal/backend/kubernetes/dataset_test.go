package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// table keeps a table in a file of its own.
func (e estate) table(content string) string {
	e.Helper()
	at := filepath.Join(e.TempDir(), "data.csv")
	e.must(os.WriteFile(at, []byte(content), 0o600))
	return at
}

// dataset makes the dataset "people" of a table.
func (e estate) dataset(content string, change func(*mlops.DatasetSpec)) mlops.DatasetSpec {
	e.Helper()
	spec := mlops.DatasetSpec{Environment: e.spec.ID, Name: "people", URI: e.table(content)}
	if change != nil {
		change(&spec)
	}
	_, err := e.Datasets().Create(e.Context(), spec)
	e.must(err)
	return spec
}

func (e estate) data(id mlops.ID) datasetObserved {
	e.Helper()
	seen, err := e.Datasets().Get(e.Context(), id)
	e.must(err)
	return seen
}

// bytes are those at a URI in MLflow.
func (e estate) bytes(uri string) string {
	e.Helper()
	p, err := e.place(e.Context(), e.spec.ID)
	e.must(err)
	r, err := e.registry(e.Context(), p)
	e.must(err)
	at, err := r.client.Download(e.Context(), uri, e.TempDir())
	e.must(err)
	text, err := os.ReadFile(at)
	e.must(err)
	return string(text)
}

// snapshots counts the runs that keep versions of a dataset, as MLflow's client sees
// them.
func (e estate) snapshots(of datasetObserved) int {
	e.Helper()
	n, _ := e.python(of.Native["experiment"], `out["n"] = len(client.search_runs([client.get_experiment_by_name(name).experiment_id]))`)["n"].(float64)
	return int(n)
}

// TestDataVersions proves that a number means the same bytes for ever, and that the bytes
// in force and those before them are kept, and no others.
func TestDataVersions(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := e.dataset("a\n1\n", nil)
	for _, step := range []struct {
		name, content, version, history string
		kept                            int
	}{
		{"made", "a\n1\n", "1", "1", 1},
		{"other bytes", "a\n1\n2\n", "2", "2 1", 2},
		{"former bytes", "a\n1\n", "1", "2 1", 2},
		{"new bytes", "a\n1\n2\n3\n", "3", "3 2 1", 2},
		{"newer bytes", "a\n1\n2\n3\n4\n", "4", "4 3 2 1", 2},
	} {
		e.must(os.WriteFile(spec.URI, []byte(step.content), 0o600))
		change, err := e.Datasets().Update(t.Context(), spec.ID(), spec)
		e.must(err)
		seen := e.data(spec.ID())
		var history []string
		for _, v := range seen.Status.History {
			history = append(history, v.Version)
		}
		if seen.Status.Version != step.version || strings.Join(history, " ") != step.history || seen.Revision != change.Revision {
			t.Errorf("%s: version %s of %q at %s, changed to %s", step.name, seen.Status.Version, history, seen.Revision, change.Revision)
		}
		if rows := int64(strings.Count(step.content, "\n") - 1); seen.Status.Rows != rows || seen.Status.Size != int64(len(step.content)) {
			t.Errorf("%s: %d rows of %d bytes", step.name, seen.Status.Rows, seen.Status.Size)
		}
		if got := e.bytes(seen.Status.URI); got != step.content {
			t.Errorf("%s: kept %q", step.name, got)
		}
		if got := e.snapshots(seen); got != step.kept {
			t.Errorf("%s: %d versions are kept, want %d", step.name, got, step.kept)
		}
	}
	again := spec
	again.Name, again.URI = "again", e.data(spec.ID()).Status.URI // an artifact of the server
	_, err := e.Datasets().Create(t.Context(), again)
	e.must(err)
	if got, want := e.data(again.ID()).Status.Digest, e.data(spec.ID()).Status.Digest; got != want {
		t.Errorf("read from MLflow the data have the digest %s, want %s", got, want)
	}
}

// TestRefusedData proves that data that break rules, and what is no data, leave
// everything as it was, and that a plan says so.
func TestRefusedData(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := e.dataset("a\n1\n2\n", func(s *mlops.DatasetSpec) { s.Checks = &mlops.DatasetChecks{MinRows: 2} })
	before := e.data(spec.ID())
	for _, tt := range []struct {
		name, content, words string
		code                 mlops.Code
	}{
		{"checks", "a\n1\n", "fewer than min_rows = 2", mlops.Failed},
		{"no table", "a,b\n1\n", "line 2", mlops.Invalid},
	} {
		e.must(os.WriteFile(spec.URI, []byte(tt.content), 0o600))
		_, err := e.Datasets().Update(t.Context(), spec.ID(), spec)
		e.wantCode(tt.name, err, tt.code)
		e.wantSaid(tt.name, e.said(func(c *mlops.Checker) error { return datasetKind{e.backend}.Preflight(t.Context(), spec, c) }), "uri", tt.words)
		fresh := spec
		fresh.Name = "fresh"
		change, err := e.Datasets().Create(t.Context(), fresh)
		e.wantCode("creation of "+tt.name, err, tt.code)
		if _, err := e.Datasets().Get(t.Context(), fresh.ID()); !e.is(err, mlops.NotFound) || change.Ref != "" {
			t.Errorf("%s: %q was made, %v", tt.name, change.Ref, err)
		}
	}
	if diff := cmp.Diff(before, e.data(spec.ID())); diff != "" {
		t.Errorf("after refusals (-want +got):\n%s", diff)
	}
	for uri, code := range map[string]mlops.Code{"s3://bucket/data.csv": mlops.Unsupported, t.TempDir(): mlops.Invalid, "mlflow-artifacts:/nothing/data.csv": mlops.Invalid} {
		other := spec
		other.Name, other.URI, other.Format = "other", uri, "csv"
		_, err := e.Datasets().Create(t.Context(), other)
		e.wantCode(uri, err, code)
	}
}

// TestLostData proves that bytes that somebody deleted in MLflow are missed, and that the
// next apply brings them back as the version that they were.
func TestLostData(t *testing.T) {
	t.Parallel()
	e := kept(t, "")
	spec := e.dataset("a\n1\n", nil)
	before := e.data(spec.ID())
	e.python(before.Native["run_id"], `client.delete_run(name)`)
	seen := e.data(spec.ID())
	if seen.Status.Digest != "" || seen.Status.URI != "" || seen.Revision != "" || !strings.Contains(seen.Reason, before.Native["run_id"]) {
		t.Errorf("without its bytes it is %+v", seen)
	}
	_, err := e.Datasets().Update(t.Context(), spec.ID(), spec)
	e.must(err)
	after := e.data(spec.ID())
	if after.Status.Digest != before.Status.Digest || after.Status.Version != "1" || after.Revision != before.Revision || e.bytes(after.Status.URI) != "a\n1\n" {
		t.Errorf("brought back as %+v", after)
	}
}

// TestDataOfRun proves that a dataset can be what a run wrote, with the run's evidence,
// and that a step of another run is sent to where MLflow keeps it.
func TestDataOfRun(t *testing.T) {
	t.Parallel()
	e := works(t, map[string]string{"data": "age\n31\n42\n"})
	p := e.pipeline(mlops.PipelineSpec{Steps: chain()})
	run := e.run(mlops.PipelineRunSpec{Pipeline: p.ID(), Parameters: map[string]string{}})
	spec := mlops.DatasetSpec{Environment: e.spec.ID, Name: "people", Run: run.Ref, Output: "prepare.data"}
	_, err := e.Datasets().Create(t.Context(), spec)
	e.must(err)
	seen := e.data(spec.ID())
	if seen.Status.Rows != 2 || seen.Status.Lineage == nil || seen.Status.Lineage.PipelineVersion != p.Version() {
		t.Errorf("a run's output is %+v", seen.Status)
	}
	foretold, err := datasetKind{e.backend}.Digest(t.Context(), spec)
	e.must(err)
	if foretold != seen.Status.Digest {
		t.Errorf("foretold is %q, and it is %s", foretold, seen.Status.Digest)
	}
	reader := mlops.PipelineSpec{Environment: e.spec.ID, Name: "reader", Parameters: map[string]mlops.Parameter{}, Steps: map[string]mlops.Step{
		"read": {Command: []string{"read"}, Inputs: map[string]string{"rows": "{{datasets.people}}"}},
	}}
	_, err = e.Pipelines().Create(t.Context(), reader)
	e.must(err)
	read := e.run(mlops.PipelineRunSpec{Pipeline: reader.ID(), Parameters: map[string]string{}})
	if read.Phase != mlops.PhaseReady || read.Status.Lineage.Datasets[spec.ID()].Digest != seen.Status.Digest {
		t.Errorf("the reader is %s: %s; lineage %+v", read.Phase, read.Reason, read.Status.Lineage)
	}
	if got := e.fetchedBy(e.workflow(read.Status.Run), "spec", "arguments", "artifacts"); got != "age\n31\n42\n" {
		t.Errorf("the step is given %q", got)
	}
	e.wantCode("deletion of what a pipeline reads", e.Datasets().Delete(t.Context(), spec.ID()), mlops.Conflict)
}

// fetchedBy is what Argo's executor fetches for the first artifact that an object names
// at a place.
func (e estate) fetchedBy(ref kubetest.Ref, place ...string) string {
	e.Helper()
	var b strings.Builder
	if status := e.send("GET", argoArtifact{argoLocation: argoLocation{HTTP: &argoHTTP{URL: firstURL(e, ref, place)}}}, nil, &b); status != 200 {
		e.Errorf("MLflow answers %d", status)
	}
	return b.String()
}

func firstURL(e estate, ref kubetest.Ref, place []string) string {
	e.Helper()
	all, _, err := unstructured.NestedSlice(control.Get(e.T, ref).Object, place...)
	if err != nil || len(all) == 0 {
		e.Fatalf("%s names no artifact", ref.Name)
	}
	first, _ := all[0].(map[string]any)
	web, _ := first["http"].(map[string]any)
	url, _ := web["url"].(string)
	return url
}

// TestScheduleReadsNewData proves that the runs of a schedule read the data that are in
// force, whoever's the pipeline is, and that the pipeline is left as it is otherwise.
func TestScheduleReadsNewData(t *testing.T) {
	t.Parallel()
	e := works(t, nil)
	spec := e.dataset("a\n1\n", nil)
	theirs := estate{t, openAs("them"), e.spec}
	p := theirs.pipeline(mlops.PipelineSpec{Schedule: nightly(), Steps: map[string]mlops.Step{
		"read": {Command: []string{"read"}, Inputs: map[string]string{"rows": "{{datasets.people}}"}},
	}})
	cron := e.ref("cronworkflows.argoproj.io", p.Name)
	before := e.lookAt(p.ID())
	for _, content := range []string{"a\n1\n2\n", "a\n1\n2\n3\n", "a\n4\n"} {
		e.must(os.WriteFile(spec.URI, []byte(content), 0o600))
		_, err := e.Datasets().Update(t.Context(), spec.ID(), spec)
		e.must(err)
		if got := e.fetchedBy(cron, "spec", "workflowSpec", "arguments", "artifacts"); got != content {
			t.Errorf("the schedule reads %q, in force is %q", got, content)
		}
	}
	if diff := cmp.Diff(before, e.lookAt(p.ID())); diff != "" {
		t.Errorf("the pipeline (-before +after):\n%s", diff)
	}
	_, err := theirs.Pipelines().Create(t.Context(), p)
	e.must(err)
}

// TestNoWayToData proves that steps which could not log in to the server of a dataset are
// refused at plan.
func TestNoWayToData(t *testing.T) {
	t.Parallel()
	reads := mlops.PipelineSpec{Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}, Inputs: map[string]string{"rows": "{{datasets.people}}"}}}}
	for _, tt := range []struct {
		name   string
		server *mlops.MLflow
		words  string
	}{
		{"no server", nil, "give the environment a registry.mlflow"},
		{"a token", &mlops.MLflow{URI: "http://mlflow", Mark: "mark"}, "registry.mlflow.username"},
		{"a user", &mlops.MLflow{URI: "http://mlflow", Mark: "mark", Username: "u"}, ""},
		{"an open server", &mlops.MLflow{URI: "http://mlflow"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkDatasets(c, reads, layout{spec: mlops.EnvironmentSpec{Registry: &mlops.Registry{MLflow: tt.server}}})
			problems := c.Problems()
			if (tt.words == "") != (len(problems) == 0) || len(problems) > 0 && (problems[0].Path.String() != `steps["fit"].inputs["rows"]` || !strings.Contains(problems[0].Detail, tt.words)) {
				t.Errorf("the plan says %v, want %q", problems, tt.words)
			}
		})
	}
}

// TestDataUnchanged proves that a plan of a dataset that is an artifact of MLflow fetches
// nothing while the run that wrote it is as it was, and finds out what that changes. Calls
// and bytes are counted before the real server.
func TestDataUnchanged(t *testing.T) {
	t.Parallel()
	gate := tracking.Gate(t, "")
	e := kept(t, gate.URI)
	const write = `
run = client.get_run(found) if found else client.create_run(experiment)
of = run.info.run_id
client.update_run(of, status="RUNNING")
client.log_text(of, "age\n" + ("42\n" if found else "31\n") * 100000, "people.csv")
client.set_terminated(of)
out.update(at=run.info.artifact_uri)`
	at, _ := e.python(string(e.spec.ID), "experiment, found = client.create_experiment('of ' + name), None"+write)["at"].(string)
	spec := mlops.DatasetSpec{Environment: e.spec.ID, Name: "people", URI: at + "/people.csv"}
	if digest, err := (datasetKind{e.backend}).Digest(t.Context(), spec); err != nil || digest == "" {
		t.Errorf("before it is made, its digest is %q, %v", digest, err)
	}
	_, err := e.Datasets().Create(t.Context(), spec)
	e.must(err)
	want := e.data(spec.ID()).Status.Digest
	calls, told := gate.Passed(), gate.Told()
	got, err := datasetKind{e.backend}.Digest(t.Context(), spec)
	calls, told = gate.Passed()-calls, gate.Told()-told
	if err != nil || got != want || calls != 3 || told > 1<<15 {
		t.Errorf("a look says %s, %v, by %d calls and %d bytes; want %s by three calls, for the record, the run and its folder", got, err, calls, told, want)
	}
	e.python(strings.Split(at, "/")[2], "experiment, found = None, name"+write)
	if got, err := (datasetKind{e.backend}).Digest(t.Context(), spec); err != nil || got == want || got == "" {
		t.Errorf("after the run went on, its digest is %q, %v; it was %s", got, err, want)
	}
}
