package provider

import (
	"maps"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// refreshes is a service with one object of each kind, and both ways to refresh it.
type refreshes struct {
	*scene

	quick slimServer
	ids   map[string]mlops.ID // by resource type
}

func newRefreshes(t *testing.T) refreshes {
	t.Helper()
	s := newScene(t, memoryFactory(), mlops.Settings{})
	quick, ok := s.server.(slimServer)
	if !ok {
		t.Fatal("the server is not slim")
	}
	run := made(t, s, mlops.NounPipelineRun, mlops.Backend.PipelineRuns, mlops.PipelineRunSpec{Pipeline: s.pipeline, Parameters: map[string]string{"word": "yes"}, Triggers: map[string]string{"a": "1"}})
	version := made(t, s, mlops.NounModelVersion, mlops.Backend.ModelVersions, mlops.ModelVersionSpec{
		Model: s.versions[0].Parent(), ArtifactURI: s.files[0], Format: "sklearn", Metrics: map[string]float64{"auc": 0.1}, Approval: "approved",
	})
	experiment := made(t, s, mlops.NounExperiment, mlops.Backend.Experiments, mlops.ExperimentSpec{Environment: s.environment, Name: "tries"})
	tenth, most := 0.1, int64(3)
	monitor := made(t, s, mlops.NounMonitor, mlops.Backend.Monitors, mlops.MonitorSpec{
		Endpoint: s.endpoint, Name: "watch", Schedule: mlops.Schedule{Cron: "0 3 * * *"},
		Baseline: &mlops.Baseline{URI: s.files[0], Format: "csv", Features: []string{"b", "a"}}, DataDrift: &mlops.DriftCheck{Statistic: "psi", Threshold: &tenth, Features: []string{"b", "a"}},
		Health:      &mlops.HealthCheck{MaxErrorPercent: &tenth},
		OnViolation: &mlops.OnViolation{Pipeline: s.pipeline, MaxPerMonth: &most, Parameters: map[string]string{"word": "again"}},
	})
	return refreshes{s, quick, map[string]mlops.ID{
		"mlops_environment": s.environment, "mlops_pipeline": s.pipeline, "mlops_pipeline_run": run, "mlops_experiment": experiment,
		"mlops_model": s.versions[0].Parent(), "mlops_model_version": version, "mlops_model_endpoint": s.endpoint, "mlops_monitor": monitor,
	}}
}

// had is the request that refreshes an object from the state that it has.
func (s refreshes) had(t *testing.T, name string) *tfprotov6.ReadResourceRequest {
	t.Helper()
	imported, err := s.quick.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: string(s.ids[name])})
	if err != nil {
		t.Fatal(err)
	}
	wantNoDiagnostics(t, imported.Diagnostics)
	one := imported.ImportedResources[0]
	read := s.framework(t, &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: one.State, CurrentIdentity: one.Identity, Private: one.Private})
	return &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: read.NewState, CurrentIdentity: read.NewIdentity, Private: []byte(`{"held":"ImEi"}`)}
}

// framework is the framework's own answer.
func (s refreshes) framework(t *testing.T, q *tfprotov6.ReadResourceRequest) *tfprotov6.ReadResourceResponse {
	t.Helper()
	resp, err := s.quick.wholeServer.ReadResource(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// short is the short cut's answer, nil where it gives none.
func (s refreshes) short(t *testing.T, q *tfprotov6.ReadResourceRequest) *tfprotov6.ReadResourceResponse {
	t.Helper()
	resp, _ := s.quick.calms[q.TypeName].unmoved(t.Context(), s.quick.ready.Load(), q)
	return resp
}

// wantAlike insists that the short cut's answer is the framework's.
func (s refreshes) wantAlike(t *testing.T, q *tfprotov6.ReadResourceRequest, short *tfprotov6.ReadResourceResponse) {
	t.Helper()
	want := s.framework(t, q)
	wantNoDiagnostics(t, want.Diagnostics)
	kind := s.types[q.TypeName]
	if diff := cmp.Diff(members(t, kind, want.NewState), members(t, kind, short.NewState)); diff != "" {
		t.Errorf("state (-framework +short cut):\n%s", diff)
	}
	if diff := cmp.Diff(string(want.Private), string(short.Private)); diff != "" {
		t.Errorf("private (-framework +short cut):\n%s", diff)
	}
	if got, want := identityIn(short.NewIdentity), identityIn(want.NewIdentity); got != want {
		t.Errorf("identity %q, the framework's is %q", got, want)
	}
	if len(short.Diagnostics) > 0 || short.Deferred != nil || want.Deferred != nil {
		t.Errorf("the short cut tells %v", short)
	}
}

// with is a request whose state has another value of one attribute.
func (s refreshes) with(t *testing.T, q *tfprotov6.ReadResourceRequest, attribute string, v tftypes.Value) *tfprotov6.ReadResourceRequest {
	t.Helper()
	kind := s.types[q.TypeName]
	all := maps.Clone(members(t, kind, q.CurrentState))
	all[attribute] = v
	changed := *q
	changed.CurrentState = encoded(t, tftypes.NewValue(kind, all))
	return &changed
}

// TestUnmoved proves that the short cut answers for what is as its state has it, as the
// framework would, and that whatever differs in any attribute is the framework's, or
// carried over by both.
func TestUnmoved(t *testing.T) {
	t.Parallel()
	s := newRefreshes(t)
	for name := range s.ids {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := s.had(t, name)
			short, own := s.short(t, q), name == "mlops_environment" // whose targets have no Go type
			if (short == nil) != own {
				t.Fatalf("the short cut answers: %t", short != nil)
			}
			if short != nil {
				s.wantAlike(t, q, short)
				sent := s.asSent(t, q)
				if short = s.short(t, sent); short == nil {
					t.Fatal("the short cut does not answer what Terraform sends")
				}
				s.wantAlike(t, sent, short)
				former := *sent
				former.CurrentIdentity = nil
				if short = s.short(t, &former); short == nil {
					t.Fatal("the short cut does not answer a Terraform that keeps no identity")
				}
				s.wantAlike(t, &former, short)
			}
			for attribute, v := range members(t, s.types[name], q.CurrentState) {
				if attribute == "id" {
					continue
				}
				changed := s.with(t, q, attribute, otherThan(t, v))
				short := s.short(t, changed)
				switch {
				case short != nil:
					s.wantAlike(t, changed, short)
				case attribute == "timeouts" && !own:
					t.Error("timeouts are the state's alone, and yet the short cut gives no answer")
				}
			}
		})
	}
}

