package registry

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const token = "not-to-be-seen"

// sharedBench is a registry at work whose environment has an MLflow server, with a gate
// before it.
type sharedBench struct {
	bench

	gate *mlflowtest.Gate
	spec mlops.EnvironmentSpec
}

// newShared makes the environment, of a name that no other test has at the server,
// and the model m in it.
func newShared(t *testing.T) (s sharedBench, model mlops.ID) {
	t.Helper()
	s = sharedBench{bench: newBench(t), gate: server.Gate(t, token)}
	s.spec = environmentSpec(strings.ToLower(strings.NewReplacer("_", "-", "/", "-").Replace(t.Name())), "")
	s.spec.Registry = registryAt(s.gate.URI, token)
	s.the(s.Environments().Create(s.ctx, s.spec))
	return s, s.the(s.Models().Create(s.ctx, mlops.ModelSpec{Environment: s.spec.ID, Name: "m"})).Ref
}

func registryAt(uri, secret string) *mlops.Registry {
	r := &mlops.Registry{MLflow: &mlops.MLflow{URI: uri, Token: secret}}
	if secret != "" {
		r.MLflow.Mark = mlops.DigestOf(secret)
	}
	return r
}

// name is the registered model's.
func (s sharedBench) name() string { return s.spec.Name + ".m" }

// python runs a program of MLflow's own client, to which name is the model.
func (s sharedBench) python(program string, args ...string) map[string]any {
	s.Helper()
	return server.Python(s.T, "client = mlflow.MlflowClient()\nname = args.pop(0)\n"+program, append([]string{s.name()}, args...)...)
}

func (s sharedBench) version(id mlops.ID) mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	s.Helper()
	o, err := s.ModelVersions().Get(s.ctx, id)
	s.must(err)
	return o
}

// TestSharedVersion proves that an ordinary client finds what is registered here, that
// what it changes is seen and remembered, and that the bytes are here too.
func TestSharedVersion(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	spec := s.versionSpec(model, "bytes")
	spec.Aliases, spec.Description = []string{"champion"}, "first"
	id := s.the(s.ModelVersions().Create(s.ctx, spec)).Ref
	got := s.python(`
v = client.get_model_version_by_alias(name, "champion")
out.update(version=str(v.version), description=v.description)
out["bytes"] = open(mlflow.artifacts.download_artifacts("models:/" + name + "@champion", dst_path=args[0]) + "/model.bin").read()
client.set_registered_model_alias(name, "challenger", v.version)
client.delete_registered_model_alias(name, "champion")
client.update_model_version(name, v.version, "by hand")
client.set_model_version_tag(name, v.version, "mlops.approval", "rejected")
`, t.TempDir())
	if diff := cmp.Diff(map[string]any{"version": "1", "description": "first", "bytes": "bytes"}, got); diff != "" {
		t.Errorf("the client reads (-want +got):\n%s", diff)
	}
	o := s.version(id)
	want := spec
	want.Aliases, want.Description, want.Approval = []string{}, "by hand", "rejected"
	if diff := cmp.Diff(want, o.Spec); diff != "" {
		t.Errorf("what the client changed is seen as (-want +got):\n%s", diff)
	}
	kept, err := s.KeptVersions().Get(s.ctx, id)
	if err != nil || kept.Revision != o.Revision || kept.Spec.Approval != "rejected" {
		t.Errorf("the engine remembers %+v, %v", kept.Spec, err)
	}
	path, err := artifact.Kept(o.Status.URI)
	s.must(err)
	if text, err := os.ReadFile(path); err != nil || string(text) != "bytes" {
		t.Errorf("kept %q, %v", text, err)
	}
}

