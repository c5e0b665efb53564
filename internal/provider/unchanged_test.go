package provider

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// stateOf is the state that an apply of a configuration would leave.
func stateOf(config, computed obj) obj {
	state := maps.Clone(config)
	maps.Copy(state, computed)
	return state
}

// The short cut must answer as the framework would, and leave to it what is not
// plain.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	environment := obj{"name": "dev", "stage": "dev", "memory": obj{}}
	environmentHas := obj{"id": devID, "native": obj{}, "deletion_protection": false, "created_at": "2026-01-01T00:00:00Z"}
	pipelineHas := obj{"id": devID + "/pipelines/train", "native": obj{}, "version": "123456789abc"}
	with := func(v bool) obj { return obj{"steps": obj{"a": step(obj{"cache": v})}} }
	endpointHas := obj{"id": devID + "/endpoints/churn", "native": obj{}, "url": "u", "serving": obj{}, "deletion_protection": false}
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, []byte("bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	digest, _, err := mlops.ContentDigest(file)
	if err != nil {
		t.Fatal(err)
	}
	version := obj{"model": devID + "/models/m", "artifact_uri": file, "format": "onnx", "metrics": obj{"auc": 0.1}}
	versionHas := obj{"id": devID + "/models/m/versions/1", "approval": "pending", "digest": digest, "packages": []any{"numpy"}}
	ofRun := obj{"model": devID + "/models/m", "run": devID + "/pipelines/p/runs/1", "output": "model", "format": "onnx"}
	data := obj{"environment": devID, "name": "d", "uri": file, "format": "csv"}
	dataHas := obj{"id": devID + "/datasets/d", "digest": digest}
	tests := []struct {
		name, resource string
		config, state  obj
		want           bool // the short cut answers
	}{
		{"environment", "mlops_environment", environment, stateOf(environment, environmentHas), true},
		{"default that the state differs from", "mlops_environment", environment, stateOf(stateOf(environment, environmentHas), obj{"deletion_protection": true}), false},
		{"same value instead of the default", "mlops_environment", stateOf(environment, obj{"deletion_protection": true}), stateOf(stateOf(environment, environmentHas), obj{"deletion_protection": true}), true},
		{"pipeline", "mlops_pipeline", pipelineConfig(nil), stateOf(stateOf(pipelineConfig(nil), pipelineHas), with(true)), true},
		{"nested default that the state differs from", "mlops_pipeline", pipelineConfig(nil), stateOf(stateOf(pipelineConfig(nil), pipelineHas), with(false)), false},
		{"endpoint", "mlops_model_endpoint", endpointConfig(nil), stateOf(endpointConfig(nil), endpointHas), true},
		{"default in an object", "mlops_model_endpoint", endpointConfig(obj{"capture": obj{}}), stateOf(stateOf(endpointConfig(nil), endpointHas), obj{"capture": obj{"sample_percent": 100}}), true},
		{"other value in an object", "mlops_model_endpoint", endpointConfig(obj{"capture": obj{}}), stateOf(stateOf(endpointConfig(nil), endpointHas), obj{"capture": obj{"sample_percent": 50}}), false},
		{"bytes as they were", "mlops_model_version", version, stateOf(version, versionHas), true},
		{"other bytes", "mlops_model_version", version, stateOf(stateOf(version, versionHas), obj{"digest": "sha256:0"}), false},
		{"bytes that the state does not know", "mlops_model_version", version, stateOf(stateOf(version, versionHas), obj{"digest": nil}), false},
		{"bytes that are gone", "mlops_model_version", stateOf(version, obj{"artifact_uri": file + "s"}), stateOf(stateOf(version, versionHas), obj{"artifact_uri": file + "s"}), false},
		{"bytes as they were, and another default", "mlops_model_version", version, stateOf(stateOf(version, versionHas), obj{"approval": "approved"}), false},
		{"bytes of a run", "mlops_model_version", ofRun, stateOf(ofRun, versionHas), true},
		{"data as they were", "mlops_dataset", data, stateOf(data, dataHas), true},
		{"other data", "mlops_dataset", data, stateOf(stateOf(data, dataHas), obj{"digest": "sha256:0"}), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &mlopsProvider{version: "test", factories: testFactories()}
			whole := providerserver.NewProtocol6(p)()
			c := newCore(t)
			quick, ok := slim(t.Context(), whole, p).(slimServer)
			if !ok {
				t.Fatal("the server is not slim")
			}
			c.server = whole
			wantNoDiagnostics(t, c.configure(t, obj{}))
			kind := c.types[tt.resource]
			// What the configuration leaves to a default, core proposes as it was.
			state := dynamic(t, kind, tt.state)
			q := &tfprotov6.PlanResourceChangeRequest{
				TypeName: tt.resource, PriorState: state, ProposedNewState: state, Config: dynamic(t, kind, tt.config),
			}
			if got, _ := quick.calms[tt.resource].unchanged(t.Context(), p.ready.Load(), q); (got != nil) != tt.want {
				t.Fatalf("the short cut answers: %v, want %v", got != nil, tt.want)
			}
			plansAlike(t, kind, whole, quick, q)
		})
	}
}

