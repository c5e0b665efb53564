package mlflow

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// stock is a model in an environment of its own, at the real server.
type stock struct {
	*testing.T

	models   *Models
	versions *ModelVersions
	model    mlops.ModelSpec
}

var stocks atomic.Int32

func newStock(t *testing.T) *stock {
	t.Helper()
	return newStockBy(t, connect(t, server.URI(t)))
}

func newStockBy(t *testing.T, c *Client) *stock {
	t.Helper()
	r := NewRegistry(c, findFile)
	s := &stock{t, r.Models("us"), r.ModelVersions("us"), mlops.ModelSpec{
		Environment: mlops.ID("local/stock-" + strconv.Itoa(int(stocks.Add(1)))), Name: "churn", Labels: map[string]string{"team": "growth"},
	}}
	if _, err := s.models.Create(t.Context(), s.model); err != nil {
		t.Fatal(err)
	}
	return s
}

// name is what the model is called in MLflow.
func (s *stock) name() string { return RegisteredName(s.model.ID()) }

// file is a version of one file.
func (s *stock) file(text string) mlops.ModelVersionSpec {
	s.Helper()
	path := filepath.Join(s.TempDir(), "model.bin")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return mlops.ModelVersionSpec{Model: s.model.ID(), ArtifactURI: path, Format: "sklearn", Approval: "pending"}
}

func (s *stock) register(spec mlops.ModelVersionSpec) mlops.ID {
	s.Helper()
	c, err := s.versions.Create(s.Context(), spec)
	if err != nil {
		s.Fatal(err)
	}
	return c.Ref
}

func (s *stock) change(ref mlops.ID, spec mlops.ModelVersionSpec) mlops.ID {
	s.Helper()
	c, err := s.versions.Update(s.Context(), ref, spec)
	if err != nil {
		s.Fatal(err)
	}
	return c.Ref
}

func (s *stock) get(ref mlops.ID) ObservedVersion {
	s.Helper()
	seen, err := s.versions.Get(s.Context(), ref)
	if err != nil {
		s.Fatal(err)
	}
	return seen
}

func (s *stock) wantCode(what string, err error, want mlops.Code) {
	s.Helper()
	if got := mlops.CodeOf(err); got != want {
		s.Errorf("%s: %v has code %q, want %q", what, err, got, want)
	}
}

// python uses the server as an ordinary client, and returns what it found.
func (s *stock) python(program string, args ...string) map[string]any {
	s.Helper()
	return server.Python(s.T, "client, name, args = mlflow.MlflowClient(), args[0], args[1:]\n"+program, append([]string{s.name()}, args...)...)
}

