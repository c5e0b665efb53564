package mlopstest

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestOccupiedEnvironment proves that an environment with anything in it cannot
// be deleted, and one that was emptied can.
func (suite) TestOccupiedEnvironment(l *lab, n noun) {
	if parent := parentOf(n.spec(l, l.fresh())); parent != l.environment() {
		return // it lives in something that lives in the environment
	}
	inhabitant := l.create(n, n.spec(l, l.fresh()))
	err := l.kind(environmentNoun()).Delete(l.Context(), l.environment())
	l.wantCode("delete of an occupied environment", err, mlops.Conflict)
	l.get(n, inhabitant.Ref)
	if got := l.get(environmentNoun(), l.environment()); got.Phase != mlops.PhaseReady {
		l.Errorf("the environment is %s after a refused deletion", got.Phase)
	}
}

// TestEmptiedEnvironment proves that everything can be removed in order, and
// that nothing is left then.
func (suite) TestEmptiedEnvironment(l *lab) {
	monitor := l.create(monitorNoun(), l.monitorSpec(l.fresh())).Ref
	l.destroy(monitorNoun(), monitor)
	l.destroy(modelEndpointNoun(), l.endpoint())
	l.destroy(modelVersionNoun(), l.version())
	l.destroy(modelNoun(), l.model())
	l.destroy(datasetNoun(), l.dataset())
	l.destroy(experimentNoun(), l.experiment())
	l.destroy(pipelineRunNoun(), l.run())
	l.destroy(pipelineNoun(), l.pipeline())
	l.destroy(environmentNoun(), l.environment())
}

// TestModelWithVersions proves that a model is not deleted under its versions.
func (suite) TestModelWithVersions(l *lab) {
	version := l.version()
	l.wantCode("delete of a model with a version", l.kind(modelNoun()).Delete(l.Context(), l.model()), mlops.Conflict)
	l.destroy(modelVersionNoun(), version)
	l.destroy(modelNoun(), l.model())
}

// TestHistoryGoesWithParent proves that what was superseded does not keep its
// parent from being deleted: nobody is left who would delete it.
func (suite) TestHistoryGoesWithParent(l *lab) {
	former := l.version()
	version := l.update(modelVersionNoun(), former, l.versionSpec("newer bytes")).Ref
	l.destroy(modelVersionNoun(), version)
	l.destroy(modelNoun(), l.model())
	l.gone(modelVersionNoun(), former)

	spec := l.runSpec(l.fresh())
	firstRun := l.create(pipelineRunNoun(), spec).Ref
	run := l.update(pipelineRunNoun(), firstRun, pipelineRunNoun().change(spec)).Ref
	l.destroy(pipelineRunNoun(), run)
	l.destroy(pipelineNoun(), l.pipeline())
	l.gone(pipelineRunNoun(), firstRun)
}

// TestServedVersion proves that a version is not deleted under an endpoint.
func (suite) TestServedVersion(l *lab) {
	endpoint := l.create(modelEndpointNoun(), l.endpointSpec(l.fresh())).Ref
	l.wantCode("delete of a served version", l.kind(modelVersionNoun()).Delete(l.Context(), l.version()), mlops.Conflict)
	l.destroy(modelEndpointNoun(), endpoint)
	l.destroy(modelVersionNoun(), l.version())
}

// TestProtected proves that a protected environment is kept. The code is not
// Conflict, which callers would wait out.
func (suite) TestProtected(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeatureEnvironmentProtect) {
		return
	}
	spec := l.environmentSpec(l.fresh())
	spec.DeletionProtection = true
	ref := l.create(environmentNoun(), spec).Ref
	l.wantCode("delete of a protected environment", l.kind(environmentNoun()).Delete(l.Context(), ref), mlops.Invalid, mlops.PermissionDenied)
	spec.DeletionProtection = false
	l.update(environmentNoun(), ref, spec)
	l.destroy(environmentNoun(), ref)
}

// TestUnderParent proves that runs and versions are listed under their own
// parent alone, and that whoever surveys an environment finds those of all parents.
func (suite) TestUnderParent(l *lab) {
	if !l.kind(modelVersionNoun()).lists() {
		return
	}
	mine := l.version()
	other := l.create(modelNoun(), l.modelSpec(l.fresh())).Ref
	spec := l.versionSpec("bytes")
	spec.Model = other
	theirs := l.create(modelVersionNoun(), spec).Ref
	for parent, want := range map[mlops.ID]mlops.ID{l.model(): mine, other: theirs} {
		if all := l.list(modelVersionNoun(), parent); len(all) != 1 || all[want].Ref != want {
			l.Errorf("under %q are %v, want %q alone", parent, all, want)
		}
	}
	all, ok, err := l.kind(modelVersionNoun()).survey(l.Context(), mine.Environment())
	if err != nil {
		l.Fatalf("survey %s: %v", mine.Environment(), err)
	}
	for _, ref := range []mlops.ID{mine, theirs} {
		i := slices.IndexFunc(all, func(o observed) bool { return o.Ref == ref })
		if ok && i < 0 {
			l.Errorf("%q is not among the %d versions of its environment", ref, len(all))
		} else if ok && cmp.Diff(l.get(modelVersionNoun(), ref), all[i]) != "" {
			l.Errorf("%s (-get +survey):\n%s", ref, cmp.Diff(l.get(modelVersionNoun(), ref), all[i]))
		}
	}
}
