package registry

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelVersions is the kind of model versions. They are found by content: the
// same owner's same bytes, served the same way, are the same version.
type ModelVersions struct{ *Registry }

type versionRecord = store.Record[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

// superseded reports whether a successor took a version's place: nobody has it
// any more. Whoever comes back to its content gets it again.
func superseded(r versionRecord) bool { return r.Owner == "" }

// Create registers bytes, or finds the version that has them.
func (v *ModelVersions) Create(ctx context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	return v.register(ctx, "", spec)
}

// Update changes what is said of a version in place. Other content becomes a
// successor, and ref stays as history.
func (v *ModelVersions) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if _, err := v.Store.Versions().Get(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	if ref.Parent() != spec.Model {
		return mlops.Change{}, mlops.InvalidField("model", "%s cannot move to the model %s", ref, spec.Model)
	}
	return v.register(ctx, ref, spec)
}

// Get takes one look.
func (v *ModelVersions) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	at, err := v.shared(ctx, ref.Environment())
	if err != nil {
		return mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{}, err
	}
	if at != nil {
		return v.getShared(ctx, at, ref)
	}
	return get(ctx, v.Store.Versions(), ref, versionRecord.Observed)
}

// List returns the versions below an ID.
func (v *ModelVersions) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	return listShared(ctx, v.Registry, v.Store.Versions(), under, sharedVersions, versionRecord.Observed, seenVersion)
}

// Delete removes a version, and its bytes if no other version has them. One
// that an endpoint serves, or is about to, is a Conflict.
func (v *ModelVersions) Delete(ctx context.Context, ref mlops.ID) error {
	at, err := v.shared(ctx, ref.Environment())
	if err != nil {
		return err
	}
	if at != nil {
		return v.deleteShared(ctx, at, ref)
	}
	return v.forget(ctx, ref)
}

// forget removes a version from the store, and its bytes if no other has them.
func (v *ModelVersions) forget(ctx context.Context, ref mlops.ID) error {
	v.bytes.Lock()
	defer v.bytes.Unlock()
	var digest string
	err := v.Store.Versions().Delete(ctx, ref, func(tx *store.Tx, r versionRecord) error {
		digest = r.Status.Digest
		return v.unserved(ctx, tx, ref)
	})
	if err != nil {
		return err
	}
	return v.removeBytes(ctx, ref.Environment(), digest)
}

