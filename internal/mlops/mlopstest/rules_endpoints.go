package mlopstest

import (
	"maps"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func endpointStatus(seen observed) mlops.ModelEndpointStatus {
	return as[mlops.ModelEndpointStatus](seen.Status)
}

// serving is what an endpoint should say that it serves.
func (l *lab) serving(spec mlops.ModelEndpointSpec) map[string]mlops.Serving {
	l.Helper()
	out := map[string]mlops.Serving{}
	for name, v := range spec.Variants {
		digest := versionStatus(l.get(modelVersionNoun(), v.Version)).Digest
		out[name] = mlops.Serving{Version: v.Version, Digest: digest, Traffic: v.Traffic}
	}
	return out
}

func (l *lab) wantServing(seen observed, spec mlops.ModelEndpointSpec) {
	l.Helper()
	got := maps.Clone(endpointStatus(seen).Serving)
	for name, s := range got {
		s.Since = time.Time{} // is told apart from what serves
		got[name] = s
	}
	if diff := cmp.Diff(l.serving(spec), got); diff != "" {
		l.Errorf("%s serves (-want +got):\n%s", seen.Ref, diff)
	}
}

// newVersion registers other bytes than l.version.
func (l *lab) newVersion() mlops.ID {
	l.Helper()
	return l.create(modelVersionNoun(), l.versionSpec("newer bytes")).Ref
}

// rolled returns the spec with another version in its only variant.
func rolled(spec mlops.ModelEndpointSpec, version mlops.ID) mlops.ModelEndpointSpec {
	v := spec.Variants["main"]
	v.Version = version
	spec.Variants = maps.Clone(spec.Variants)
	spec.Variants["main"] = v
	return spec
}

// TestRoll proves that a new version comes to serve in place: the same endpoint
// at the same URL.
func (suite) TestRoll(l *lab) {
	n := modelEndpointNoun()
	spec := l.endpointSpec(l.fresh())
	before := l.create(n, spec)
	l.wantServing(before, spec)
	if endpointStatus(before).URL == "" {
		l.Error("an endpoint without URL")
	}
	next := rolled(spec, l.newVersion())
	after := l.update(n, before.Ref, next)
	l.wantServing(after, next)
	if got, want := endpointStatus(after).URL, endpointStatus(before).URL; got != want {
		l.Errorf("the URL was %q and is %q", want, got)
	}
}

// TestRollback proves that a change that does not work leaves what worked: ready,
// with the old revision, serving the old version, and saying what failed. The
// next good change then goes through.
func (suite) TestRollback(l *lab) {
	n := modelEndpointNoun()
	spec := l.endpointSpec(l.fresh())
	before := l.create(n, spec)

	bad := l.world.Break(rolled(spec, l.newVersion()))
	change, err := l.kind(n).Update(l.Context(), before.Ref, bad)
	if err != nil {
		l.Fatalf("update: %v", err)
	}
	if change.Revision == before.Revision {
		l.Fatalf("a change kept the revision %q", before.Revision)
	}
	after := l.settled(n, before.Ref)
	if after.Phase != mlops.PhaseReady || after.Revision != before.Revision || after.Reason == "" {
		l.Errorf("after a failed change it is %s at %q because %q, want ready at %q and a reason", after.Phase, after.Revision, after.Reason, before.Revision)
	}
	l.wantSpec(after, spec)
	l.wantServing(after, spec)

	good := rolled(spec, bad.Variants["main"].Version)
	l.wantServing(l.update(n, before.Ref, good), good)
}

// TestBrokenFromStart proves that an endpoint that never worked is failed, with
// a reason, can be put right in place, and can be deleted.
func (suite) TestBrokenFromStart(l *lab) {
	n := modelEndpointNoun()
	spec := l.endpointSpec(l.fresh())
	change, err := l.kind(n).Create(l.Context(), l.world.Break(spec))
	if err != nil {
		l.Fatalf("create: %v", err)
	}
	seen := l.settled(n, change.Ref)
	if seen.Phase != mlops.PhaseFailed || seen.Revision != change.Revision || seen.Reason == "" {
		l.Errorf("it is %s at %q because %q, want failed at %q and a reason", seen.Phase, seen.Revision, seen.Reason, change.Revision)
	}
	if len(endpointStatus(seen).Serving) != 0 {
		l.Errorf("it never worked, and serves %v", endpointStatus(seen).Serving)
	}
	l.wantServing(l.update(n, change.Ref, spec), spec)

	broken := l.endpointSpec(l.fresh())
	change, err = l.kind(n).Create(l.Context(), l.world.Break(broken))
	if err != nil {
		l.Fatalf("create: %v", err)
	}
	l.settled(n, change.Ref)
	l.destroy(n, change.Ref)
}

// TestSplit proves that two variants serve side by side, and that one can go.
func (suite) TestSplit(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeatureEndpointSplit) {
		return
	}
	n := modelEndpointNoun()
	spec := l.endpointSpec(l.fresh())
	ref := l.create(n, spec).Ref
	split := spec
	split.Variants = map[string]mlops.Variant{
		"main":       {Version: l.version(), Traffic: 90},
		"challenger": {Version: l.newVersion(), Traffic: 10},
	}
	l.wantServing(l.update(n, ref, split), split)
	l.wantServing(l.update(n, ref, spec), spec)
}
