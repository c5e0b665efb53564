package registry

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func sharedVersions(at *shared) mlops.Lister[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return at.ModelVersions("")
}

// seenVersion is a version as the server has it, with the bytes that are here.
func seenVersion(r versionRecord, seen mlflow.ObservedVersion) mlflow.ObservedVersion {
	seen.Status.URI = r.Status.URI
	return seen
}

// share registers bytes that are kept here at the server, which numbers them, then
// mirrors the version. Where that was interrupted, the next try adopts what is there.
func (v *ModelVersions) share(ctx context.Context, at *shared, from mlops.ID, r versionRecord, kept blob.Blob) (mlops.Change, error) {
	done, err := at.Turn(ctx, r.Spec.Model)
	if err != nil {
		return mlops.Change{}, err
	}
	defer done()
	asked, err := at.ModelVersions(r.Owner).Register(ctx, from, r.Spec, mlflow.Found{
		Path: kept.Path, Packages: r.Status.Packages, Metrics: r.Status.Metrics, Lineage: r.Status.Lineage,
	})
	if err != nil {
		return asked, err
	}
	r.ID = asked.Ref
	_, err = change(ctx, v.Store, func(tx *store.Tx) (mlops.Change, error) { return asked, v.mirror(ctx, tx, from, r) })
	return asked, err
}

// mirror writes a version in the place that the server gave it.
func (v *ModelVersions) mirror(ctx context.Context, tx *store.Tx, from mlops.ID, r versionRecord) error {
	if err := parent(ctx, tx, v.Store.Models(), "model", r.Spec.Model); err != nil {
		return err
	}
	siblings, err := v.Store.Versions().ListTx(ctx, tx, r.Spec.Model)
	if err != nil {
		return err
	}
	r.Created = time.Now().UTC()
	for _, s := range siblings {
		if s.ID == r.ID {
			r.Created = s.Created
		}
	}
	r.Status.Version, r.Status.CreatedAt = r.ID.Name(), r.Created
	if err := v.displace(ctx, tx, siblings, from, r); err != nil {
		return err
	}
	return v.Store.Versions().PutTx(ctx, tx, r)
}

func (v *ModelVersions) getShared(ctx context.Context, at *shared, ref mlops.ID) (mlflow.ObservedVersion, error) {
	r, err := v.Store.Versions().Get(ctx, ref)
	if err != nil {
		return mlflow.ObservedVersion{}, err
	}
	seen, err := at.ModelVersions("").Get(ctx, ref)
	if err != nil {
		return seen, err
	}
	return seenVersion(r, seen), refresh(ctx, v.Store.Versions(), r, seen)
}

// deleteShared removes a version from the server, then from the store, with its
// bytes. One that the server does not have any more is NotFound, and is forgotten.
func (v *ModelVersions) deleteShared(ctx context.Context, at *shared, ref mlops.ID) error {
	done, err := at.Turn(ctx, ref.Parent())
	if err != nil {
		return err
	}
	defer done()
	if _, err := v.Store.Versions().Get(ctx, ref); err != nil {
		return err
	}
	if err := v.Store.Write(ctx, func(tx *store.Tx) error { return v.unserved(ctx, tx, ref) }); err != nil {
		return err
	}
	gone := at.ModelVersions(api.Owner(ctx)).Delete(ctx, ref)
	if gone != nil && mlops.CodeOf(gone) != mlops.NotFound {
		return gone
	}
	if err := v.forget(ctx, ref); err != nil && mlops.CodeOf(err) != mlops.NotFound {
		return err
	}
	return gone
}
