package provider

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// found is one result of a list.
type found struct {
	id, name string
	resource map[string]tftypes.Value
}

// list asks for objects as Terraform does.
func (s *scene) list(t *testing.T, noun mlops.Noun, config obj, limit int64, whole bool) ([]found, []*tfprotov6.Diagnostic) {
	t.Helper()
	server, ok := s.server.(tfprotov6.ListResourceServer)
	if !ok {
		t.Fatal("the server hides its lists")
	}
	schemas, err := s.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	name := typeName + "_" + string(noun)
	raw := dynamic(t, schemas.ListResourceSchemas[name].ValueType(), config)
	validated, err := server.ValidateListResourceConfig(t.Context(), &tfprotov6.ValidateListResourceConfigRequest{TypeName: name, Config: raw})
	if err != nil {
		t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return nil, validated.Diagnostics
	}
	stream, err := server.ListResource(t.Context(), &tfprotov6.ListResourceRequest{TypeName: name, Config: raw, Limit: limit, IncludeResource: whole})
	if err != nil {
		t.Fatal(err)
	}
	var all []found
	for r := range stream.Results {
		if len(r.Diagnostics) > 0 {
			return all, r.Diagnostics
		}
		all = append(all, s.foundIn(t, name, r))
	}
	return all, nil
}

func (s *scene) foundIn(t *testing.T, name string, r tfprotov6.ListResourceResult) found {
	t.Helper()
	identity := members(t, tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}}, r.Identity.IdentityData)
	f := found{id: textOf(identity["id"]), name: r.DisplayName}
	if r.Resource != nil {
		f.resource = members(t, s.types[name], r.Resource)
	}
	return f
}

// furnish makes one of each noun that scenes do not have.
func (s *scene) furnish(t *testing.T) (run, experiment, dataset, monitor mlops.ID) {
	t.Helper()
	table, err := filepath.Abs(filepath.Join("testdata", "customers.csv"))
	if err != nil {
		t.Fatal(err)
	}
	run = made(t, s, mlops.NounPipelineRun, mlops.Backend.PipelineRuns, mlops.PipelineRunSpec{Pipeline: s.pipeline, Parameters: map[string]string{"word": "one"}})
	experiment = made(t, s, mlops.NounExperiment, mlops.Backend.Experiments, mlops.ExperimentSpec{Environment: s.environment, Name: "trials"})
	dataset = made(t, s, mlops.NounDataset, mlops.Backend.Datasets, mlops.DatasetSpec{Environment: s.environment, Name: "customers", URI: table})
	most := 1.0
	monitor = made(t, s, mlops.NounMonitor, mlops.Backend.Monitors, mlops.MonitorSpec{
		Endpoint: s.endpoint, Name: "watch", Schedule: mlops.Schedule{Cron: "0 3 1 1 *"}, Health: &mlops.HealthCheck{MaxErrorPercent: &most},
	})
	return run, experiment, dataset, monitor
}

// wantListed lists every noun, alone and with its object.
func wantListed(s *scene) {
	t := s.t
	t.Helper()
	env, model := string(s.environment), string(s.versions[0].Parent())
	run, experiment, dataset, monitor := s.furnish(t)
	named := func(id mlops.ID, name string) []found { return []found{{id: string(id), name: name}} }
	tests := []struct {
		noun   mlops.Noun
		config obj
		want   []found
	}{
		{mlops.NounEnvironment, obj{"backend": s.backend}, named(s.environment, s.environment.Name())},
		{mlops.NounPipeline, obj{"environment": env}, named(s.pipeline, "train")},
		{mlops.NounPipelineRun, obj{"pipeline": string(s.pipeline)}, named(run, "train/"+run.Name())},
		{mlops.NounModel, obj{"environment": env}, []found{{id: model, name: "churn"}}},
		{mlops.NounModelVersion, obj{"model": model}, []found{{id: string(s.versions[0]), name: "churn/1"}, {id: string(s.versions[1]), name: "churn/2"}}},
		{mlops.NounModelEndpoint, obj{"environment": env}, named(s.endpoint, "churn")},
		{mlops.NounExperiment, obj{"environment": env}, named(experiment, "trials")},
		{mlops.NounDataset, obj{"environment": env}, named(dataset, "customers")},
		{mlops.NounMonitor, obj{"environment": env}, named(monitor, "watch")},
	}
	if len(tests) != len(mlops.Nouns()) {
		t.Errorf("%d nouns are listed here, and there are %d", len(tests), len(mlops.Nouns()))
	}
	for _, tt := range tests {
		for _, whole := range []bool{false, true} {
			got, diags := s.list(t, tt.noun, tt.config, 0, whole)
			wantNoDiagnostics(t, diags)
			if diff := cmp.Diff(tt.want, s.bare(t, got, whole), cmp.AllowUnexported(found{})); diff != "" {
				t.Errorf("%s, whole %v (-want +got):\n%s", tt.noun, whole, diff)
			}
		}
	}
}

