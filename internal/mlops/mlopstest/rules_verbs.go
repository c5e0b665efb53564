package mlopstest

import (
	"context"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestLife takes an object from its creation to its end.
func (suite) TestLife(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	l.wantSpec(made, spec)
	if want := idOf(spec); n.named && made.Ref != want {
		l.Errorf("created %q, want %q", made.Ref, want)
	}

	updated := l.update(n, made.Ref, n.change(spec))
	if (updated.Ref != made.Ref) != n.renewed {
		l.Errorf("updated %q into %q, want a successor: %t", made.Ref, updated.Ref, n.renewed)
	}
	if updated.Revision == made.Revision {
		l.Errorf("a change kept the revision %q", made.Revision)
	}

	if n.renewed {
		l.get(n, made.Ref) // stays as history
	}
	l.destroy(n, updated.Ref)
}

// TestChangeReadsBack proves that an update's spec is what is read, but for the
// run that a successor follows.
func (suite) TestChangeReadsBack(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	want := n.change(spec)
	l.wantSpec(l.update(n, made.Ref, want), following(want, made.Ref))
}

// following is a spec as it comes back from an update of ref.
func following(spec any, ref mlops.ID) any {
	if run, ok := spec.(mlops.PipelineRunSpec); ok {
		run.After = ref
		return run
	}
	return spec
}

// TestMissing proves that what never was is NotFound to every verb.
func (suite) TestMissing(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	ref := idOf(spec)
	if !n.named {
		ref = parentOf(spec).Child(n.name, "999")
	}
	_, err := l.kind(n).Get(l.Context(), ref)
	l.wantCode("get", err, mlops.NotFound)
	_, err = l.kind(n).Update(l.Context(), ref, spec)
	l.wantCode("update", err, mlops.NotFound)
	l.wantCode("delete", l.kind(n).Delete(l.Context(), ref), mlops.NotFound)
}

// TestDeleteTwice proves that a repeated deletion does no harm: it is taken, or
// NotFound once the object is gone.
func (suite) TestDeleteTwice(l *lab, n noun) {
	ref := l.create(n, n.spec(l, l.fresh())).Ref
	if err := l.kind(n).Delete(l.Context(), ref); err != nil {
		l.Fatalf("delete: %v", err)
	}
	l.wantCode("delete while deleting", l.kind(n).Delete(l.Context(), ref), "", mlops.NotFound)
	l.gone(n, ref)
	l.wantCode("delete of what is gone", l.kind(n).Delete(l.Context(), ref), mlops.NotFound)
}

// TestVanished proves that an object that somebody else removed is NotFound, and
// can be made again.
func (suite) TestVanished(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	ref := l.create(n, spec).Ref
	l.world.Vanish(l.T, n.name, ref)
	l.gone(n, ref)
	l.wantSpec(l.create(n, spec), spec)
}

// TestNoChange proves that an update to the spec in force is none.
func (suite) TestNoChange(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	change, err := l.kind(n).Update(l.Context(), made.Ref, spec)
	if err != nil {
		l.Fatalf("update: %v", err)
	}
	want := mlops.Change{Ref: made.Ref, Revision: made.Revision}
	if diff := cmp.Diff(want, change); diff != "" {
		l.Errorf("an update to the same spec (-want +got):\n%s", diff)
	}
	if got := l.get(n, made.Ref); got.Phase != mlops.PhaseReady {
		l.Errorf("after an update to the same spec it is %s", got.Phase)
	}
}

// TestChangeOfMind proves that a change may be followed by another before it
// has settled, and that the last one wins.
func (suite) TestChangeOfMind(l *lab, n noun) {
	if n.renewed {
		return
	}
	spec := n.spec(l, l.fresh())
	ref := l.create(n, spec).Ref
	if _, err := l.kind(n).Update(l.Context(), ref, n.change(spec)); err != nil {
		l.Fatalf("update: %v", err)
	}
	l.wantSpec(l.update(n, ref, spec), spec)
}

// TestDeleteWhileCreating proves that an object need not be ready to be deleted.
// A platform that needs the creation to end first says Conflict until then.
func (suite) TestDeleteWhileCreating(l *lab, n noun) {
	change, err := l.kind(n).Create(l.Context(), n.spec(l, l.fresh()))
	if err != nil {
		l.Fatalf("create: %v", err)
	}
	l.awaitf(func() bool {
		err = l.kind(n).Delete(l.Context(), change.Ref)
		return l.code(err) != mlops.Conflict
	}, "%s cannot be deleted: %v", change.Ref, err)
	if err != nil {
		l.Fatalf("delete: %v", err)
	}
	l.gone(n, change.Ref)
}

// TestStableReads proves that looking changes nothing.
func (suite) TestStableReads(l *lab, n noun) {
	ref := l.create(n, n.spec(l, l.fresh())).Ref
	first, second := l.get(n, ref), l.get(n, ref)
	if diff := cmp.Diff(first, second); diff != "" {
		l.Errorf("two looks differ (-first +second):\n%s", diff)
	}
	if first.Ref != ref {
		l.Errorf("a look at %q shows %q", ref, first.Ref)
	}
}

// TestListEqualsGets proves that a list says what single looks say, of all
// objects under the parent and of no others.
func (suite) TestListEqualsGets(l *lab, n noun) {
	if !l.kind(n).lists() || n.name == mlops.NounEnvironment {
		return
	}
	var parent mlops.ID
	var refs []mlops.ID
	for range 3 {
		spec := n.spec(l, l.fresh())
		parent = parentOf(spec)
		refs = append(refs, l.create(n, spec).Ref)
	}
	all := l.list(n, parent)
	for _, ref := range refs {
		if diff := cmp.Diff(l.get(n, ref), all[ref]); diff != "" {
			l.Errorf("%s (-get +list):\n%s", ref, diff)
		}
	}
	for ref := range all {
		if ref.Parent() != parent {
			l.Errorf("%q is listed under %q", ref, parent)
		}
		if n.name != mlops.NounModelVersion && !slices.Contains(refs, ref) {
			l.Errorf("%q is listed, and was never made", ref)
		}
	}
}

// TestCancelled proves that a cancelled context stops every verb with the
// context's own error, and changes nothing.
func (suite) TestCancelled(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	other := n.spec(l, l.fresh())
	before := l.list(n, parentOf(spec))

	ctx, cancel := context.WithCancel(l.Context())
	cancel()
	_, err := l.kind(n).Create(ctx, other)
	l.wantCancelled("create", err)
	_, err = l.kind(n).Get(ctx, made.Ref)
	l.wantCancelled("get", err)
	_, err = l.kind(n).Update(ctx, made.Ref, n.change(spec))
	l.wantCancelled("update", err)
	l.wantCancelled("delete", l.kind(n).Delete(ctx, made.Ref))

	if diff := cmp.Diff(made, l.get(n, made.Ref)); diff != "" {
		l.Errorf("cancelled calls changed the object (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before, l.list(n, parentOf(spec))); diff != "" {
		l.Errorf("cancelled calls changed the list (-before +after):\n%s", diff)
	}
}

// TestApart proves that two environments do not see each other's names.
func (suite) TestApart(l *lab) {
	name := l.fresh()
	first := l.create(modelNoun(), l.modelSpec(name))
	second := l.modelSpec(name)
	second.Environment = l.create(environmentNoun(), l.environmentSpec(l.fresh())).Ref
	second.Description = "another"
	l.create(modelNoun(), second)
	l.destroy(modelNoun(), second.ID())
	if got := l.get(modelNoun(), first.Ref); got.Revision != first.Revision {
		l.Errorf("a model changed with its namesake in another environment")
	}
}

// TestEveryFeatureAnswered proves that the backend's column of the portability
// table is complete, and says what to do instead of what it lacks.
func (suite) TestEveryFeatureAnswered(l *lab) {
	answers := l.harness.Factory.Capabilities.Features
	for _, doc := range mlops.Features() {
		answer, ok := answers[doc.Feature]
		switch {
		case !ok:
			l.Errorf("%s is not answered", doc.Feature)
		case !slices.Contains([]mlops.Support{mlops.Native, mlops.Emulated, mlops.NotProvided}, answer.Support):
			l.Errorf("%s is answered with %q", doc.Feature, answer.Support)
		case answer.Support != mlops.Native && answer.Note == "":
			l.Errorf("%s is %s without a note", doc.Feature, answer.Support)
		}
	}
	for f := range answers {
		if !slices.ContainsFunc(mlops.Features(), func(d mlops.FeatureDoc) bool { return d.Feature == f }) {
			l.Errorf("%s is answered, and is no feature", f)
		}
	}
}

// TestFeature proves that what is claimed is accepted and comes into force, and
// that what is not is refused with nothing made.
func (suite) TestFeature(l *lab, s sample) {
	if l.harness.Factory.Capabilities.Supports(s.feature) {
		l.accepts(s)
		return
	}
	l.refuses(nounOf(s.noun), s.spec(l), mlops.Unsupported)
}

func (l *lab) accepts(s sample) {
	l.Helper()
	spec := l.world.Adapt(s.spec(l))
	l.wantSpec(l.create(nounOf(s.noun), spec), spec)
}

// refuses insists that a spec is refused, before anything is made.
func (l *lab) refuses(n noun, spec any, codes ...mlops.Code) {
	l.Helper()
	before := l.list(n, parentOf(spec))
	change, err := l.kind(n).Create(l.Context(), spec)
	l.wantCode("create", err, codes...)
	if change.Ref != "" {
		l.Errorf("a refused %s has the identity %q", n.name, change.Ref)
	}
	if n.named {
		_, err := l.kind(n).Get(l.Context(), idOf(spec))
		l.wantCode("get of what was refused", err, mlops.NotFound, mlops.Invalid)
	}
	if after := l.list(n, parentOf(spec)); len(after) != len(before) {
		l.Errorf("%d objects were there before a refusal, %d after", len(before), len(after))
	}
}
