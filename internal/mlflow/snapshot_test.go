package mlflow

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// snapshot is a version of a small table, in a file of its own.
func (s *trial) snapshot(content string) Snapshot {
	s.Helper()
	at := filepath.Join(s.TempDir(), "people.csv")
	s.must(os.WriteFile(at, []byte(content), 0o600))
	digest, _, err := mlops.ContentDigest(at)
	s.must(err)
	return Snapshot{
		Path: at, Name: "people.csv", Dataset: "people", Version: "1", Digest: digest, Rows: 2,
		Schema: map[string]string{"age": "integer", "height": "number", "born": "timestamp", "ok": "boolean", "colour": "string"},
	}
}

// carrier makes the experiment that carries a dataset.
func (s *trial) carrier() Carrier {
	s.Helper()
	s.content.Object = s.content.Object.Environment().Child(mlops.NounDataset, "people")
	made, err := s.client.Carry(s.Context(), s.content)
	s.must(err)
	return made
}

// fetched is the content of an artifact.
func (s *trial) fetched(uri string) string {
	s.Helper()
	at, err := s.client.Download(s.Context(), uri, s.TempDir())
	s.must(err)
	text, err := os.ReadFile(at)
	s.must(err)
	return string(text)
}

// TestSnapshot proves that MLflow's own client finds a dataset as the input of a run,
// with what is in it, and loads it from there.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	into := s.carrier()
	snapshot := s.snapshot("age,colour\n31,red\n42,\n")
	kept, err := s.client.Keep(t.Context(), into, snapshot)
	s.must(err)
	if got := s.fetched(kept.URI); got != "age,colour\n31,red\n42,\n" {
		t.Errorf("kept %q", got)
	}
	got := s.python(`
import json, mlflow.data
run, = client.search_runs([client.get_experiment_by_name(name).experiment_id])
given, = run.inputs.dataset_inputs
d = given.dataset
out.update(run=run.info.run_id, status=run.info.status, name=d.name, digest=d.digest, profile=json.loads(d.profile))
out["types"] = {c["name"]: c["type"] for c in json.loads(d.schema)["mlflow_colspec"]}
out["content"] = open(mlflow.data.get_source(d).load(), encoding="utf-8").read()
`)
	want := map[string]any{
		"run": kept.Run, "status": "FINISHED", "name": "people", "digest": snapshot.Digest[len("sha256:"):][:36],
		"profile": map[string]any{"num_rows": 2.0}, "content": "age,colour\n31,red\n42,\n",
		"types": map[string]any{"age": "long", "height": "double", "born": "datetime", "ok": "boolean", "colour": "string"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an ordinary client sees (-want +got):\n%s", diff)
	}
}

// TestSnapshots proves that the same bytes are kept once, that those that are to stay
// do, and that nothing of the others is left, but what somebody else logged.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	into := s.carrier()
	first, err := s.client.Keep(t.Context(), into, s.snapshot("a\n1\n"))
	s.must(err)
	again, err := s.client.Keep(t.Context(), into, s.snapshot("a\n1\n"))
	s.must(err)
	if first != again {
		t.Errorf("the same bytes are kept as %v and %v", first, again)
	}
	second, err := s.client.Keep(t.Context(), into, s.snapshot("a\n2\n"))
	s.must(err)
	theirs := s.python(`out["id"] = client.create_run(client.get_experiment_by_name(name).experiment_id).info.run_id`)["id"]
	s.must(s.client.Drop(t.Context(), into, second.Run))
	holding, err := s.client.Holding(t.Context(), into)
	s.must(err)
	if diff := cmp.Diff(map[string][]string{into.ID: {second.Run}}, holding); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	_, err = s.client.Download(t.Context(), first.URI, t.TempDir())
	s.wantCode("fetching what was dropped", err, mlops.NotFound)
	if got := s.fetched(second.URI); got != "a\n2\n" {
		t.Errorf("kept %q", got)
	}
	left := s.python(`out["ids"] = sorted(r.info.run_id for r in client.search_runs([client.get_experiment_by_name(name).experiment_id]))`)["ids"]
	if ids, _ := left.([]any); len(ids) != 2 || ids[0] != theirs && ids[1] != theirs {
		t.Errorf("left are the runs %v, among them %v is somebody else's", left, theirs)
	}
}

// TestInterruptedSnapshot proves that an upload that was interrupted at any request is
// finished by the next try, in the same run.
func TestInterruptedSnapshot(t *testing.T) {
	t.Parallel()
	paths := []string{"runs/create", "mlflow-artifacts/artifacts/", "runs/log-inputs", "runs/update"}
	cutAt(t, paths, func(st *stock, c *Client, arm func()) {
		s := newTrial(st.T, c)
		into, snapshot := s.carrier(), s.snapshot("a\n1\n")
		arm()
		_, err := c.Keep(s.Context(), into, snapshot)
		s.wantCode("the interrupted try", err, mlops.Unavailable)
		kept, err := c.Keep(s.Context(), into, snapshot)
		s.must(err)
		if got := s.fetched(kept.URI); got != "a\n1\n" {
			s.Errorf("kept %q", got)
		}
		if runs, err := c.activeRuns(s.Context(), into.ID); err != nil || len(runs) != 1 {
			s.Errorf("%d runs, %v; want one", len(runs), err)
		}
		s.must(c.Drop(s.Context(), into))
		if runs, err := c.activeRuns(s.Context(), into.ID); err != nil || len(runs) != 0 {
			s.Errorf("%d runs are left, %v", len(runs), err)
		}
	})
}

// TestDataThatChange proves that nothing is kept of a file that changes while it is
// sent, and that the same bytes in force are not touched by that.
func TestDataThatChange(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	into, snapshot := s.carrier(), s.snapshot("a\n12\n")
	meddled, err := NewClient(Options{URI: server.URI(t), HTTP: &http.Client{Transport: meddler{snapshot.Path}}})
	s.must(err)
	_, err = meddled.Keep(t.Context(), into, snapshot)
	s.wantCode("bytes that changed underneath", err, mlops.Conflict)
	if holding, err := s.client.Holding(t.Context(), into); err != nil || len(holding) != 0 {
		t.Errorf("held are %v, %v", holding, err)
	}
	s.must(os.WriteFile(snapshot.Path, []byte("a\n12\n"), 0o600))
	kept, err := s.client.Keep(t.Context(), into, snapshot)
	s.must(err)
	s.must(os.WriteFile(snapshot.Path, []byte("a\n34\n"), 0o600))
	_, err = meddled.Keep(t.Context(), into, snapshot)
	s.must(err)
	if got := s.fetched(kept.URI); got != "a\n12\n" {
		t.Errorf("kept %q", got)
	}
}