// TestRegistryAway proves that a registry that does not answer is nothing that is
// gone: it is Unavailable, what is kept can still be read, and nothing changes.
func TestRegistryAway(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	id := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "bytes"))).Ref
	s.gate.Shut(true)
	_, err := s.ModelVersions().Get(s.ctx, id)
	s.wantCode(err, mlops.Unavailable, s.gate.URI)
	_, err = s.ModelVersions().List(s.ctx, s.spec.ID)
	s.wantCode(err, mlops.Unavailable)
	_, err = s.Models().Create(s.ctx, mlops.ModelSpec{Environment: s.spec.ID, Name: "other"})
	s.wantCode(err, mlops.Unavailable)
	_, err = s.ModelVersions().Create(s.ctx, s.versionSpec(model, "more bytes"))
	s.wantCode(err, mlops.Unavailable)
	s.wantCode(s.ModelVersions().Delete(s.ctx, id), mlops.Unavailable)
	s.wantCode(s.Environments().Delete(s.ctx, s.spec.ID), mlops.Unavailable)
	if kept, err := s.KeptVersions().List(s.ctx, s.spec.ID); err != nil || len(kept) != 1 || kept[0].Ref != id {
		t.Errorf("kept %v, %v", kept, err)
	}
	if kept, err := s.KeptModels().List(s.ctx, s.spec.ID); err != nil || len(kept) != 1 || kept[0].Status.Latest != "1" {
		t.Errorf("kept %v, %v", kept, err)
	}
	s.gate.Shut(false)
	if got := s.version(id); got.Phase != mlops.PhaseReady || got.Spec.Approval != "approved" {
		t.Errorf("afterwards it is %s: %+v", got.Phase, got.Spec)
	}
}

// TestInterruptedSharing proves that what the server did and the engine did not hear
// of is adopted: nothing is there twice.
func TestInterruptedSharing(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	lose := func(path string) {
		lost := false
		s.gate.After(func(r *http.Request) bool {
			now := !lost && strings.HasSuffix(r.URL.Path, path)
			lost = lost || now
			return now
		})
	}
	lose("/registered-models/create")
	other := mlops.ModelSpec{Environment: s.spec.ID, Name: "other"}
	_, err := s.Models().Create(s.ctx, other)
	s.wantCode(err, mlops.Unavailable)
	s.the(s.Models().Create(s.ctx, other))
	lose("/model-versions/create")
	spec := s.versionSpec(model, "bytes")
	_, err = s.ModelVersions().Create(s.ctx, spec)
	s.wantCode(err, mlops.Unavailable)
	id := s.the(s.ModelVersions().Create(s.ctx, spec)).Ref
	lose("/model-versions/delete")
	s.wantCode(s.ModelVersions().Delete(s.ctx, id), mlops.Unavailable)
	_, err = s.ModelVersions().Get(s.ctx, id)
	s.wantCode(err, mlops.NotFound)
	s.wantCode(s.ModelVersions().Delete(s.ctx, id), mlops.NotFound)
	if kept, err := s.KeptVersions().List(s.ctx, s.spec.ID); err != nil || len(kept) != 0 || len(s.blobsIn(s.spec)) != 0 {
		t.Errorf("kept %v and %v, %v", kept, s.blobsIn(s.spec), err)
	}
	if got := s.python(`out["versions"] = len(client.search_model_versions("name = '" + name + "'"))`)["versions"]; got != 0.0 {
		t.Errorf("%v versions are left", got)
	}
}

// blobsIn lists the bytes that an environment keeps.
func (s sharedBench) blobsIn(spec mlops.EnvironmentSpec) []string {
	s.Helper()
	kept, err := names(filepath.Join(s.Layout.EnvironmentDir(spec), "blobs", "sha256"))
	s.must(err)
	return kept
}

