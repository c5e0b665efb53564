package kubernetes

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// environmentKind is the kind of environments. The namespace, or the record in one
// that was brought, is claimed first, by a call that only one can succeed with; the
// record is written when all parts are there, and is what tells that they are.
type environmentKind struct{ *backend }

// environmentScene is where an environment would be.
type environmentScene struct {
	cluster *cluster
	id      mlops.ID
}

// seenEnvironment is an environment as a look finds it.
type seenEnvironment struct {
	whereabouts

	record record                     // without a spec while its parts are being made
	home   *unstructured.Unstructured // the namespace; nil where it may not be read
	note   *unstructured.Unstructured // the config map of the record; nil where there is none
}

// spec is the spec that the parts were brought to.
func (e seenEnvironment) spec() (spec mlops.EnvironmentSpec, err error) {
	return spec, e.record.into(&spec)
}

// leaving reports whether the environment was deleted, and is not gone yet.
func (e seenEnvironment) leaving() bool {
	return e.home != nil && e.home.GetDeletionTimestamp() != nil || e.note != nil && isLeaving(e.note)
}

func (e seenEnvironment) kept() verbs.Kept {
	return verbs.Kept{ID: e.record.ID, Owner: e.record.Owner, Leaving: e.leaving()}
}

// noun is how the verbs are carried out.
func (k environmentKind) noun() verbs.Noun[mlops.EnvironmentSpec, environmentScene, seenEnvironment] {
	return verbs.Noun[mlops.EnvironmentSpec, environmentScene, seenEnvironment]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:   func(s mlops.EnvironmentSpec) mlops.ID { return s.ID },
		Kept: seenEnvironment.kept, Admit: k.admit, Scene: k.scene, Look: k.look,
		Add: k.add, Change: k.change, Drop: k.drop,
	}
}

// Create makes the environment's parts, or brings its owner's own to the spec.
func (k environmentKind) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update brings an environment to a spec.
func (k environmentKind) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	change, err := k.noun().Update(ctx, ref, spec)
	return change, absent(ref, err)
}

// Delete starts to remove what the provider made. An environment that is
// protected is Invalid, one with anything in it a Conflict.
func (k environmentKind) Delete(ctx context.Context, ref mlops.ID) error {
	return absent(ref, k.noun().Remove(ctx, ref))
}

// Get looks at the namespace, the record, and whether all parts are as they were
// made.
func (k environmentKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	none := mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{Ref: ref}
	s, err := k.scene(ctx, ref)
	if err != nil {
		return none, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return none, absent(ref, err)
	}
	return k.observe(ctx, s, seen)
}

// Advance removes more of an environment in a namespace that was brought.
func (k environmentKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := k.turns.Take(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := k.look(ctx, s)
	if err != nil || !seen.leaving() {
		return absent(ref, err)
	}
	return k.removeStep(ctx, s, seen)
}

// admit refuses what can never be.
func (k environmentKind) admit(ctx context.Context, spec mlops.EnvironmentSpec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := capabilities().Admit(name, mlops.NounEnvironment, spec.Name, spec); err != nil {
		return err
	}
	check := mlops.NewChecker()
	checkEnvironment(check, spec)
	if err := check.Err(); err != nil {
		return err
	}
	k.note(spec.ID, layoutOf(spec).whereabouts)
	k.prospects.forget(spec.ID) // what is there from now on tells for itself
	return nil
}

func (k environmentKind) scene(ctx context.Context, id mlops.ID) (environmentScene, error) {
	s := environmentScene{id: id}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(mlops.NounEnvironment); err != nil {
		return s, invalid(err)
	}
	if err := verbs.CheckNames(capabilities(), id); err != nil {
		return s, err
	}
	var err error
	s.cluster, err = k.in(id)
	return s, err
}

// absent says of something of another's, where an environment was looked for, that
// the environment is not there.
func absent(id mlops.ID, err error) error {
	if errors.Is(err, verbs.ErrNoRecord) {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("the environment %q does not exist: %s", id, mlops.Message(err)))
	}
	return err
}

// add makes an environment where there is none.
func (k environmentKind) add(ctx context.Context, s environmentScene, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	l := layoutOf(spec)
	if err := k.checkHome(ctx, s.cluster, l); err != nil {
		return mlops.Change{}, err
	}
	if err := k.settleServer(ctx, spec, s, seenEnvironment{}); err != nil {
		return mlops.Change{}, err
	}
	claim := manifest{identity: l.claimed(), labels: map[string]string{labelManagedBy: agent}, annotations: map[string]string{noteID: string(s.id), noteClaim: k.options.Owner}}
	if err := s.cluster.claim(ctx, claim); err != nil {
		return mlops.Change{}, k.explain(err, claim.identity, nil)
	}
	r, err := k.newRecord(s.id, spec.WithoutSecrets(), record{})
	if err != nil {
		return mlops.Change{Ref: s.id}, err
	}
	return k.carryOut(ctx, s, l, r)
}

// change brings an environment to a spec.
func (k environmentKind) change(ctx context.Context, s environmentScene, spec mlops.EnvironmentSpec, old seenEnvironment) (mlops.Change, error) {
	l := layoutOf(spec)
	if l.whereabouts != old.whereabouts {
		return mlops.Change{}, refuseSetting(targetNamespace, "%s is in the namespace %s and cannot move to %s", s.id, old.namespace, l.namespace)
	}
	former := old.record
	if former.Spec == nil {
		former = record{} // its creation was interrupted
	}
	r, err := k.newRecord(s.id, spec.WithoutSecrets(), former)
	if err != nil {
		return mlops.Change{}, err
	}
	if former.ID != "" && r.matches(former) {
		flaw, err := k.flaw(ctx, s.cluster, l)
		if err != nil || flaw == "" {
			return r.change(), err
		}
	}
	if err := k.settleServer(ctx, spec, s, old); err != nil {
		return mlops.Change{}, err
	}
	return k.carryOut(ctx, s, l, r)
}

// carryOut makes the parts what the layout says, and writes the record.
func (k environmentKind) carryOut(ctx context.Context, s environmentScene, l layout, r record) (mlops.Change, error) {
	defer k.places.Forget(s.id)
	change := mlops.Change{Ref: s.id, Revision: r.Revision}
	if err := k.makeParts(ctx, s.cluster, l); err != nil {
		return change, err
	}
	if err := k.makeSecrets(ctx, s.cluster, l); err != nil {
		return change, err
	}
	if err := k.dismiss(ctx, s.cluster, s.id, l.surplus()); err != nil {
		return change, err
	}
	note, err := l.recordManifest(r, false)
	if err != nil {
		return change, err
	}
	_, err = s.cluster.apply(ctx, note)
	return change, k.explain(err, note.identity, nil)
}
