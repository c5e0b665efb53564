//go:build unix

package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const dataset = mlops.ID("local/dev/datasets/people")

// addDataset stores a version of the dataset "people", with its bytes in a new
// place, and returns that.
func (e *engine) addDataset(version, content string) (path string) {
	e.t.Helper()
	path = filepath.Join(e.t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		e.t.Fatal(err)
	}
	digest, size, err := blob.Digest(path)
	if err != nil {
		e.t.Fatal(err)
	}
	put(e, e.store.Datasets(), dataset, mlops.DatasetSpec{Environment: environment, Name: "people", URI: path})
	_, err = e.store.Datasets().Change(e.ctx, dataset, func(_ *store.Tx, r *store.Record[mlops.DatasetSpec, mlops.DatasetStatus]) error {
		r.Status.Version, r.Status.Digest, r.Status.Size, r.Status.Rows, r.Status.URI = version, digest, size, 3, artifact.URI(path)
		r.Status.History = []mlops.DatasetVersion{{Version: version, Digest: digest, Rows: 3, CreatedAt: time.Unix(1, 0).UTC()}}
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return path
}

// reading is a step that reads the dataset as an input and as a variable.
func reading(file string) map[string]mlops.Step {
	step := sh(note(file)+`cat "$MLOPS_INPUT_PEOPLE" "$PEOPLE" >"$MLOPS_OUTPUT_COPY"`, "copy")
	step.Inputs = map[string]string{"people": "{{datasets.people}}"}
	step.Env = map[string]string{"PEOPLE": "{{datasets.people}}"}
	return map[string]mlops.Step{"read": step}
}

// TestDataset proves that a run reads the version in force, says so, and is not
// repeated while that is the same.
func TestDataset(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	ran := filepath.Join(t.TempDir(), "ran")
	e.addPipeline(reading(ran))
	tests := []struct {
		name, version, content string
		times                  int // that the step has run since the beginning
	}{
		{"first", "1", "a\n1\n", 1},
		{"same bytes in another place", "1", "a\n1\n", 1},
		{"other bytes", "2", "a\n2\n", 2},
		{"former bytes", "1", "a\n1\n", 2},
	}
	for _, tc := range tests {
		path := e.addDataset(tc.version, tc.content)
		o := e.run(tc.name)
		wantState(t, o, mlops.RunSucceeded)
		if got := output(t, o, "read.copy"); got != tc.content+tc.content || lines(t, ran) != tc.times {
			t.Errorf("%s: the step read %q and has run %d times, want %d", tc.name, got, lines(t, ran), tc.times)
		}
		digest, _, err := blob.Digest(path)
		if err != nil {
			t.Fatal(err)
		}
		want := map[mlops.ID]mlops.DatasetVersion{dataset: {Version: tc.version, Digest: digest, Rows: 3, CreatedAt: time.Unix(1, 0).UTC()}}
		if diff := cmp.Diff(want, o.Status.Lineage.Datasets); diff != "" {
			t.Errorf("%s: datasets (-want +got):\n%s", tc.name, diff)
		}
		if got := o.Status.Lineage.Steps["read"].Inputs["people"]; got != digest {
			t.Errorf("%s: the input's digest is %s, want %s", tc.name, got, digest)
		}
	}
}

// TestDatasetIsFrozen proves that a run reads what was in force when it was
// accepted.
func TestDatasetIsFrozen(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	e.addPipeline(reading(filepath.Join(t.TempDir(), "ran")))
	e.addDataset("1", "a\n1\n")
	waiting := e.create("1")
	e.addDataset("2", "a\n2\n")
	e.start()
	o := e.ended(waiting)
	wantState(t, o, mlops.RunSucceeded)
	if got := output(t, o, "read.copy"); got != "a\n1\na\n1\n" || o.Status.Lineage.Datasets[dataset].Version != "1" {
		t.Errorf("it read %q, version %s", got, o.Status.Lineage.Datasets[dataset].Version)
	}
}

func TestDatasetRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(reading(filepath.Join(t.TempDir(), "ran")))
	_, err := e.Create(e.ctx, request("no dataset"))
	if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), "there is no "+string(dataset)) {
		t.Errorf("without the dataset: %v", err)
	}
	e.addDataset("1", "a\n1\n")
	_, err = e.store.Datasets().Change(e.ctx, dataset, func(_ *store.Tx, r *store.Record[mlops.DatasetSpec, mlops.DatasetStatus]) error {
		r.Phase, r.Reason = mlops.PhaseFailed, "the data are not good"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Create(e.ctx, request("failed dataset"))
	if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), "the data are not good") {
		t.Errorf("with a dataset that failed: %v", err)
	}
	if all, err := e.List(e.ctx, pipeline); err != nil || len(all) != 0 {
		t.Errorf("runs were made: %v, %v", all, err)
	}
}

// TestDatasetTamperedWith proves that lineage does not tell what is not so.
func TestDatasetTamperedWith(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		spoil      func(path string) error
	}{
		{"changed", "were changed where they are kept", func(path string) error { return os.WriteFile(path, []byte("a\n9\n"), 0o600) }},
		{"gone", "cannot be read", os.Remove},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			ran := filepath.Join(t.TempDir(), "ran")
			e.addPipeline(reading(ran))
			if err := tc.spoil(e.addDataset("1", "a\n1\n")); err != nil {
				t.Fatal(err)
			}
			o := e.run("1")
			wantState(t, o, mlops.RunFailed)
			wantReason(t, o, tc.want, string(dataset))
			if lines(t, ran) != 0 {
				t.Error("the step has run")
			}
		})
	}
}
