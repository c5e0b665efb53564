package sagemaker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// endpointBench is an environment with versions that endpoints can serve.
type endpointBench struct {
	*testing.T

	account *awstest.Server
	backend *backend
	kind    modelEndpointKind
	c       *clients
	model   mlops.ID
}

func newEndpointBench(t *testing.T, looks int) *endpointBench {
	t.Helper()
	account := awstest.Start(t, aws.Config{Looks: looks})
	b := &endpointBench{T: t, account: account, backend: openAt(t, account.URL, "us")}
	b.kind = modelEndpointKind{b.backend}
	environment := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testRegion}, "bench"), Name: "bench", Stage: "dev",
		Target: mlops.Target{Backend: name, Settings: mlops.Settings{}},
	}
	var err error
	if b.c, err = b.backend.in(t.Context(), environment.ID); err != nil {
		t.Fatal(err)
	}
	made(t, b.backend.Environments(), environment)
	b.model = made(t, b.backend.Models(), mlops.ModelSpec{Environment: environment.ID, Name: "churn"}).Ref
	return b
}

// made creates an object and brings it to its end.
func made[Spec, Status any](t *testing.T, k mlops.Kind[Spec, Status], spec Spec) mlops.Observed[Spec, Status] {
	t.Helper()
	change, err := k.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	return settledReady(t, k, change)
}

// settledReady insists that a change came into force.
func settledReady[Spec, Status any](t *testing.T, k mlops.Kind[Spec, Status], change mlops.Change) mlops.Observed[Spec, Status] {
	t.Helper()
	seen := settledAt(t, k, change.Ref)
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
		t.Fatalf("%s is %s at %q because %q, want ready at %q", change.Ref, seen.Phase, seen.Revision, seen.Reason, change.Revision)
	}
	return seen
}

// patientLooks is how many looks anything may take: phases are counted in looks.
const patientLooks = 200

// settledAt looks and takes what steps are due until nothing is under way.
func settledAt[Spec, Status any](t *testing.T, k mlops.Kind[Spec, Status], ref mlops.ID) mlops.Observed[Spec, Status] {
	t.Helper()
	for range patientLooks {
		seen, err := k.Get(t.Context(), ref)
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		if seen.Phase == mlops.PhaseReady || seen.Phase == mlops.PhaseFailed {
			return seen
		}
		if advancer, ok := k.(mlops.Advancer); ok && seen.Due {
			if err := advancer.Advance(t.Context(), ref); err != nil {
				t.Fatalf("advance: %v", err)
			}
		}
	}
	t.Fatalf("%s does not settle", ref)
	return mlops.Observed[Spec, Status]{}
}

// version registers bytes that are served by an image.
func (b *endpointBench) version(content string) mlops.ID {
	b.Helper()
	file := filepath.Join(b.TempDir(), "model.bin")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	return made(b.T, b.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: b.model, ArtifactURI: file, Format: "custom", Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Approval: "approved",
	}).Ref
}

// spec is an endpoint with one variant.
func (b *endpointBench) spec(version mlops.ID, change ...func(*mlops.ModelEndpointSpec)) mlops.ModelEndpointSpec {
	s := mlops.ModelEndpointSpec{
		Environment: b.model.Environment(), Name: "churn",
		Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}},
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func (b *endpointBench) create(spec mlops.ModelEndpointSpec) endpointSeen {
	b.Helper()
	return made(b.T, b.backend.ModelEndpoints(), spec)
}

// update changes an endpoint and waits for what comes of it.
func (b *endpointBench) update(spec mlops.ModelEndpointSpec) (mlops.Change, endpointSeen) {
	b.Helper()
	change, err := b.kind.Update(b.Context(), spec.ID(), spec)
	if err != nil {
		b.Fatalf("update: %v", err)
	}
	return change, settledAt(b.T, b.backend.ModelEndpoints(), spec.ID())
}

func (b *endpointBench) wantReady(change mlops.Change, seen endpointSeen) {
	b.Helper()
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
		b.Fatalf("%s is %s at %q because %q, want ready at %q", change.Ref, seen.Phase, seen.Revision, seen.Reason, change.Revision)
	}
}

// destroy deletes an endpoint and insists that nothing of it is left.
func (b *endpointBench) destroy(ref mlops.ID) {
	b.Helper()
	if err := b.kind.Delete(b.Context(), ref); err != nil {
		b.Fatalf("delete: %v", err)
	}
	b.wantGone(ref)
}

func (b *endpointBench) wantGone(ref mlops.ID) {
	b.Helper()
	for range patientLooks {
		seen, err := b.kind.Get(b.Context(), ref)
		if b.backend.is(err, mlops.NotFound) {
			b.wantParts(ref, 0, 0, 0)
			return
		}
		if err != nil {
			b.Fatalf("get: %v", err)
		}
		if seen.Due {
			if err := b.kind.Advance(b.Context(), ref); err != nil {
				b.Fatalf("advance: %v", err)
			}
		}
	}
	b.Fatalf("%s does not go", ref)
}

// wantParts insists on how many configurations, models and alarms there are.
func (b *endpointBench) wantParts(ref mlops.ID, configs, models, alarms int) {
	b.Helper()
	s, err := b.kind.scene(b.Context(), ref)
	if err != nil {
		b.Fatal(err)
	}
	haveConfigs, err := b.kind.endpointConfigs(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	haveModels, err := b.kind.endpointModels(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	haveAlarms, err := b.kind.alarmsOfEndpoint(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	if len(haveConfigs) != configs || len(haveModels) != models || len(haveAlarms) != alarms {
		b.Errorf("configurations %v, models %v and %d alarms; want %d, %d and %d", haveConfigs, haveModels, len(haveAlarms), configs, models, alarms)
	}
}
