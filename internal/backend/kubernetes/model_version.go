package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type versionObserved = mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

// modelVersionKind is the kind of versions: those of the environment's MLflow server,
// which has the bytes too.
type modelVersionKind struct{ *backend }

// ModelVersions returns the kind of versions.
func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return modelVersionKind{b}
}

// of is the versions that a registry has, as this owner sees them.
func (k modelVersionKind) of(r *registry) *mlflow.ModelVersions {
	return r.ModelVersions(k.options.Owner)
}

// admit refuses what can never be.
func (k modelVersionKind) admit(ctx context.Context, spec mlops.ModelVersionSpec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return capabilities().Admit(name, mlops.NounModelVersion, "", spec)
}

// Create registers bytes, or finds the version that has them.
func (k modelVersionKind) Create(ctx context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if err := k.admit(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	r, err := k.registryToMake(ctx, spec.Model, mlops.NounModelVersion)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.of(r).Create(ctx, spec)
}

// Get takes one look.
func (k modelVersionKind) Get(ctx context.Context, ref mlops.ID) (versionObserved, error) {
	r, err := k.registryOf(ctx, ref, mlops.NounModelVersion)
	if err != nil {
		return versionObserved{Ref: ref}, err
	}
	return k.of(r).Get(ctx, ref)
}

// List returns the versions of a model, or of an environment.
func (k modelVersionKind) List(ctx context.Context, under mlops.ID) ([]versionObserved, error) {
	r, err := k.registryToList(ctx, under)
	if r == nil {
		return nil, err
	}
	return k.of(r).List(ctx, under)
}

// Survey returns the versions of an environment: one search however many models there are.
func (k modelVersionKind) Survey(ctx context.Context, environment mlops.ID) ([]versionObserved, error) {
	return k.List(ctx, environment)
}

// Update changes what is said of a version in place. Other content becomes a
// successor, and ref stays as history.
func (k modelVersionKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if err := k.admit(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	r, err := k.registryOf(ctx, ref, mlops.NounModelVersion)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.of(r).Update(ctx, ref, spec)
}

// Delete removes a version and its bytes. One that an endpoint serves, or is about to,
// is a Conflict.
func (k modelVersionKind) Delete(ctx context.Context, ref mlops.ID) error {
	r, err := k.registryOf(ctx, ref, mlops.NounModelVersion)
	if err != nil {
		return err
	}
	endpoint, err := k.serverOf(ctx, ref)
	if err != nil {
		return err
	}
	if endpoint != "" {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is served by the endpoint %s", ref, endpoint))
	}
	return k.of(r).Delete(ctx, ref)
}

// serverOf is an endpoint that serves a version, served it before and may go back to
// it, or is about to; "" where none does.
func (k modelVersionKind) serverOf(ctx context.Context, version mlops.ID) (mlops.ID, error) {
	p, err := k.place(ctx, version)
	if err != nil {
		return "", err
	}
	routes, err := p.all(ctx, p.endpointCarrier(), mlops.NounModelEndpoint)
	if withoutKind(err) != nil {
		return "", err
	}
	for _, h := range routes {
		e, err := newEndpointState(h)
		if err != nil {
			return "", err
		}
		if slices.Contains(e.versions(), version) {
			return h.record.ID, nil
		}
	}
	return "", nil
}

// Export hands the bytes of a version out; see mlops.Exporter.
func (k modelVersionKind) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	r, err := k.registryOf(ctx, ref, mlops.NounModelVersion)
	if err != nil {
		return "", err
	}
	return k.of(r).Export(ctx, ref, directory)
}
