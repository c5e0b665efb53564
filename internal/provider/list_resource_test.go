package provider

import (
	"fmt"
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

func TestAccLists(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		env := string(s.environment)
		tests := []struct {
			noun   mlops.Noun
			config obj
			want   []found
		}{
			{mlops.NounEnvironment, obj{"backend": s.backend}, []found{{id: env, name: "acc"}}},
			{mlops.NounPipeline, obj{"environment": env}, []found{{id: string(s.pipeline), name: "train"}}},
			{mlops.NounPipelineRun, obj{"pipeline": string(s.pipeline)}, nil},
			{mlops.NounModel, obj{"environment": env}, []found{{id: env + "/models/churn", name: "churn"}}},
			{mlops.NounModelVersion, obj{"model": env + "/models/churn"}, []found{{id: string(s.versions[0]), name: "churn/1"}, {id: string(s.versions[1]), name: "churn/2"}}},
			{mlops.NounModelEndpoint, obj{"environment": env}, []found{{id: string(s.endpoint), name: "churn"}}},
		}
		for _, tt := range tests {
			for _, whole := range []bool{false, true} {
				got, diags := s.list(t, tt.noun, tt.config, 0, whole)
				wantNoDiagnostics(t, diags)
				for i := range got {
					if id := textOf(got[i].resource["id"]); whole && id != got[i].id {
						t.Errorf("the object of %s has the ID %q", got[i].id, id)
					} else if !whole && got[i].resource != nil {
						t.Errorf("%s comes with an object that nobody asked for", got[i].id)
					}
					got[i].resource = nil
				}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(found{})); diff != "" {
					t.Errorf("%s, whole %v (-want +got):\n%s", tt.noun, whole, diff)
				}
			}
		}
	})
}

// What a list shows of an object is what an import of it has in state.
func TestAccListShowsWhatImportHas(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
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
	})
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
