package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// trade is what a noun does its own way. Its methods are called with the
// platform's lock held.
type trade[Spec, Status any] interface {
	// name returns the name to be checked; numbered nouns have none.
	name(spec Spec) string
	// place finds where a spec belongs: the ID of an object to adopt or to make.
	// For a change, from is the object that is to be changed.
	place(p *Platform, owner string, from mlops.ID, spec Spec) (placed[Spec], error)
	// whim reads how the change is to misbehave.
	whim(p *Platform, spec Spec) whim
	// status says what the platform owns.
	status(p *Platform, r *record, spec Spec) Status
}

// placed is a spec that has found its place.
type placed[Spec any] struct {
	id    mlops.ID
	spec  Spec
	facts facts
	// revision is the mark of spec and facts; empty where spec alone makes it.
	revision string
}

// kind is the four verbs of one noun.
type kind[Spec mlops.Spec, Status any] struct {
	*backend

	noun  mlops.Noun
	trade trade[Spec, Status]
}

// Create makes an object, or adopts its owner's own.
func (k *kind[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	defer k.platform.enter("create", k.noun)()
	at, err := k.admit("", spec)
	if err != nil {
		return mlops.Change{}, err
	}
	if r, ok := k.platform.records[at.id]; ok && r.owner != k.owner {
		return mlops.Change{}, refuse(mlops.AlreadyExists, "%q belongs to another configuration", at.id)
	}
	return k.accept(at)
}

// Get takes one look.
func (k *kind[Spec, Status]) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	if err := ctx.Err(); err != nil {
		return mlops.Observed[Spec, Status]{}, err
	}
	defer k.platform.enter("get", k.noun)()
	r, err := k.platform.find(ref)
	if err != nil {
		return mlops.Observed[Spec, Status]{}, err
	}
	return k.fromNative(r), nil
}

// Update changes an object, or puts a successor in the place of a run or a
// version.
func (k *kind[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	defer k.platform.enter("update", k.noun)()
	former, ok := k.platform.records[ref]
	if !ok {
		return mlops.Change{}, noSuch(ref)
	}
	at, err := k.admit(ref, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	change, err := k.accept(at)
	if err == nil && change.Ref != ref {
		former.superseded = true
	}
	return change, err
}

// Delete removes an object that nothing refers to.
func (k *kind[Spec, Status]) Delete(ctx context.Context, ref mlops.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer k.platform.enter("delete", k.noun)()
	if err := k.keeps(ref); err != nil {
		return err
	}
	if by := k.platform.watcher(ref); by != "" {
		return refuse(mlops.Conflict, "%q is watched by %q; delete the monitor first", ref, by)
	}
	return k.platform.remove(ref, k.looks)
}

// List returns the objects under a parent.
func (k *kind[Spec, Status]) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer k.platform.enter("list", k.noun)()
	out := []mlops.Observed[Spec, Status]{}
	for _, r := range k.platform.under(parent, k.noun) {
		if k.platform.advance(r) {
			out = append(out, k.fromNative(r))
		}
	}
	return out, nil
}

// admit refuses what cannot be, and finds the place for what can.
func (k *kind[Spec, Status]) admit(from mlops.ID, spec Spec) (placed[Spec], error) {
	if err := k.check(spec); err != nil {
		return placed[Spec]{}, err
	}
	at, err := k.trade.place(k.platform, k.owner, from, spec)
	if err != nil {
		return at, err
	}
	if r, ok := k.platform.records[at.id]; ok && r.deleting {
		return at, refuse(mlops.Conflict, "%q is being deleted", at.id)
	}
	return at, nil
}

// check refuses what the spec alone shows to be impossible.
func (k *kind[Spec, Status]) check(spec Spec) error {
	return capabilities().Admit(name, k.noun, k.trade.name(spec), spec)
}

func (k *kind[Spec, Status]) accept(at placed[Spec]) (mlops.Change, error) {
	raw, err := toNative(at.spec)
	if err != nil {
		return mlops.Change{}, err
	}
	revision := cmp.Or(at.revision, mlops.DigestOf(at.spec))
	k.platform.accept(at.id, k.noun, k.owner, k.looks, ask{spec: raw, revision: revision, facts: at.facts, whim: k.trade.whim(k.platform, at.spec)})
	return mlops.Change{Ref: at.id, Revision: revision}, nil
}

// keeps refuses to delete what is protected. The code is not Conflict: waiting
// does not help.
func (k *kind[Spec, Status]) keeps(ref mlops.ID) error {
	r, ok := k.platform.records[ref]
	if !ok {
		return nil
	}
	protected := false
	switch k.noun {
	case mlops.NounEnvironment:
		protected = decode[mlops.EnvironmentSpec](r.spec).DeletionProtection
	case mlops.NounModelEndpoint:
		protected = r.inForce && decode[mlops.ModelEndpointSpec](r.spec).DeletionProtection
	}
	if protected {
		return mlops.InvalidField("deletion_protection", "%q is protected; set deletion_protection to false first", ref)
	}
	return nil
}

func toNative(spec any) (json.RawMessage, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("writing the spec: %w", err)
	}
	return raw, nil
}

func (k *kind[Spec, Status]) fromNative(r *record) mlops.Observed[Spec, Status] {
	spec := decode[Spec](r.spec)
	return mlops.Observed[Spec, Status]{
		Ref:      r.id,
		Spec:     spec,
		Status:   k.trade.status(k.platform, r, spec),
		Phase:    r.phase(),
		Revision: r.revision,
		Reason:   r.reason,
		Native:   map[string]string{"id": string(r.id)},
	}
}