// asSent is a request with its numbers as Terraform has them, which reads them from its
// state's file: to more digits than a float has.
func (s refreshes) asSent(t *testing.T, q *tfprotov6.ReadResourceRequest) *tfprotov6.ReadResourceRequest {
	t.Helper()
	state, err := q.CurrentState.Unmarshal(s.types[q.TypeName])
	if err != nil {
		t.Fatal(err)
	}
	state, err = tftypes.Transform(state, func(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		var number big.Float
		if !v.Type().Is(tftypes.Number) || v.IsNull() || !v.IsKnown() {
			return v, nil
		}
		if err := v.As(&number); err != nil {
			return v, err
		}
		exact, _, err := big.ParseFloat(number.Text('g', -1), 10, 512, big.ToNearestEven)
		return tftypes.NewValue(tftypes.Number, exact), err
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := *q
	sent.CurrentState = encoded(t, state)
	return &sent
}

// otherThan is another value of the same type: one text, number or entry more, null for
// what is there of other types, and something for what is not.
func otherThan(t *testing.T, v tftypes.Value) tftypes.Value {
	t.Helper()
	kind := v.Type()
	switch {
	case kind.Is(tftypes.String) && textOf(v) != "x":
		return tftypes.NewValue(kind, "x")
	case kind.Is(tftypes.Number):
		return tftypes.NewValue(kind, 7.25)
	case kind.Is(tftypes.Bool):
		return tftypes.NewValue(kind, v.IsNull() || !v.Equal(tftypes.NewValue(kind, true)))
	case !v.IsNull():
		return tftypes.NewValue(kind, nil)
	}
	switch kind := kind.(type) {
	case tftypes.Map:
		return tftypes.NewValue(kind, map[string]tftypes.Value{})
	case tftypes.List:
		return tftypes.NewValue(kind, []tftypes.Value{})
	case tftypes.Set:
		return tftypes.NewValue(kind, []tftypes.Value{})
	case tftypes.Object:
		return value(t, kind, obj{})
	}
	t.Fatalf("no other value of %s", kind)
	return v
}

// TestUnmovedLeaves proves what the short cut leaves to the framework.
func TestUnmovedLeaves(t *testing.T) {
	t.Parallel()
	s := newRefreshes(t)
	const name = "mlops_model_endpoint"
	q := s.had(t, name)
	for _, tt := range []struct {
		name   string
		change func(q *tfprotov6.ReadResourceRequest)
	}{
		{"an import", func(q *tfprotov6.ReadResourceRequest) { q.Private = []byte(`{".import_before_read":"dHJ1ZQ=="}`) }},
		{"private data that nobody can read", func(q *tfprotov6.ReadResourceRequest) { q.Private = []byte("{") }},
		{"an empty identity", func(q *tfprotov6.ReadResourceRequest) { q.CurrentIdentity = &tfprotov6.ResourceIdentityData{} }},
		{"another's identity", func(q *tfprotov6.ReadResourceRequest) { q.CurrentIdentity = s.had(t, "mlops_model").CurrentIdentity }},
		{"no state", func(q *tfprotov6.ReadResourceRequest) { q.CurrentState = dynamic(t, s.types[name], nil) }},
		{"an object that is gone", func(q *tfprotov6.ReadResourceRequest) {
			*q = *s.with(t, q, "id", tftypes.NewValue(tftypes.String, string(s.endpoint)+"-other"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := *q
			tt.change(&changed)
			if short := s.short(t, &changed); short != nil {
				t.Errorf("the short cut answers %v", short)
			}
		})
	}
}

// TestUnmovedLooksOnce proves that what the short cut saw is not asked for again.
func TestUnmovedLooksOnce(t *testing.T) {
	t.Parallel()
	s := newRefreshes(t)
	const name = "mlops_model_endpoint"
	q := s.with(t, s.had(t, name), "description", tftypes.NewValue(tftypes.String, "other"))
	short, ctx := s.quick.calms[name].unmoved(t.Context(), s.quick.ready.Load(), q)
	if short != nil {
		t.Fatal("the short cut answers for what changed")
	}
	g, ok := ctx.Value(glanceKey{}).(glance[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus])
	if !ok {
		t.Fatal("what was seen is not handed on")
	}
	target := targetIn(t, s.scene, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints)
	target.Kind = nil // a second look would crash
	if again := glanceAt(ctx, target, s.endpoint); again.seen.Revision != g.seen.Revision {
		t.Errorf("seen at %q and then at %q", g.seen.Revision, again.seen.Revision)
	}
}