// register imports the bytes of a spec and puts it in force for the version
// that has them, which may be new.
func (v *ModelVersions) register(ctx context.Context, from mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if err := mlops.Check(spec); err != nil {
		return mlops.Change{}, err
	}
	environment, err := v.home(ctx, spec.Model)
	if err != nil {
		return mlops.Change{}, err
	}
	found, err := v.source(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	if err := promised(spec, found.path); err != nil {
		return mlops.Change{}, err
	}
	b, release, err := v.importData(ctx, found.path, environment)
	if err != nil {
		return mlops.Change{}, err
	}
	defer release()
	if err := promisedDigest(spec, b.Digest); err != nil {
		return mlops.Change{}, err // they changed while they were imported
	}
	r := versionRecord{
		Spec: spec, Owner: api.Owner(ctx), Revision: mlops.DigestOf(spec), Phase: mlops.PhaseReady,
		Status: found.status(b),
	}
	at, err := v.shared(ctx, environment.ID)
	if err != nil {
		return mlops.Change{}, err
	}
	if at != nil {
		return v.share(ctx, at, from, r, b)
	}
	return change(ctx, v.Store, func(tx *store.Tx) (mlops.Change, error) { return v.settle(ctx, tx, from, r) })
}

// promised refuses bytes that are not those that a promotion was judged by.
func promised(spec mlops.ModelVersionSpec, path string) error {
	if spec.Promotion == nil {
		return nil
	}
	digest, _, err := blob.Digest(path)
	if err != nil {
		return err
	}
	return promisedDigest(spec, digest)
}

func promisedDigest(spec mlops.ModelVersionSpec, digest string) error {
	if p := spec.Promotion; p != nil && p.Digest != digest {
		return mlops.InvalidField("artifact_uri", "the bytes have the digest %s; those that were promoted from %s have %s", digest, p.From, p.Digest)
	}
	return nil
}

// home is the environment of a model that is there.
func (v *ModelVersions) home(ctx context.Context, model mlops.ID) (mlops.EnvironmentSpec, error) {
	_, err := v.Store.Models().Get(ctx, model)
	if mlops.CodeOf(err) == mlops.NotFound {
		return mlops.EnvironmentSpec{}, mlops.InvalidField("model", "there is no model %s", model)
	}
	if err != nil {
		return mlops.EnvironmentSpec{}, err
	}
	e, err := v.Store.Environments().Get(ctx, model.Environment())
	return e.Spec, err
}

// settle finds the place of a version by its content, and writes it there.
func (v *ModelVersions) settle(ctx context.Context, tx *store.Tx, from mlops.ID, r versionRecord) (mlops.Change, error) {
	model := r.Spec.Model
	if err := parent(ctx, tx, v.Store.Models(), "model", model); err != nil {
		return mlops.Change{}, err
	}
	siblings, err := v.Store.Versions().ListTx(ctx, tx, model)
	if err != nil {
		return mlops.Change{}, err
	}
	if at, ok := adopt(siblings, from, r); ok {
		r.ID, r.Created = at.ID, at.Created
	} else {
		n, err := tx.NextVersion(ctx, model)
		if err != nil {
			return mlops.Change{}, err
		}
		r.ID, r.Created = model.Child(mlops.NounModelVersion, strconv.FormatInt(n, 10)), time.Now().UTC()
	}
	r.Status.Version, r.Status.CreatedAt = r.ID.Name(), r.Created
	if err := v.displace(ctx, tx, siblings, from, r); err != nil {
		return mlops.Change{}, err
	}
	return mlops.Change{Ref: r.ID, Revision: r.Revision}, v.Store.Versions().PutTx(ctx, tx, r)
}

// adopt finds the version that has the content of r: first the one that is to
// be changed, then one of the same owner or of nobody.
func adopt(siblings []versionRecord, from mlops.ID, r versionRecord) (versionRecord, bool) {
	is := func(mine bool) func(versionRecord) bool {
		return func(s versionRecord) bool {
			return sameContent(s, r) && (s.ID == from || (!mine && (superseded(s) || s.Owner == r.Owner)))
		}
	}
	i := slices.IndexFunc(siblings, is(true))
	if i < 0 {
		i = slices.IndexFunc(siblings, is(false))
	}
	if i < 0 {
		return versionRecord{}, false
	}
	return siblings[i], true
}

// sameContent reports whether two versions would serve the same.
func sameContent(a, b versionRecord) bool {
	return a.Status.Digest == b.Status.Digest && a.Spec.SameBytes(b.Spec) && slices.Equal(a.Status.Packages, b.Status.Packages)
}

// displace takes r's aliases from its siblings, and the place in the
// configuration from the one that r succeeds.
func (v *ModelVersions) displace(ctx context.Context, tx *store.Tx, siblings []versionRecord, from mlops.ID, r versionRecord) error {
	for _, s := range siblings {
		if s.ID == r.ID {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(s.Spec.Aliases), func(a string) bool { return slices.Contains(r.Spec.Aliases, a) })
		if len(left) == len(s.Spec.Aliases) && s.ID != from {
			continue
		}
		if len(left) != len(s.Spec.Aliases) {
			s.Spec.Aliases = left
			s.Revision = mlops.DigestOf(s.Spec)
		}
		if s.ID == from {
			s.Owner = ""
		}
		if err := v.Store.Versions().PutTx(ctx, tx, s); err != nil {
			return err
		}
	}
	return nil
}

// unserved refuses, as a Conflict, a version that an endpoint refers to.
func (g *Registry) unserved(ctx context.Context, tx *store.Tx, version mlops.ID) error {
	endpoints, err := g.Store.Endpoints().ListTx(ctx, tx, version.Environment())
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if refers(e, version) {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is served by the endpoint %s", version, e.ID))
		}
	}
	return nil
}

// refers reports whether an endpoint serves a version, should, or still does.
func refers(e store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus], version mlops.ID) bool {
	specs := []mlops.ModelEndpointSpec{e.Spec}
	if e.Wanted != nil {
		specs = append(specs, *e.Wanted)
	}
	for _, spec := range specs {
		for _, v := range spec.Variants {
			if v.Version == version {
				return true
			}
		}
	}
	for _, s := range e.Status.Serving {
		if s.Version == version {
			return true
		}
	}
	return false
}