// TestRemovedFromServer proves that what somebody removes from the server is gone:
// its number may come again and mean something else, and nothing keeps the
// environment from going.
func TestRemovedFromServer(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	first := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "one"))).Ref
	second := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "two"))).Ref
	s.python(`client.delete_registered_model(name)`)
	_, err := s.Models().Get(s.ctx, model)
	s.wantCode(err, mlops.NotFound)
	if all, err := s.ModelVersions().List(s.ctx, s.spec.ID); err != nil || len(all) != 0 {
		t.Errorf("versions %v, %v", all, err)
	}
	s.the(s.Models().Create(s.ctx, mlops.ModelSpec{Environment: s.spec.ID, Name: "m"}))
	again := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "three"))).Ref
	if again != first {
		t.Errorf("the first version is %s", again)
	}
	_, err = s.ModelVersions().Get(s.ctx, second)
	s.wantCode(err, mlops.NotFound)
	s.wantCode(s.Environments().Delete(s.ctx, s.spec.ID), mlops.Conflict, "still holds 2")
	s.python(`client.delete_registered_model(name)`)
	s.must(s.Environments().Delete(s.ctx, s.spec.ID))
}

// TestServedVersionOutlivesServer proves that an endpoint's bytes stay whatever
// becomes of the server's.
func TestServedVersionOutlivesServer(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	id := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "bytes"))).Ref
	endpoint := mlops.ModelEndpointSpec{Environment: s.spec.ID, Name: "p", Variants: map[string]mlops.Variant{"a": {Version: id, Traffic: 100}}}
	s.must(s.Store.Endpoints().Insert(s.ctx, store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{ID: endpoint.ID(), Spec: endpoint, Revision: "r"}, nil))
	s.wantCode(s.ModelVersions().Delete(s.ctx, id), mlops.Conflict, string(endpoint.ID()))
	s.python(`client.delete_registered_model(name)`)
	s.wantCode(s.ModelVersions().Delete(s.ctx, id), mlops.Conflict, string(endpoint.ID()))
	s.wantCode(s.Environments().Delete(s.ctx, s.spec.ID), mlops.Conflict)
	if kept := s.blobsIn(s.spec); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
}

// TestOneNameIsOneEnvironments proves how names are kept apart at a server: by the
// environment's, and by who made what.
func TestOneNameIsOneEnvironments(t *testing.T) {
	t.Parallel()
	laptop, model := newShared(t)
	id := laptop.the(laptop.ModelVersions().Create(laptop.ctx, laptop.versionSpec(model, "bytes"))).Ref
	cluster := newBench(t) // another engine, with another environment
	spec := environmentSpec(laptop.spec.Name+"-2", "")
	spec.Registry = laptop.spec.Registry
	cluster.the(cluster.Environments().Create(cluster.ctx, spec))
	same := cluster.the(cluster.Models().Create(cluster.ctx, mlops.ModelSpec{Environment: spec.ID, Name: "m"})).Ref
	cluster.the(cluster.ModelVersions().Create(cluster.ctx, cluster.versionSpec(same, "other bytes")))
	got := laptop.python(`out["names"] = sorted(m.name for m in client.search_registered_models("name LIKE '" + args[0] + "%'"))`, laptop.spec.Name)
	if diff := cmp.Diff([]any{laptop.spec.Name + "-2.m", laptop.spec.Name + ".m"}, got["names"]); diff != "" {
		t.Errorf("the server has (-want +got):\n%s", diff)
	}
	thief := newBench(t) // another engine, with an environment of the same name
	thief.ctx = apiOwner(thief, "them")
	thief.the(thief.Environments().Create(thief.ctx, laptop.spec))
	_, err := thief.Models().Create(thief.ctx, mlops.ModelSpec{Environment: laptop.spec.ID, Name: "m"})
	thief.wantCode(err, mlops.AlreadyExists, "another configuration")
	_, err = thief.ModelVersions().Get(thief.ctx, id)
	thief.wantCode(err, mlops.NotFound)
	if all, err := thief.Models().List(thief.ctx, laptop.spec.ID); err != nil || len(all) != 0 {
		t.Errorf("models of another engine are listed: %v, %v", all, err)
	}
	thief.must(thief.Environments().Delete(thief.ctx, laptop.spec.ID))
	if o := laptop.version(id); o.Phase != mlops.PhaseReady {
		t.Errorf("afterwards the version is %s", o.Phase)
	}
}

