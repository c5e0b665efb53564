package mlopstest

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// versionStatus reads a version's status.
func versionStatus(seen observed) mlops.ModelVersionStatus {
	return as[mlops.ModelVersionStatus](seen.Status)
}

// TestVersionNumbers proves that versions are content-addressed: the same bytes
// keep their number whatever is said of them, other bytes get another, and
// going back gets the old one.
func (suite) TestVersionNumbers(l *lab) {
	n := modelVersionNoun()
	spec := l.versionSpec("first")
	first := l.create(n, spec)

	renamed := spec
	renamed.ArtifactURI = l.world.Artifact(l.T, "first")
	renamed.Approval, renamed.Description = "pending", "the same bytes from elsewhere"
	if got := l.update(n, first.Ref, renamed); got.Ref != first.Ref {
		l.Errorf("the same bytes became %q, were %q", got.Ref, first.Ref)
	}

	second := l.update(n, first.Ref, l.versionSpec("second"))
	if second.Ref == first.Ref || versionStatus(second).Digest == versionStatus(first).Digest {
		l.Errorf("other bytes are still %q", second.Ref)
	}
	if kept := l.get(n, first.Ref); versionStatus(kept).Digest != versionStatus(first).Digest {
		l.Errorf("the bytes of %q changed when it was superseded", first.Ref)
	}
	if back := l.update(n, second.Ref, spec); back.Ref != first.Ref {
		l.Errorf("the first bytes again are %q, were %q", back.Ref, first.Ref)
	}
}

// TestVersionStatus proves that a version tells its number, its digest and
// where its bytes are, and that those are good for another model.
func (suite) TestVersionStatus(l *lab) {
	n := modelVersionNoun()
	first := l.create(n, l.versionSpec("bytes"))
	status := versionStatus(first)
	if status.Version != first.Ref.Name() || status.Digest == "" || status.URI == "" {
		l.Errorf("%s has status %+v", first.Ref, status)
	}
	spec := l.versionSpec("")
	spec.ArtifactURI = status.URI
	spec.Model = l.create(modelNoun(), l.modelSpec(l.fresh())).Ref
	if got := versionStatus(l.create(n, spec)).Digest; got != status.Digest {
		l.Errorf("the same bytes have digest %s in another model, want %s", got, status.Digest)
	}
}

// TestVersionFromRun proves that a run's output is registered with the run's
// evidence.
func (suite) TestVersionFromRun(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeatureVersionRun) {
		return
	}
	spec := l.versionSpec("")
	spec.ArtifactURI, spec.Run, spec.Output = "", l.run(), "model"
	seen := l.create(modelVersionNoun(), spec)
	l.wantSpec(seen, spec)
	status := versionStatus(seen)
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.9}, status.Metrics); diff != "" {
		l.Errorf("metrics (-want +got):\n%s", diff)
	}
	if status.Digest == "" || status.Lineage == nil || status.Lineage.PipelineVersion == "" {
		l.Errorf("a version without evidence: %+v", status)
	}
}

// TestPlannedDigest proves that the digest foretold is the digest registered.
func (suite) TestPlannedDigest(l *lab) {
	planner, ok := l.backend.ModelVersions().(mlops.Planner[mlops.ModelVersionSpec])
	if !ok {
		return
	}
	spec := l.versionSpec("foreseen")
	want, err := planner.Digest(l.Context(), spec)
	if err != nil {
		l.Fatalf("digest: %v", err)
	}
	if got := versionStatus(l.create(modelVersionNoun(), spec)).Digest; got != want {
		l.Errorf("registered %s, foretold %s", got, want)
	}
}

// TestAliasMoves proves that an alias is on one version at a time.
func (suite) TestAliasMoves(l *lab) {
	if !l.harness.Factory.Capabilities.Supports(mlops.FeatureVersionAliases) {
		return
	}
	n := modelVersionNoun()
	spec := l.versionSpec("first")
	spec.Aliases = []string{"champion", "stays"}
	first := l.create(n, spec).Ref
	spec = l.versionSpec("second")
	spec.Aliases = []string{"champion"}
	second := l.create(n, spec).Ref
	for ref, want := range map[mlops.ID][]string{first: {"stays"}, second: {"champion"}} {
		if got := as[mlops.ModelVersionSpec](l.get(n, ref).Spec).Aliases; !slices.Equal(got, want) {
			l.Errorf("%s has the aliases %q, want %q", ref, got, want)
		}
	}
}

// TestRun proves that a run that is ready has succeeded, and shows what it made.
func (suite) TestRun(l *lab) {
	seen := l.create(pipelineRunNoun(), l.runSpec(l.fresh()))
	status := as[mlops.PipelineRunStatus](seen.Status)
	if status.State != mlops.RunSucceeded || status.Run != seen.Ref.Name() {
		l.Errorf("a ready run: %+v", status)
	}
	if status.Outputs["train.model"] == "" {
		l.Errorf("outputs are %v, want train.model among them", status.Outputs)
	}
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.9}, status.Metrics); diff != "" {
		l.Errorf("metrics (-want +got):\n%s", diff)
	}
	if status.StartedAt.IsZero() || status.FinishedAt.Before(status.StartedAt) {
		l.Errorf("from %s to %s", status.StartedAt, status.FinishedAt)
	}
	if status.Lineage == nil || status.Lineage.PipelineVersion == "" {
		l.Error("a run without lineage")
	}
}

// TestRunAgain proves that one trigger's change and its way back are three runs:
// what matters is what a run follows.
func (suite) TestRunAgain(l *lab) {
	n := pipelineRunNoun()
	spec := l.runSpec(l.fresh())
	first := l.create(n, spec)
	second := l.update(n, first.Ref, n.change(spec))
	third := l.update(n, second.Ref, spec)
	if first.Ref == second.Ref || second.Ref == third.Ref || third.Ref == first.Ref {
		l.Errorf("the runs are %q, %q, %q", first.Ref, second.Ref, third.Ref)
	}
	change, err := l.kind(n).Update(l.Context(), second.Ref, spec)
	if err != nil || change.Ref != third.Ref {
		l.Errorf("the third run asked for again: %q, %v; want %q", change.Ref, err, third.Ref)
	}
}

// TestFailedRun proves that a run that failed says so, with a reason, and that
// asking again runs again.
func (suite) TestFailedRun(l *lab) {
	pipeline := l.pipelineSpec(l.fresh())
	pipeline.Steps = map[string]mlops.Step{"break": {Command: []string{"false"}}}
	spec := l.runSpec(l.fresh())
	spec.Pipeline = l.create(pipelineNoun(), l.world.Pipeline(pipeline)).Ref

	change, err := l.kind(pipelineRunNoun()).Create(l.Context(), spec)
	if err != nil {
		l.Fatalf("create: %v", err)
	}
	seen := l.settled(pipelineRunNoun(), change.Ref)
	if seen.Phase != mlops.PhaseFailed || seen.Reason == "" || seen.Revision != change.Revision {
		l.Errorf("a failed run is %s at %q (asked %q) because %q", seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	again, err := l.kind(pipelineRunNoun()).Create(l.Context(), spec)
	if err != nil || again.Ref == change.Ref {
		l.Errorf("asked again: %q, %v; want another run than %q", again.Ref, err, change.Ref)
	}
	l.settled(pipelineRunNoun(), again.Ref)
}
