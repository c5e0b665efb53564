package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Models is the kind of models.
type Models struct{ *Registry }

type modelRecord = store.Record[mlops.ModelSpec, mlops.ModelStatus]

// Create puts the spec in force.
func (m *Models) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	at, err := m.shared(ctx, spec.Environment)
	if err != nil {
		return mlops.Change{}, err
	}
	if at != nil {
		return m.createShared(ctx, at, spec)
	}
	return create(ctx, m.Store, m.Store.Models(), spec.ID(), spec, m.inEnvironment(ctx, spec.Environment))
}

// Update puts the spec in force.
func (m *Models) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	if err := stays(ref, spec.ID()); err != nil {
		return mlops.Change{}, err
	}
	if _, err := m.Store.Models().Get(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	at, err := m.shared(ctx, spec.Environment)
	if err != nil {
		return mlops.Change{}, err
	}
	if at != nil {
		return m.share(ctx, at, spec, func(k *mlflow.Models) (mlops.Change, error) { return k.Update(ctx, ref, spec) })
	}
	return update(ctx, m.Store, m.Store.Models(), ref, spec, m.inEnvironment(ctx, spec.Environment))
}

// Get takes one look.
func (m *Models) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	at, err := m.shared(ctx, ref.Environment())
	if err != nil {
		return mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{}, err
	}
	if at != nil {
		return m.getShared(ctx, at, ref)
	}
	return m.KeptModels().Get(ctx, ref)
}

// List returns the models below an ID.
func (m *Models) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	newest, err := m.newest(ctx, under)
	if err != nil {
		return nil, err
	}
	return listShared(ctx, m.Registry, m.Store.Models(), under, sharedModels, observeModel(newest), seenModel)
}

// newest maps each model below an ID to its newest version.
func (m *Models) newest(ctx context.Context, under mlops.ID) (map[mlops.ID]string, error) {
	versions, err := m.Store.Versions().List(ctx, under)
	newest := map[mlops.ID]string{}
	for _, v := range versions { // oldest first
		newest[v.ID.Parent()] = v.ID.Name()
	}
	return newest, err
}

func observeModel(newest map[mlops.ID]string) func(modelRecord) mlops.Observed[mlops.ModelSpec, mlops.ModelStatus] {
	return func(r modelRecord) mlops.Observed[mlops.ModelSpec, mlops.ModelStatus] {
		o := r.Observed()
		o.Status = mlops.ModelStatus{CreatedAt: r.Created, Latest: newest[r.ID]}
		return o
	}
}

// Delete removes a model and the versions that were superseded. A version that
// somebody still has, or that is served, makes it a Conflict.
func (m *Models) Delete(ctx context.Context, ref mlops.ID) error {
	at, err := m.shared(ctx, ref.Environment())
	if err != nil {
		return err
	}
	if at != nil {
		return m.deleteShared(ctx, at, ref)
	}
	return m.forget(ctx, ref)
}

// forget removes a model from the store, and the bytes of its history.
func (m *Models) forget(ctx context.Context, ref mlops.ID) error {
	m.bytes.Lock()
	defer m.bytes.Unlock()
	var history []versionRecord
	err := m.Store.Models().Delete(ctx, ref, func(tx *store.Tx, _ modelRecord) (err error) {
		history, err = m.history(ctx, tx, ref)
		if err != nil {
			return err
		}
		for _, v := range history {
			err = errors.Join(err, m.Store.Versions().DeleteTx(ctx, tx, v.ID))
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, v := range history {
		err = errors.Join(err, m.removeBytes(ctx, ref.Environment(), v.Status.Digest))
	}
	return err
}

// history returns the versions that can go with their model, if all can.
func (m *Models) history(ctx context.Context, tx *store.Tx, model mlops.ID) ([]versionRecord, error) {
	versions, err := m.Store.Versions().ListTx(ctx, tx, model)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if !superseded(v) {
			return nil, mlops.NewError(mlops.Conflict, fmt.Errorf("%s still has the version %s; delete it first", model, v.ID))
		}
		if err := m.unserved(ctx, tx, v.ID); err != nil {
			return nil, err
		}
	}
	return versions, nil
}
