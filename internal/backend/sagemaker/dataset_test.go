package sagemaker

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// dataset makes the dataset "people" of a table.
func (r registry) dataset(content string, change func(*mlops.DatasetSpec)) mlops.DatasetSpec {
	r.Helper()
	spec := mlops.DatasetSpec{Environment: r.environment, Name: "people", URI: r.file("people.csv", content)}
	if change != nil {
		change(&spec)
	}
	r.the(r.Datasets().Create(r.Context(), spec))
	return spec
}

func (r registry) data(id mlops.ID) mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus] {
	r.Helper()
	o, err := r.Datasets().Get(r.Context(), id)
	r.must(err)
	return o
}

// kept is the content of a dataset's bytes, as they are kept.
func (r registry) kept(uri string) string {
	r.Helper()
	files, err := r.store(r.Context(), r.environment)
	r.must(err)
	path, err := files.download(r.Context(), uri, r.TempDir())
	r.must(err)
	b, err := os.ReadFile(path)
	r.must(err)
	return string(b)
}

// TestDataVersions proves that a number means the same bytes for ever, and that the
// bytes in force and those before them are kept.
func TestDataVersions(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := r.dataset("a\n1\n", nil)
	steps := []struct {
		name, content, version, history string
		folders                         int
	}{
		{"made", "a\n1\n", "1", "1", 1},
		{"same bytes", "a\n1\n", "1", "1", 1},
		{"other bytes", "a\n1\n2\n", "2", "2 1", 2},
		{"former bytes", "a\n1\n", "1", "2 1", 2},
		{"new bytes", "a\n1\n2\n3\n", "3", "3 2 1", 2},
		{"newer bytes", "a\n1\n2\n3\n4\n", "4", "4 3 2 1", 2},
	}
	for _, step := range steps {
		r.must(os.WriteFile(spec.URI, []byte(step.content), 0o600))
		change := r.the(r.Datasets().Update(t.Context(), spec.ID(), spec))
		seen := r.data(spec.ID())
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
		if got := r.kept(seen.Status.URI); got != step.content {
			t.Errorf("%s: kept %q", step.name, got)
		}
		if keys := r.keys("datasets/people/"); len(keys) != step.folders+1 {
			t.Errorf("%s: kept %q", step.name, keys)
		}
	}
	r.must(r.Datasets().Delete(t.Context(), spec.ID()))
	if left := r.keys("datasets/"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestDataStatus proves that a table is read wherever it is.
func TestDataStatus(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := r.dataset("age,colour\n31,red\n42,\n", func(s *mlops.DatasetSpec) {
		s.Schema = map[string]mlops.Column{"age": {Type: "integer", Required: true}}
	})
	want := r.data(spec.ID()).Status
	if diff := cmp.Diff(map[string]string{"age": "integer", "colour": "string"}, want.Schema); diff != "" || want.Statistics["colour"].Missing != 1 {
		t.Errorf("statistics %+v; schema (-want +got):\n%s", want.Statistics, diff)
	}
	again := spec
	again.Name, again.URI = "again", want.URI // in S3
	r.the(r.Datasets().Create(t.Context(), again))
	got := r.data(again.ID()).Status
	got.URI, got.CreatedAt, got.History = want.URI, want.CreatedAt, want.History
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read from S3 (-want +got):\n%s", diff)
	}
	all, err := datasetKind{r.backend}.List(t.Context(), r.environment)
	r.must(err)
	if len(all) != 2 {
		t.Errorf("listed are %v", all)
	}
}

// TestRefusedData proves that data that break rules leave everything as it was.
func TestRefusedData(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	few := &mlops.DatasetChecks{MinRows: 2}
	spec := r.dataset("a\n1\n2\n", func(s *mlops.DatasetSpec) { s.Checks = few })
	before, keys := r.data(spec.ID()), r.keys("datasets/")
	tests := []struct {
		name, content, words string
		code                 mlops.Code
	}{
		{"checks", "a\n1\n", "fewer than min_rows = 2", mlops.Failed},
		{"no table", "a,b\n1\n", "the data cannot be read", mlops.Invalid},
	}
	for _, tt := range tests {
		r.must(os.WriteFile(spec.URI, []byte(tt.content), 0o600))
		_, err := r.Datasets().Update(t.Context(), spec.ID(), spec)
		r.wantCode(tt.name, err, tt.code, tt.words)
		check := mlops.NewChecker()
		r.must(datasetKind{r.backend}.Preflight(t.Context(), spec, check))
		if problems := check.Problems(); len(problems) != 1 || problems[0].Path.String() != "uri" {
			t.Errorf("%s, at plan: %v", tt.name, problems)
		}
	}
	spec.URI = t.TempDir()
	spec.Format = "csv"
	_, err := r.Datasets().Update(t.Context(), spec.ID(), spec)
	r.wantCode("a directory", err, mlops.Invalid, "a dataset is one file")
	if diff := cmp.Diff(before, r.data(spec.ID())); diff != "" {
		t.Errorf("after refusals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(keys, r.keys("datasets/")); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	warned := r.dataset("a\n1\n", func(s *mlops.DatasetSpec) {
		s.Name, s.Checks = "warned", &mlops.DatasetChecks{MinRows: 2, OnFailure: "warn"}
	})
	if got := r.data(warned.ID()).Status.Violations; len(got) != 1 {
		t.Errorf("violations %q", got)
	}
}

// TestDataReadOnce proves that data which were judged are not fetched again for a
// change of words.
func TestDataReadOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := r.dataset("a\n1\n", nil)
	spec.URI = r.data(spec.ID()).Status.URI
	before := r.data(spec.ID())
	r.account.ResetCalls()
	spec.Description = "in other words"
	r.the(r.Datasets().Update(t.Context(), spec.ID(), spec))
	calls := r.account.Calls()
	if calls["s3.PUT"] != 1 || calls["s3.GET"] != 1 {
		t.Errorf("a change of words took %v", calls)
	}
	after := r.data(spec.ID())
	if diff := cmp.Diff(before.Status, after.Status); diff != "" || after.Revision == before.Revision {
		t.Errorf("status (-before +after):\n%s", diff)
	}
}