func TestAnOrdinaryClientLoadsIt(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	tree := filepath.Join(t.TempDir(), "größe v1+")
	s.python(`
class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * x for x in model_input]
mlflow.pyfunc.save_model(args[0], python_model=Twice(), pip_requirements=[])
open(args[0] + "/ein Bild äöü.txt", "w").write("x" * 100)
open(args[0] + "/empty", "w").close()
`, tree)
	spec := s.file("")
	spec.ArtifactURI, spec.Format, spec.Approval, spec.Aliases = tree, "mlflow", "approved", []string{"champion"}
	spec.Description, spec.Labels, spec.Metrics = "Grüße <&\"'", map[string]string{"run": "7", "empty": ""}, map[string]float64{"accuracy": 0.93, "f1 (macro)": 0.5}
	ref := s.register(spec)
	digest, _, err := mlops.ContentDigest(tree)
	if err != nil {
		t.Fatal(err)
	}
	got := s.python(`
v = client.get_model_version_by_alias(name, "champion")
m = client.get_registered_model(name)
import json
out.update(version=str(v.version), description=v.description, aliases=list(v.aliases), metrics=client.get_run(v.run_id).data.metrics, model_tags={k: v for k, v in m.tags.items() if "record" not in k})
out["tags"] = {k: v for k, v in v.tags.items() if "record" not in k}
out["record_id"] = json.loads(v.tags["mlops.record"])["id"]
out["path"] = mlflow.artifacts.download_artifacts("models:/" + name + "@champion", dst_path=args[0])
out["predicted"] = mlflow.pyfunc.load_model("models:/" + name + "/1").predict([1, 2, 3])
`, t.TempDir())
	at, _ := got["path"].(string)
	delete(got, "path")
	want := map[string]any{
		"version": "1", "description": spec.Description, "aliases": []any{"champion"}, "metrics": map[string]any{"accuracy": 0.93},
		"model_tags": map[string]any{"team": "growth", "mlops.managed-by": managedBy, "mlops.environment": string(s.model.Environment)},
		"tags": map[string]any{
			"run": "7", "empty": "", "mlops.managed-by": managedBy, "mlops.environment": string(s.model.Environment), "mlops.model": string(s.model.ID()),
			"mlops.format": "mlflow", "mlops.digest": digest, "mlops.approval": "approved",
		},
		"record_id": string(s.model.ID()), "predicted": []any{2.0, 4.0, 6.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the client reads (-want +got):\n%s", diff)
	}
	s.wantBytes(at, digest)
	exported, err := s.versions.Export(t.Context(), ref, t.TempDir())
	if err != nil || filepath.Base(exported) != filepath.Base(tree) {
		t.Errorf("exported to %s, %v", exported, err)
	}
	s.wantBytes(exported, digest)
}

func (s *stock) wantBytes(path, digest string) {
	s.Helper()
	if _, err := os.Stat(filepath.Join(path, "registered_model_meta")); err == nil { // the client's own note
		if err := os.Remove(filepath.Join(path, "registered_model_meta")); err != nil {
			s.Fatal(err)
		}
	}
	if got, _, err := mlops.ContentDigest(path); err != nil || got != digest {
		s.Errorf("%s has the digest %s, %v; want %s", path, got, err, digest)
	}
}

func TestWhatOthersMadeIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	first := s.register(s.file("ours"))
	s.python(`
run = client.create_run(client.get_experiment_by_name(name).experiment_id)
client.log_text(run.info.run_id, "theirs", "theirs.txt")
client.create_model_version(name, run.info.artifact_uri, run.info.run_id)
client.set_registered_model_alias(name, "theirs", "2")
client.create_registered_model("foreign-" + name)
client.copy_model_version("models:/" + name + "/1", "copy-" + name)
client.copy_model_version("models:/" + name + "/1", name)
`)
	second := s.change(first, s.file("ours, newer"))
	if second.Name() != "4" {
		t.Errorf("the newer version is %s; the numbers 2 and 3 are taken", second)
	}
	_, err := s.versions.Get(t.Context(), s.model.ID().Child(mlops.NounModelVersion, "2"))
	s.wantCode("get of a foreign version", err, mlops.NotFound)
	s.wantCode("delete of a foreign version", s.versions.Delete(t.Context(), s.model.ID().Child(mlops.NounModelVersion, "2")), mlops.NotFound)
	if all, err := s.versions.List(t.Context(), s.model.ID()); err != nil || len(all) != 2 {
		t.Errorf("%d versions are listed, %v; two are ours", len(all), err)
	}
	if err := s.versions.Delete(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	err = s.models.Delete(t.Context(), s.model.ID())
	s.wantCode("delete of a model with a foreign version", err, mlops.Conflict)
	if err == nil || !strings.Contains(err.Error(), "something else made: 2, 3;") {
		t.Errorf("%v does not name the foreign version", err)
	}
	s.python(`client.delete_model_version(name, "2"); client.delete_model_version(name, "3")`)
	if err := s.models.Delete(t.Context(), s.model.ID()); err != nil {
		t.Fatal(err)
	}
	got := s.python(`
out["ours"] = [m.name for m in client.search_registered_models(filter_string="name = '%s'" % name)]
out["theirs"] = sorted(m.name for m in client.search_registered_models(filter_string="name LIKE '%%-%s'" % name))
copied = mlflow.artifacts.download_artifacts("models:/copy-" + name + "/1", dst_path=args[0])
out["copied"] = open(copied + "/model.bin").read()
e = client.get_experiment_by_name(name)
out["runs"] = [len(client.list_artifacts(r.info.run_id)) for r in client.search_runs([e.experiment_id])]
`, t.TempDir())
	want := map[string]any{"ours": []any{}, "theirs": []any{"copy-" + s.name(), "foreign-" + s.name()}, "copied": "ours", "runs": []any{1.0, 1.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after we left (-want +got):\n%s", diff)
	}
}

func TestNamesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	other := s.model
	other.Environment = mlops.ID("kubernetes/c/" + s.model.Environment.Name())
	_, err := s.models.Create(t.Context(), other)
	s.wantCode("the same name on another platform", err, mlops.AlreadyExists)

	foreign := s.model
	foreign.Name = "foreign"
	s.python(`client.create_registered_model(args[0])`, RegisteredName(foreign.ID()))
	_, err = s.models.Create(t.Context(), foreign)
	s.wantCode("a name that another client took", err, mlops.AlreadyExists)
	_, err = s.models.Get(t.Context(), foreign.ID())
	s.wantCode("a look at it", err, mlops.NotFound)
	s.wantCode("its deletion", s.models.Delete(t.Context(), foreign.ID()), mlops.NotFound)

	busy := s.model
	busy.Name = "busy"
	s.python(`client.create_experiment(args[0])`, RegisteredName(busy.ID()))
	_, err = s.models.Create(t.Context(), busy)
	s.wantCode("an experiment's name that another client took", err, mlops.AlreadyExists)
}

func TestWhatOthersChangeIsSeenAndBroughtBack(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	spec := s.file("bytes")
	spec.Aliases, spec.Labels, spec.Description = []string{"champion", "stays"}, map[string]string{"a": "1", "b": "2"}, "as it was"
	ref := s.register(spec)
	second := s.register(s.file("others"))
	s.python(`
client.set_registered_model_alias(name, "champion", "2")
client.update_model_version(name, "1", "changed")
client.set_model_version_tag(name, "1", "a", "other")
client.delete_model_version_tag(name, "1", "b")
client.set_model_version_tag(name, "1", "mlops.approval", "approved")
client.set_model_version_tag(name, "1", "theirs", "kept")
client.update_registered_model(name, "changed")
`)
	want := spec
	want.Aliases, want.Labels, want.Description, want.Approval = []string{"stays"}, map[string]string{"a": "other"}, "changed", "approved"
	seen := s.get(ref)
	if diff := cmp.Diff(want, seen.Spec); diff != "" {
		t.Errorf("it is seen as (-want +got):\n%s", diff)
	}
	if seen.Revision != mlops.DigestOf(want) {
		t.Error("the revision is not that of what is in force")
	}
	if model, err := s.models.Get(t.Context(), s.model.ID()); err != nil || model.Spec.Description != "changed" || model.Status.Latest != "2" {
		t.Errorf("the model is seen as %+v, %v", model, err)
	}
	s.change(ref, spec)
	if diff := cmp.Diff(spec, s.get(ref).Spec); diff != "" {
		t.Errorf("brought back it is (-want +got):\n%s", diff)
	}
	if got := s.get(second).Spec.Aliases; len(got) != 0 {
		t.Errorf("the other version still has %v", got)
	}
	got := s.python(`out["theirs"] = client.get_model_version(name, "1").tags.get("theirs")`)
	if got["theirs"] != "kept" {
		t.Error("another's tag was removed")
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	spec := s.file("first")
	spec.Aliases = []string{"champion", "stays"}
	first := s.register(spec)
	newer := s.file("second")
	newer.Aliases = []string{"champion"}
	second := s.change(first, newer)
	if second == first {
		t.Fatalf("other bytes are still %s", first)
	}
	for ref, want := range map[mlops.ID][]string{first: {"stays"}, second: {"champion"}} {
		if got := s.get(ref).Spec.Aliases; !slices.Equal(got, want) {
			t.Errorf("%s has the aliases %q, want %q", ref, got, want)
		}
	}
	if back := s.change(second, spec); back != first {
		t.Errorf("the first bytes again are %s, were %s", back, first)
	}
	s.wantCode("delete of a model with a version", s.models.Delete(t.Context(), s.model.ID()), mlops.Conflict)
	copied := s.model
	copied.Name = "copied"
	if _, err := s.models.Create(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	there := spec
	there.Model, there.ArtifactURI = copied.ID(), s.get(first).Status.URI
	if got, want := s.get(s.register(there)).Status.Digest, s.get(first).Status.Digest; got != want {
		t.Errorf("bytes that were registered by their URI have the digest %s, want %s", got, want)
	}
	there.Promotion = &mlops.Promotion{From: first, Digest: "sha256:other"}
	_, err := s.versions.Create(t.Context(), there)
	s.wantCode("bytes that are not those that were promoted", err, mlops.Invalid)
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	first := s.register(s.file("first"))
	second := s.change(first, s.file("second"))
	at := []string{s.get(first).Native["source"], s.get(second).Native["source"]}
	if err := s.versions.Delete(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if err := s.models.Delete(t.Context(), s.model.ID()); err != nil { // and the first, which is history
		t.Fatal(err)
	}
	got := s.python(`
out["models"] = len(client.search_registered_models(filter_string="name = '%s'" % name))
out["experiments"] = [e.name for e in client.search_experiments() if name in e.name]
from mlflow.artifacts import list_artifacts
out["files"] = sum(len(list_artifacts(artifact_uri=uri)) for uri in args)
`, at...)
	if diff := cmp.Diff(map[string]any{"models": 0.0, "experiments": []any{}, "files": 0.0}, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if _, err := s.models.Create(t.Context(), s.model); err != nil {
		t.Errorf("made again: %v", err)
	}
	if again := s.register(s.file("first")); again.Name() != "1" {
		t.Errorf("the first version of a new model is %s", again)
	}
}

func TestLongRecords(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	spec := s.file("bytes")
	short := spec
	spec.Signature = `{"columns": "` + strings.Repeat("größe🚀", 6000) + `"}`
	ref := s.register(spec)
	if diff := cmp.Diff(spec, s.get(ref).Spec); diff != "" {
		t.Error("a long signature did not come back")
	}
	spec.Labels = map[string]string{"k": "v"}
	s.change(ref, spec)
	if diff := cmp.Diff(spec, s.get(ref).Spec); diff != "" {
		t.Error("a long record that was changed did not come back")
	}
	native, err := s.versions.client.modelVersion(t.Context(), s.name(), ref.Name())
	if err != nil {
		t.Fatal(err)
	}
	pieces := map[string]bool{}
	for k, v := range native.Tags {
		if n := utf8.RuneCountInString(v); n > maxTag {
			t.Errorf("the tag %s has %d characters", k, n)
		}
		if rest, ok := strings.CutPrefix(k, tagRecord+"."); ok {
			generation, _, _ := strings.Cut(rest, ".")
			pieces[generation] = true
		}
	}
	if len(pieces) != 1 {
		t.Errorf("there are pieces of the records %v, want one", pieces)
	}
	if diff := cmp.Diff(short, s.get(s.change(ref, short)).Spec); diff != "" {
		t.Errorf("a short one after it (-want +got):\n%s", diff)
	}
}

func TestBytesThatCannotBeKept(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	for _, name := range []string{"a#b", "a%20b", `a\b`} {
		spec := s.file("")
		spec.ArtifactURI = filepath.Join(t.TempDir(), "tree")
		if err := os.MkdirAll(filepath.Join(spec.ArtifactURI, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(spec.ArtifactURI, name, "f"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.versions.Create(t.Context(), spec)
		s.wantCode(name, err, mlops.Invalid)
	}
	empty := s.file("")
	empty.ArtifactURI = t.TempDir()
	_, err := s.versions.Create(t.Context(), empty)
	s.wantCode("no files", err, mlops.Invalid)
	for _, alias := range []string{"latest", "v1"} {
		spec := s.file("x")
		spec.Aliases = []string{alias}
		_, err := s.versions.Create(t.Context(), spec)
		s.wantCode(alias, err, mlops.Invalid)
	}
	if got := s.python(`out["runs"] = len(client.search_runs([client.get_experiment_by_name(name).experiment_id]))`); got["runs"] != 0.0 {
		t.Errorf("what was refused left %v runs", got["runs"])
	}
}

func TestTamperedBytes(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	ref := s.register(s.file("bytes"))
	s.python(`client.log_text(client.get_model_version(name, "1").run_id, "other", "model/model.bin")`)
	_, err := s.versions.Export(t.Context(), ref, t.TempDir())
	s.wantCode("export", err, mlops.Failed)
}

func TestManyPages(t *testing.T) {
	t.Parallel()
	c := connect(t, server.URI(t))
	c.page = 2
	s := newStockBy(t, c)
	want := []mlops.ID{s.model.ID()}
	for _, name := range []string{"a", "b", "c", "d"} {
		more := s.model
		more.Name = name
		if _, err := s.models.Create(t.Context(), more); err != nil {
			t.Fatal(err)
		}
		want = append(want, more.ID())
		s.register(s.file(name))
	}
	models, err := s.models.List(t.Context(), s.model.Environment)
	if err != nil {
		t.Fatal(err)
	}
	var got []mlops.ID
	for _, m := range models {
		got = append(got, m.Ref)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
	versions, err := s.versions.List(t.Context(), s.model.Environment)
	if err != nil || len(versions) != 4 {
		t.Errorf("%d versions, %v; want 4", len(versions), err)
	}
	if runs, err := c.activeRuns(t.Context(), s.home()); err != nil || len(runs) != 4 {
		t.Errorf("%d runs, %v; want 4", len(runs), err)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	spec := s.file("bytes")
	want, err := s.versions.Digest(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	status := s.get(s.register(spec)).Status
	if status.Digest != want {
		t.Errorf("foretold %s, registered %s", want, status.Digest)
	}
	s.python(`client.log_text(client.get_model_version(name, "1").run_id, "bytes", "elsewhere/model.bin")`)
	for _, uri := range []string{status.URI, strings.Replace(status.URI, "/artifacts/model/", "/artifacts/elsewhere/", 1)} {
		spec.ArtifactURI = uri
		if got, err := s.versions.Digest(t.Context(), spec); err != nil || got != want {
			t.Errorf("%s has the digest %s, %v; want %s", uri, got, err, want)
		}
	}
	spec.ArtifactURI += "-that-is-not-there"
	_, err = s.versions.Digest(t.Context(), spec)
	s.wantCode("no bytes", err, mlops.Invalid)
}

// TestArtifactsElsewhere is of a server that keeps artifacts where only its clients
// can reach them.
func TestArtifactsElsewhere(t *testing.T) {
	t.Parallel()
	s := newStock(t)
	away := s.model
	away.Name = "away"
	s.python(`client.create_experiment(args[0], artifact_location=args[1], tags={"mlops.model": args[2]})`, RegisteredName(away.ID()), "s3://bucket/artifacts", string(away.ID()))
	if _, err := s.models.Create(t.Context(), away); err != nil {
		t.Fatal(err)
	}
	spec := s.file("bytes")
	spec.Model = away.ID()
	_, err := s.versions.Create(t.Context(), spec)
	s.wantCode("bytes that cannot be kept", err, mlops.Unsupported)
	if err == nil || !strings.Contains(err.Error(), "--serve-artifacts") {
		t.Errorf("%v does not say what to do", err)
	}
	if err := s.models.Delete(t.Context(), away.ID()); err != nil {
		t.Error(err)
	}
}
