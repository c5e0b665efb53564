package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keep writes a table into a file of its own.
func keep(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems are what a preflight finds.
func problems(t *testing.T, d client.Datasets, spec mlops.DatasetSpec) string {
	t.Helper()
	c := mlops.NewChecker()
	if err := d.Preflight(t.Context(), spec, c); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Summary+": "+p.Detail)
	}
	return strings.Join(out, "\n")
}

// TestDatasetPreflight proves what is told of data before they are taken in.
func TestDatasetPreflight(t *testing.T) {
	t.Parallel()
	d := connect(t, inNewDirectory(t)).Datasets()
	rules := func(onFailure string) *mlops.DatasetChecks {
		return &mlops.DatasetChecks{MinRows: 3, OnFailure: onFailure}
	}
	folder := t.TempDir()
	tests := []struct {
		name string
		spec mlops.DatasetSpec
		want string
	}{
		{"good", mlops.DatasetSpec{URI: keep(t, "a\n1\n2\n3\n"), Checks: rules("error")}, ""},
		{"bad", mlops.DatasetSpec{URI: keep(t, "a\n1\n"), Checks: rules("error")}, "uri: Data that break the rules: people.csv: there are 1 rows, fewer than min_rows = 3."},
		{"bad, and only told", mlops.DatasetSpec{URI: keep(t, "a\n1\n"), Checks: rules("warn")}, ""},
		{"schema", mlops.DatasetSpec{URI: keep(t, "a\n1\n"), Schema: map[string]mlops.Column{"b": {Type: "integer"}}}, `uri: Data that break the rules: people.csv: column "b" is missing; there is a.`},
		{"no table", mlops.DatasetSpec{URI: keep(t, "a\n1,2\n")}, "uri: Not a table: people.csv: line 2 has 2 fields; the header has 1."},
		{"directory", mlops.DatasetSpec{URI: folder, Format: "csv"}, "uri: Not a table: " + filepath.Base(folder) + ": " + filepath.Base(folder) + " is no regular file; a table is one file."},
		{"not there yet", mlops.DatasetSpec{URI: filepath.Join(folder, "later.csv")}, ""},
		{"run that is not there yet", mlops.DatasetSpec{Run: "local/dev/pipelines/p/runs/r", Output: "train"}, ""},
	}
	for _, tc := range tests {
		if diff := cmp.Diff(tc.want, problems(t, d, tc.spec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	sparse := filepath.Join(folder, "large.csv")
	if err := os.WriteFile(sparse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, 257<<20); err != nil {
		t.Fatal(err)
	}
	if got := problems(t, d, mlops.DatasetSpec{URI: sparse}); got != "" {
		t.Errorf("a large file was read: %s", got)
	}
}

// TestDatasetToRun proves the way of data over the wire: taken in, digest known
// beforehand, read by a run, and what the run made taken in again with its lineage.
func TestDatasetToRun(t *testing.T) {
	t.Parallel()
	c := connect(t, inNewDirectory(t))
	environment := made(t, c.Environments(), environmentSpec("dev"))
	made(t, c.Experiments(), mlops.ExperimentSpec{Environment: environment, Name: "x"})
	spec := mlops.DatasetSpec{Environment: environment, Name: "people", URI: keep(t, "age,name\n31,Ann\n42,Bo\n")}
	people := made(t, c.Datasets().Kind, spec)
	digest, err := c.Datasets().Digest(t.Context(), spec)
	seen := look(t, c.Datasets().Kind, people)
	if err != nil || digest != seen.Status.Digest || *seen.Status.Statistics["age"].Mean != 36.5 {
		t.Errorf("planned %s, kept %s with %+v, %v", digest, seen.Status.Digest, seen.Status.Statistics, err)
	}
	pipeline := made(t, c.Pipelines(), mlops.PipelineSpec{
		Environment: environment, Name: "p", Experiment: environment.Child(mlops.NounExperiment, "x"), Steps: map[string]mlops.Step{"prepare": {
			Command: []string{"/bin/sh", "-c", `head -n 2 {{inputs.people}} >{{outputs.train}}; echo '{"rows": 1}' >{{outputs.metrics}}`},
			Inputs:  map[string]string{"people": "{{datasets.people}}"}, Outputs: []string{"train", "metrics"},
		}},
	})
	wantCode(t, c.Datasets().Delete(t.Context(), people), mlops.Conflict, "reads")
	run := made(t, c.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: pipeline})
	train := mlops.DatasetSpec{Environment: environment, Name: "train", Run: run, Output: "train", Checks: &mlops.DatasetChecks{MinRows: 2, OnFailure: "error"}}
	if got := problems(t, c.Datasets(), train); !strings.HasPrefix(got, "output: Data that break the rules: train: there are 1 rows") {
		t.Errorf("of a run's output is told: %q", got)
	}
	_, err = c.Datasets().Create(t.Context(), train)
	wantCode(t, err, mlops.Failed, "there are 1 rows, fewer than min_rows = 2")
	train.Checks = nil
	from := look(t, c.Datasets().Kind, made(t, c.Datasets().Kind, train)).Status.Lineage
	if from == nil || from.Datasets[people].Digest != digest || from.Datasets[people].Rows != 2 {
		t.Errorf("lineage is %+v", from)
	}
	tracked := look(t, c.Experiments(), environment.Child(mlops.NounExperiment, "x")).Status
	if tracked.Total != 1 || tracked.Runs[0].Run != run || tracked.Runs[0].Metrics["rows"] != 1 {
		t.Errorf("the experiment shows %+v", tracked)
	}
	gone(t, c.Pipelines(), pipeline)
	gone(t, c.Datasets().Kind, people)
	if left := look(t, c.Experiments(), environment.Child(mlops.NounExperiment, "x")).Status; left.Total != 1 {
		t.Errorf("without the pipeline the experiment shows %+v", left)
	}
}

func look[S, T any](t *testing.T, k client.Kind[S, T], id mlops.ID) mlops.Observed[S, T] {
	t.Helper()
	o, err := k.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
