package mlopstest

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestProtectedEndpoint proves that a protected endpoint is kept. The code is not
// Conflict, which callers would wait out.
func (suite) TestProtectedEndpoint(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeatureEndpointProtect) {
		return
	}
	n := modelEndpointNoun()
	spec := l.endpointSpec(l.fresh())
	spec.DeletionProtection = true
	ref := l.create(n, spec).Ref
	l.wantCode("delete of a protected endpoint", l.kind(n).Delete(l.Context(), ref), mlops.Invalid, mlops.PermissionDenied)
	l.wantServing(l.settled(n, ref), spec)
	spec.DeletionProtection = false
	l.update(n, ref, spec)
	l.destroy(n, ref)
}

// TestWatchedEndpoint proves that an endpoint is not deleted under a monitor.
func (suite) TestWatchedEndpoint(l *lab) {
	monitor := l.create(monitorNoun(), l.monitorSpec(l.fresh())).Ref
	l.wantCode("delete of a watched endpoint", l.kind(modelEndpointNoun()).Delete(l.Context(), l.endpoint()), mlops.Conflict)
	l.destroy(monitorNoun(), monitor)
	l.destroy(modelEndpointNoun(), l.endpoint())
}

// TestProdServesApproved proves that an environment of stage prod serves approved
// versions only, whoever asks.
func (suite) TestProdServesApproved(l *lab) {
	prod := l.environmentSpec(l.fresh())
	prod.Stage = "prod"
	environment := l.create(environmentNoun(), prod).Ref
	model := l.modelSpec(l.fresh())
	model.Environment = environment
	version := l.versionSpec("for prod")
	version.Model, version.Approval = l.create(modelNoun(), model).Ref, "pending"
	ref := l.create(modelVersionNoun(), version).Ref

	endpoint := mlops.ModelEndpointSpec{
		Environment: environment, Name: l.fresh(), Labels: map[string]string{},
		Variants: map[string]mlops.Variant{"main": {Version: ref, Traffic: 100}},
	}
	l.refuses(modelEndpointNoun(), endpoint, mlops.Invalid)
	version.Approval = "approved"
	l.update(modelVersionNoun(), ref, version)
	l.wantServing(l.create(modelEndpointNoun(), endpoint), endpoint)
}

// TestPromotedBytes proves that a promoted version carries its evidence, and that
// bytes which are not those that were promoted are refused.
func (suite) TestPromotedBytes(l *lab) {
	n := modelVersionNoun()
	source := l.create(n, l.versionSpec("promoted"))
	spec := l.versionSpec("promoted")
	spec.Model = l.create(modelNoun(), l.modelSpec(l.fresh())).Ref
	spec.Promotion = &mlops.Promotion{
		From: source.Ref, Digest: "sha256:" + strings.Repeat("0", 64), ApprovedBy: "ada", By: "grace",
		Metrics: map[string]float64{"accuracy": 0.9}, Monitors: map[mlops.ID]string{},
		Gates: []mlops.GateResult{{Gate: "min accuracy", Passed: true, Detail: "0.9 is at least 0.8"}},
	}
	l.refuses(n, spec, mlops.Invalid)
	spec.Promotion.Digest = versionStatus(source).Digest
	seen := l.create(n, spec)
	l.wantSpec(seen, spec)
	l.wantSpec(l.get(n, seen.Ref), spec)
}

// TestWatchNothing proves that a monitor has to watch an endpoint that is there,
// and to start a pipeline that is.
func (suite) TestWatchNothing(l *lab) {
	spec := l.monitorSpec(l.fresh())
	spec.Endpoint = l.environment().Child(mlops.NounModelEndpoint, "nowhere")
	l.refuses(monitorNoun(), spec, mlops.NotFound, mlops.Invalid)

	spec = l.monitorSpec(l.fresh())
	spec.OnViolation = &mlops.OnViolation{Pipeline: l.environment().Child(mlops.NounPipeline, "nowhere")}
	l.refuses(monitorNoun(), spec, mlops.NotFound, mlops.Invalid, mlops.Unsupported)
}

// TestChangedData proves that a dataset whose bytes changed gets another version
// and keeps the former in its history.
func (suite) TestChangedData(l *lab) {
	n := datasetNoun()
	spec := l.datasetSpec(l.fresh())
	first := as[mlops.DatasetStatus](l.create(n, spec).Status)
	spec.URI = l.world.Artifact(l.T, table+"61,red,1\n")
	second := as[mlops.DatasetStatus](l.update(n, spec.ID(), spec).Status)
	if first.Digest == second.Digest || first.Version == second.Version {
		l.Errorf("other bytes are still version %s, %s", second.Version, second.Digest)
	}
	if len(second.History) != 2 || second.History[0].Digest != second.Digest || second.History[1].Digest != first.Digest {
		l.Errorf("the history is %+v, want the new version and then the old", second.History)
	}
}
