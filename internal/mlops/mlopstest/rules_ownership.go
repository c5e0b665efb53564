package mlopstest

import (
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestCreateAgain proves that a repeated creation adopts what the first made.
func (suite) TestCreateAgain(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	before := l.list(n, parentOf(spec))
	change, err := l.kind(n).Create(l.Context(), spec)
	if err != nil {
		l.Fatalf("create again: %v", err)
	}
	if diff := cmp.Diff(mlops.Change{Ref: made.Ref, Revision: made.Revision}, change); diff != "" {
		l.Errorf("create again (-want +got):\n%s", diff)
	}
	if after := l.list(n, parentOf(spec)); len(after) != len(before) {
		l.Errorf("created again, %d objects became %d", len(before), len(after))
	}
}

// TestCreateBringsToSpec proves that adoption does not leave an older spec in
// force. What a run's spec says is part of its identity.
func (suite) TestCreateBringsToSpec(l *lab, n noun) {
	if n.renewed {
		return
	}
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	want := n.change(spec)
	got := l.create(n, want)
	if got.Ref != made.Ref {
		l.Errorf("adopted %q as %q", made.Ref, got.Ref)
	}
	l.wantSpec(got, want)
}

// TestOtherOwner proves that a name is its first owner's, and that others may
// look. Runs and versions have no names to contend for.
func (suite) TestOtherOwner(l *lab, n noun) {
	if !n.named {
		return
	}
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	theirs := n.kind(l.open(them))
	change, err := theirs.Create(l.Context(), n.change(spec))
	l.wantCode("create by another owner", err, mlops.AlreadyExists)
	if change.Ref != "" {
		l.Errorf("another owner was given the identity %q", change.Ref)
	}
	if diff := cmp.Diff(made, l.get(n, made.Ref)); diff != "" {
		l.Errorf("another owner's creation changed the object (-before +after):\n%s", diff)
	}
	if _, err := theirs.Get(l.Context(), made.Ref); err != nil {
		l.Errorf("another owner cannot look: %v", err)
	}
}

// TestHandedOver proves that whoever knows an object may change and delete it,
// whoever made it: it was imported, or its configuration was moved to another
// directory or another machine.
func (suite) TestHandedOver(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	made := l.create(n, spec)
	theirs := n.kind(l.open(them))
	change, err := theirs.Update(l.Context(), made.Ref, n.change(spec))
	if err != nil {
		l.Fatalf("update by another owner: %v", err)
	}
	l.wantSpec(l.ready(n, change), following(n.change(spec), made.Ref))
	if err := theirs.Delete(l.Context(), change.Ref); err != nil {
		l.Fatalf("delete by another owner: %v", err)
	}
	l.gone(n, change.Ref)
}

// crowd is how many do the same thing at once.
const crowd = 8

// atOnce does a thing concurrently and returns what came of it.
func atOnce[T any](do func() (T, error)) (results []T, errs []error) {
	results, errs = make([]T, crowd), make([]error, crowd)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() { results[i], errs[i] = do() })
	}
	wg.Wait()
	return results, errs
}

// TestConcurrentCreate proves that many at once make one.
func (suite) TestConcurrentCreate(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	before := l.list(n, parentOf(spec))
	changes, errs := atOnce(func() (mlops.Change, error) { return l.kind(n).Create(l.Context(), spec) })
	for i, err := range errs {
		if err != nil {
			l.Errorf("create: %v", err)
		}
		if changes[i] != changes[0] {
			l.Errorf("two creations of one spec gave %v and %v", changes[0], changes[i])
		}
	}
	l.ready(n, changes[0])
	if after := l.list(n, parentOf(spec)); after != nil && len(after) != len(before)+1 {
		l.Errorf("%d objects became %d by one creation", len(before), len(after))
	}
}

// TestConcurrentUse proves that looks and changes do not trip over each other.
func (suite) TestConcurrentUse(l *lab, n noun) {
	spec := n.spec(l, l.fresh())
	ref := l.create(n, spec).Ref
	var wg sync.WaitGroup
	wg.Go(func() {
		_, errs := atOnce(func() (observed, error) { return l.kind(n).Get(l.Context(), ref) })
		l.wantNone(errs)
	})
	wg.Go(func() {
		changes, errs := atOnce(func() (mlops.Change, error) { return l.kind(n).Update(l.Context(), ref, n.change(spec)) })
		l.wantNone(errs)
		for _, c := range changes {
			if c != changes[0] {
				l.Errorf("two updates to one spec gave %v and %v", changes[0], c)
			}
		}
	})
	wg.Wait()
}

// TestConcurrentDelete proves that many at once delete one, and none fails.
func (suite) TestConcurrentDelete(l *lab, n noun) {
	ref := l.create(n, n.spec(l, l.fresh())).Ref
	_, errs := atOnce(func() (struct{}, error) { return struct{}{}, l.kind(n).Delete(l.Context(), ref) })
	for _, err := range errs {
		l.wantCode("delete", err, "", mlops.NotFound)
	}
	l.gone(n, ref)
}

func (l *lab) wantNone(errs []error) {
	for _, err := range errs {
		if err != nil {
			l.Error(err)
		}
	}
}