// TestDataRace proves that of two who change a dataset at once one is refused.
func TestDataRace(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := r.dataset("a\n1\n", nil)
	k := datasetKind{r.backend}
	s, err := k.scene(t.Context(), spec.ID())
	r.must(err)
	stale, err := k.look(t.Context(), s)
	r.must(err)
	spec.Description = "another's"
	r.the(datasetKind{r.as("them")}.Update(t.Context(), spec.ID(), spec))
	r.wantCode("a stale write", k.write(t.Context(), s, stale), mlops.Conflict, string(spec.ID()))
	stale.etag = ""
	r.wantCode("a late creation", k.write(t.Context(), s, stale), mlops.Conflict, string(spec.ID()))
	if got := r.data(spec.ID()).Spec.Description; got != "another's" {
		t.Errorf("description %q", got)
	}
}

// TestReadDataset proves that a dataset that a pipeline reads stays.
func TestReadDataset(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	data := r.dataset("a\n1\n", nil)
	pipeline := mlops.PipelineSpec{Environment: r.environment, Name: "train", Steps: map[string]mlops.Step{
		"train": {Command: []string{"true"}, Inputs: map[string]string{"rows": "{{datasets.people}}"}},
	}}
	made := r.the(r.Pipelines().Create(t.Context(), pipeline)).Ref
	r.wantCode("delete", r.Datasets().Delete(t.Context(), data.ID()), mlops.Conflict, string(made))
	if r.kept(r.data(data.ID()).Status.URI) != "a\n1\n" {
		t.Error("the bytes are gone")
	}
}

// TestDataLostReply proves that a record whose writing was not acknowledged is
// taken for written.
func TestDataLostReply(t *testing.T) {
	t.Parallel()
	for _, skip := range []int{0, 1} { // the data, the record
		r := newRegistry(t, simulated.Config{})
		r.account.Inject(simulated.Rule{Service: "s3", Operation: http.MethodPut, Skip: skip, After: true})
		spec := r.dataset("a\n1\n", nil)
		if seen := r.data(spec.ID()); seen.Status.Version != "1" || len(seen.Status.History) != 1 {
			t.Errorf("after the loss of answer %d: %+v", skip, seen.Status)
		}
	}
}
