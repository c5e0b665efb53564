package provider

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// scene is a backend with a service on it, and a configured provider before it,
// for what the command lines at hand are too old to ask for: actions and lists.
type scene struct {
	core

	*platforms

	t           *testing.T
	backend     string
	suffix      string // of the environment's name, where the platform has those of other tests
	environment mlops.ID
	pipeline    mlops.ID
	versions    []mlops.ID // two, of other bytes
	endpoint    mlops.ID   // serves the first
	files       []string   // where the bytes of the versions are
}

// scenes runs a test on memory and, as an acceptance test, on a real engine.
func scenes(t *testing.T, test func(s *scene)) {
	t.Helper()
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(newScene(t, memory.NewPlatform(memory.Config{}).Factory(), mlops.Settings{}))
	})
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		if os.Getenv(resource.EnvTfAcc) == "" {
			t.Skip("acceptance test; run it with make testacc")
		}
		if os.Getenv(client.ExecutableVariable) == "" { // this test is no engine, and must not be started as one
			t.Fatalf("%s is not set; run acceptance tests with make testacc", client.ExecutableVariable)
		}
		test(newScene(t, local.Factory(), mlops.Settings{"directory": tfcli.New(t).Workspace(t).Engine}))
	})
}

// ground is what a scene is made on.
type ground struct {
	factory     mlops.Factory
	settings    mlops.Settings
	environment mlops.EnvironmentSpec          // beside what all scenes have
	endpoint    func(*mlops.ModelEndpointSpec) // takes away what the platform does not have; nil for nothing
}

func newScene(t *testing.T, f mlops.Factory, settings mlops.Settings) *scene {
	t.Helper()
	return newSceneOn(t, ground{factory: f, settings: settings, environment: mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(f.Name, nil, "acc"), Name: "acc",
	}})
}

func newSceneOn(t *testing.T, g ground) *scene {
	t.Helper()
	const owner = "acc"
	f := g.factory
	s := &scene{core: newCore(t, f), t: t, backend: f.Name}
	s.server = NewServer(accProviderVersion, []mlops.Factory{f})
	wantNoDiagnostics(t, s.configure(t, obj{"owner": owner, f.Name: obj(g.settings)}))
	s.platforms = &platforms{
		factories: []mlops.Factory{f}, settings: map[string]mlops.Settings{f.Name: g.settings}, version: accProviderVersion,
		owner: owner, reads: lifecycle.NewReads(), claims: newClaims(), prospects: newProspects(), opened: map[string]mlops.Backend{},
	}
	s.build(t, g)
	return s
}

// build makes the service, and sees to its end.
func (s *scene) build(t *testing.T, g ground) {
	t.Helper()
	g.environment.Stage, g.environment.Target.Backend = "dev", s.backend
	s.environment = made(t, s, mlops.NounEnvironment, mlops.Backend.Environments, g.environment)
	s.pipeline = made(t, s, mlops.NounPipeline, mlops.Backend.Pipelines, mlops.PipelineSpec{
		Environment: s.environment, Name: "train",
		Parameters: map[string]mlops.Parameter{"word": {Type: "string"}},
		Steps: map[string]mlops.Step{"fit": {
			Command: []string{"sh", "-c", `echo '{"accuracy": 0.9}' > "$MLOPS_OUTPUT_METRICS"`}, Outputs: []string{"metrics"},
		}},
	})
	model := made(t, s, mlops.NounModel, mlops.Backend.Models, mlops.ModelSpec{Environment: s.environment, Name: "churn"})
	for _, comment := range []string{"# one\n", "# two\n"} {
		s.files = append(s.files, serverWith(t, comment))
		s.versions = append(s.versions, made(t, s, mlops.NounModelVersion, mlops.Backend.ModelVersions, mlops.ModelVersionSpec{
			Model: model, ArtifactURI: s.files[len(s.files)-1], Format: "custom", Command: []string{"sh", "-c", `exec python3 "$MODEL_PATH"`}, Approval: "pending",
		}))
	}
	keep := mlops.Duration(time.Hour)
	endpoint := mlops.ModelEndpointSpec{
		Environment: s.environment, Name: "churn", Access: mlops.AccessToken,
		Rollout:  &mlops.Rollout{Strategy: mlops.RolloutAllAtOnce, KeepPrevious: &keep},
		Variants: map[string]mlops.Variant{"champion": {Version: s.versions[0], Traffic: 100}},
	}
	if g.endpoint != nil {
		g.endpoint(&endpoint)
	}
	s.endpoint = made(t, s, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints, endpoint)
}