// TestTokenOfRegistry proves that a token is checked when it is given, kept sealed,
// and kept as long as its mark is said.
func TestTokenOfRegistry(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	id := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "bytes"))).Ref
	update := func(r *mlops.Registry) error {
		spec := s.spec
		spec.Registry = r
		_, err := s.Environments().Update(s.ctx, spec.ID, spec)
		return err
	}
	err := update(registryAt(s.gate.URI, "wrong"))
	s.wantCode(err, mlops.Unauthenticated)
	wantField(t, err, "registry.mlflow.token")
	kept := registryAt(s.gate.URI, token)
	kept.MLflow.Token = ""
	s.must(update(kept))
	s.version(id)
	other := *kept.MLflow
	other.Mark = "mark of another"
	err = update(&mlops.Registry{MLflow: &other})
	s.wantCode(err, mlops.Invalid, "give it again")
	wantField(t, err, "registry.mlflow.token")
	s.gate.Admit("next")
	_, err = s.ModelVersions().Get(s.ctx, id)
	s.wantCode(err, mlops.Unauthenticated)
	s.must(update(registryAt(s.gate.URI, "next")))
	s.version(id)
	o, err := s.Environments().Get(s.ctx, s.spec.ID)
	s.must(err)
	if diff := cmp.Diff(mlops.MLflow{URI: s.gate.URI, Mark: mlops.DigestOf("next")}, *o.Spec.MLflowRegistry()); diff != "" {
		t.Errorf("the environment shows (-want +got):\n%s", diff)
	}
	for _, file := range s.files(s.Layout.Root) {
		text, err := os.ReadFile(filepath.Join(s.Layout.Root, file))
		s.must(err)
		if bytes.Contains(text, []byte(token)) {
			t.Errorf("%s has the token", file)
		}
	}
}

// TestRegistryMoves proves that an environment with models keeps its registry, which
// may answer at another address.
func TestRegistryMoves(t *testing.T) {
	t.Parallel()
	s, model := newShared(t)
	id := s.the(s.ModelVersions().Create(s.ctx, s.versionSpec(model, "bytes"))).Ref
	update := func(r *mlops.Registry) error {
		spec := s.spec
		spec.Registry = r
		_, err := s.Environments().Update(s.ctx, spec.ID, spec)
		return err
	}
	err := update(nil)
	s.wantCode(err, mlops.Invalid, "has models")
	wantField(t, err, "registry")
	err = update(registryAt(server.Another(t).URI(t), ""))
	s.wantCode(err, mlops.Invalid, "is not at")
	wantField(t, err, "registry.mlflow.uri")
	err = update(registryAt("http://127.0.0.1:1", ""))
	s.wantCode(err, mlops.Unavailable)
	wantField(t, err, "registry.mlflow.uri")
	s.version(id)
	s.must(update(registryAt(server.Gate(t, token).URI, token)))
	s.gate.Shut(true)
	s.version(id)
	s.must(s.ModelVersions().Delete(s.ctx, id))
	s.must(s.Models().Delete(s.ctx, model))
	s.must(update(nil))
	s.the(s.Models().Create(s.ctx, mlops.ModelSpec{Environment: s.spec.ID, Name: "m"}))
	err = update(registryAt(server.URI(t), ""))
	s.wantCode(err, mlops.Invalid, "has models")
}

func wantField(t *testing.T, err error, want string) {
	t.Helper()
	if got := fieldOf(err); got != want {
		t.Errorf("%v blames %q, want %q", err, got, want)
	}
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		return e.Field
	}
	return ""
}

// apiOwner is a bench's context in the name of another.
func apiOwner(b bench, owner string) context.Context {
	return api.WithOwner(b.Context(), owner)
}