// plansAlike plans with the framework and with what may answer before it.
func plansAlike(t *testing.T, kind tftypes.Object, framework, quick tfprotov6.ProviderServer, q *tfprotov6.PlanResourceChangeRequest) {
	t.Helper()
	want, err := framework.PlanResourceChange(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := quick.PlanResourceChange(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(members(t, kind, want.PlannedState), members(t, kind, got.PlannedState)); diff != "" {
		t.Errorf("planned state (-framework +short cut):\n%s", diff)
	}
	if diff := cmp.Diff(string(want.PlannedPrivate), string(got.PlannedPrivate)); diff != "" {
		t.Errorf("private (-framework +short cut):\n%s", diff)
	}
	if diff := cmp.Diff(wordsOf(want.Diagnostics), wordsOf(got.Diagnostics)); diff != "" {
		t.Errorf("diagnostics (-framework +short cut):\n%s", diff)
	}
}

// wordsOf are the texts of diagnostics.
func wordsOf(all []*tfprotov6.Diagnostic) []string {
	var out []string
	for _, d := range all {
		out = append(out, d.Severity.String()+" "+d.Summary+" "+d.Detail)
	}
	return out
}

// asking is a platform that counts how often it is asked for bytes.
type asking struct{ asked int }

// Digest implements mlops.Planner.
func (a *asking) Digest(context.Context, mlops.ModelVersionSpec) (string, error) {
	a.asked++
	return "sha256:1", nil
}

// Large files are read once for a plan, whoever asks.
func TestOutsideIsAskedOnce(t *testing.T) {
	t.Parallel()
	a := &asking{}
	first := outsideNow(t.Context(), a, mlops.ModelVersionSpec{})
	again := outsideNow(context.WithValue(t.Context(), outsideKey{}, first), a, mlops.ModelVersionSpec{})
	if a.asked != 1 || first != again || !first.same("sha256:1") || first.same("sha256:2") {
		t.Errorf("asked %d times; %+v, then %+v", a.asked, first, again)
	}
}

// A claimed ID is for the framework's path to report.
func TestUnchangedLeavesClaims(t *testing.T) {
	t.Parallel()
	c := planning(t)
	config := obj{"environment": devID, "name": "m"}
	wantNoDiagnostics(t, c.plan(t, "mlops_model", nil, config, nil).Diagnostics)
	wantDiagnostic(t, c.plan(t, "mlops_model", modelState(t, c, "m"), config, nil).Diagnostics, "", "Already managed")
}

// An endpoint that stays as it is still answers for what the plan changes around
// it; what has no rules about others does not.
func TestUnchangedLeavesWhatIsJudgedAnew(t *testing.T) {
	t.Parallel()
	const version = mlops.ID(devID + "/models/churn/versions/1")
	tests := []struct {
		name string
		note func(*prospects)
		want bool // there is nothing to plan for the endpoint
	}{
		{"nothing changes", func(*prospects) {}, true},
		{"another approval", func(w *prospects) { w.note(version, "rejected") }, false},
		{"an approval that only the apply tells", func(w *prospects) { w.note(version, "") }, false},
		{"another stage", func(w *prospects) { w.note(devID, "prod") }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &platforms{prospects: newProspects()}
			tt.note(p.prospects)
			g := guide{testFactories()}
			bare := func(string) bool { return false }
			endpoint := &managed[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{definition: modelEndpoint(g)}
			if got := endpoint.uneventful(p, bare); got != tt.want {
				t.Errorf("endpoint: %v, want %v", got, tt.want)
			}
			other := &managed[modelModel, mlops.ModelSpec, mlops.ModelStatus]{definition: model()}
			if !other.uneventful(p, bare) {
				t.Error("a model is judged by what others are")
			}
		})
	}
}

func TestNoteChange(t *testing.T) {
	t.Parallel()
	at := mlops.At("approval")
	tests := []struct {
		name            string
		held            mlops.ID
		unknown         []mlops.Path
		before, planned string
		want            prospect
		noted           bool
	}{
		{"to be made", "", nil, "", "approved", "", false},
		{"as it was", devID, nil, "approved", "approved", "", false},
		{"changed", devID, nil, "pending", "approved", "approved", true},
		{"unknown, whatever the default says", devID, []mlops.Path{at}, "approved", "pending", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newProspects()
			noteChange(w, mlops.NewChecker(tt.unknown...), tt.held, at, tt.before, tt.planned)
			if got, noted := w.of(tt.held); got != tt.want || noted != tt.noted || w.none() == noted {
				t.Errorf("got %q, %v; want %q, %v", got, noted, tt.want, tt.noted)
			}
		})
	}
}

func TestWithHeldKeepsPrivateData(t *testing.T) {
	t.Parallel()
	got, err := withHeld([]byte(`{".framework":"e30="}`), "local/dev")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{".framework":"e30=","held":"ImxvY2FsL2RldiI="}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := withHeld([]byte("{"), "local/dev"); err == nil {
		t.Error("broken private data is accepted")
	}
}