// serverWith is a model server with a comment at its end: other bytes.
func serverWith(t *testing.T, comment string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "server.py"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "server.py")
	if err := os.WriteFile(path, append(text, comment...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// made creates an object, and removes it when the test ends.
func made[S, T any](t *testing.T, s *scene, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T], spec S) mlops.ID {
	t.Helper()
	target := targetIn(t, s, noun, kind)
	seen, err := target.Create(t.Context(), spec, func(mlops.Change) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := removeBy(target.Kind, target.Code, seen.Ref); err != nil {
			t.Errorf("delete %s: %v", seen.Ref, err)
		}
	})
	return seen.Ref
}

func targetIn[S, T any](t *testing.T, s *scene, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T]) lifecycle.Target[S, T] {
	t.Helper()
	target, err := targetOf(t.Context(), s.platforms, s.backend, noun, kind)
	if err != nil {
		t.Fatal(err)
	}
	target.Reads = nil
	return target
}

// look takes one look at an object.
func look[S, T any](t *testing.T, s *scene, id mlops.ID, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T]) mlops.Observed[S, T] {
	t.Helper()
	seen, err := targetIn(t, s, noun, kind).Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// serve puts a version in force on the endpoint.
func (s *scene) serve(t *testing.T, version mlops.ID) {
	t.Helper()
	spec := look(t, s, s.endpoint, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints).Spec
	spec.Variants = maps.Clone(spec.Variants)
	spec.Variants["champion"] = mlops.Variant{Version: version, Traffic: 100}
	if _, err := targetIn(t, s, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints).Update(t.Context(), s.endpoint, spec, func(mlops.Change) {}); err != nil {
		t.Fatal(err)
	}
}

// served is the version that the endpoint really serves.
func (s *scene) served(t *testing.T) mlops.ID {
	t.Helper()
	return look(t, s, s.endpoint, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints).Status.Serving["champion"].Version
}

// actions is a server as Terraform finds out that it has actions.
func (s *scene) actions(t *testing.T) tfprotov6.ActionServer {
	t.Helper()
	server, ok := s.server.(tfprotov6.ActionServer)
	if !ok {
		t.Fatal("the server hides its actions")
	}
	return server
}

// configOf is the configuration of an action.
func (s *scene) configOf(t *testing.T, name string, config obj) *tfprotov6.DynamicValue {
	t.Helper()
	schemas, err := s.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	a, ok := schemas.ActionSchemas[name]
	if !ok {
		t.Fatalf("there is no action %s", name)
	}
	return dynamic(t, a.Schema.ValueType(), config)
}

// invoke validates, plans and invokes an action, as Terraform does. It returns
// what the action told, and its diagnostics.
func (s *scene) invoke(t *testing.T, name string, config obj) (told []string, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	server, raw := s.actions(t), s.configOf(t, name, config)
	validated, err := server.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: raw})
	if err != nil {
		t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return nil, validated.Diagnostics
	}
	planned, err := server.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: raw})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, planned.Diagnostics)
	stream, err := server.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: raw})
	if err != nil {
		t.Fatal(err)
	}
	completed := false
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			told = append(told, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			completed, diagnostics = true, e.Diagnostics
		}
	}
	if !completed {
		t.Errorf("%s never completed", name)
	}
	return told, diagnostics
}