// bare takes the objects away from what was listed, which are those of the IDs where
// they were asked for, and what other tests have on the same platform.
func (s *scene) bare(t *testing.T, all []found, whole bool) []found {
	t.Helper()
	var out []found
	for _, f := range all {
		if id := textOf(f.resource["id"]); whole && id != f.id {
			t.Errorf("the object of %s has the ID %q", f.id, id)
		} else if !whole && f.resource != nil {
			t.Errorf("%s comes with an object that nobody asked for", f.id)
		}
		f.resource = nil
		if s.suffix == "" || strings.HasSuffix(string(mlops.ID(f.id).Environment()), s.suffix) {
			out = append(out, f)
		}
	}
	return out
}

func TestAccLists(t *testing.T) {
	scenes(t, wantListed)
	t.Run("kubernetes", func(t *testing.T) {
		t.Parallel()
		s := kubernetesScene(t)
		s.settleStrangers(t)
		wantListed(s)
		wantListedAsImported(s)
	})
}

// What a list shows of an object is what an import of it has in state.
func TestAccListShowsWhatImportHas(t *testing.T) { scenes(t, wantListedAsImported) }

func wantListedAsImported(s *scene) {
	t := s.t
	t.Helper()
	got, diags := s.list(t, mlops.NounModelEndpoint, obj{"environment": string(s.environment)}, 0, true)
	wantNoDiagnostics(t, diags)
	const name = "mlops_model_endpoint"
	imported, err := s.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: string(s.endpoint)})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, imported.Diagnostics)
	one := imported.ImportedResources[0]
	read, err := s.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: one.State, CurrentIdentity: one.Identity, Private: one.Private})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, read.Diagnostics)
	for attribute, want := range members(t, s.types[name], read.NewState) {
		if !got[0].resource[attribute].Equal(want) {
			t.Errorf("%s is listed as %s and imported as %s", attribute, got[0].resource[attribute], want)
		}
	}
}

func TestListLimit(t *testing.T) {
	t.Parallel()
	s := newScene(t, memoryFactory(), mlops.Settings{})
	for n := range 5 {
		made(t, s, mlops.NounModel, mlops.Backend.Models, mlops.ModelSpec{Environment: s.environment, Name: fmt.Sprintf("m%d", n)})
	}
	for limit, want := range map[int64]int{0: 6, 1: 1, 6: 6, 100: 6} {
		got, diags := s.list(t, mlops.NounModel, obj{"environment": string(s.environment)}, limit, false)
		wantNoDiagnostics(t, diags)
		if len(got) != want {
			t.Errorf("with limit %d: %d models, want %d", limit, len(got), want)
		}
	}
}

func TestListsRefuse(t *testing.T) {
	t.Parallel()
	s := &scene{core: planning(t)}
	tests := []struct {
		name   string
		noun   mlops.Noun
		config obj
		at     string
		words  []string
	}{
		{"another noun's ID", mlops.NounModel, obj{"environment": devID + "/models/m"}, `AttributeName("environment")`, []string{"Not the ID of an environment"}},
		{"an environment for runs", mlops.NounPipelineRun, obj{"pipeline": devID}, `AttributeName("pipeline")`, []string{"Not the ID of a pipeline"}},
		{"an environment that is not there", mlops.NounModel, obj{"environment": "memory/never"}, "", []string{"Cannot read environment", "not found"}},
		{"a backend that is not there", mlops.NounEnvironment, obj{"backend": "memry"}, "", []string{`Did you mean "memory"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, diags := s.list(t, tt.noun, tt.config, 0, false)
			wantDiagnostic(t, diags, tt.at, tt.words...)
		})
	}
}

func TestEveryNounIsListed(t *testing.T) {
	t.Parallel()
	resp := schemas(t)
	for _, noun := range mlops.Nouns() {
		s, ok := resp.ListResourceSchemas[typeName+"_"+string(noun)]
		if !ok {
			t.Errorf("%s cannot be listed", noun)
			continue
		}
		for _, a := range s.Block.Attributes {
			if !a.Required || a.Description == "" {
				t.Errorf("%s of the list of %s is %+v", a.Name, noun, a)
			}
		}
	}
}
