package registry

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func sharedModels(at *shared) mlops.Lister[mlops.ModelSpec, mlops.ModelStatus] { return at.Models("") }

// seenModel is a model as the server has it.
func seenModel(_ modelRecord, seen mlflow.ObservedModel) mlflow.ObservedModel { return seen }

// share has the server make or change a model, then mirrors it. Where that was
// interrupted, the next try adopts what is there.
func (m *Models) share(ctx context.Context, at *shared, spec mlops.ModelSpec, ask func(*mlflow.Models) (mlops.Change, error)) (mlops.Change, error) {
	done, err := at.Turn(ctx, spec.ID())
	if err != nil {
		return mlops.Change{}, err
	}
	defer done()
	allow := m.inEnvironment(ctx, spec.Environment)
	if err := m.Store.Write(ctx, allow); err != nil {
		return mlops.Change{}, err
	}
	asked, err := ask(at.Models(api.Owner(ctx)))
	if err != nil {
		return asked, err
	}
	_, err = change(ctx, m.Store, func(tx *store.Tx) (mlops.Change, error) {
		r, err := m.Store.Models().GetTx(ctx, tx, spec.ID())
		if mlops.CodeOf(err) == mlops.NotFound {
			return createTx(ctx, tx, m.Store.Models(), spec.ID(), spec, allow, nil)
		}
		if err != nil {
			return mlops.Change{}, err
		}
		return put(ctx, tx, m.Store.Models(), r, spec, allow, nil)
	})
	return asked, err
}

// createShared makes a model. Versions that the store has of one that somebody
// removed from the server are not of this one.
func (m *Models) createShared(ctx context.Context, at *shared, spec mlops.ModelSpec) (mlops.Change, error) {
	asked, err := m.share(ctx, at, spec, func(k *mlflow.Models) (mlops.Change, error) { return k.Create(ctx, spec) })
	if err != nil {
		return asked, err
	}
	return asked, m.tidyModel(ctx, at, spec.ID())
}

// tidyModel tidies up if the store has versions of a model.
func (m *Models) tidyModel(ctx context.Context, at *shared, ref mlops.ID) error {
	versions, err := m.Store.Versions().List(ctx, ref)
	if err != nil || len(versions) == 0 {
		return err
	}
	return m.tidy(ctx, at, ref.Environment())
}

func (m *Models) getShared(ctx context.Context, at *shared, ref mlops.ID) (mlflow.ObservedModel, error) {
	r, err := m.Store.Models().Get(ctx, ref)
	if err != nil {
		return mlflow.ObservedModel{}, err
	}
	seen, err := at.Models("").Get(ctx, ref)
	if err != nil {
		return seen, err
	}
	return seen, refresh(ctx, m.Store.Models(), r, seen)
}

// deleteShared removes a model from the server, then from the store. One that the
// server does not have any more is NotFound, and is forgotten.
func (m *Models) deleteShared(ctx context.Context, at *shared, ref mlops.ID) error {
	done, err := at.Turn(ctx, ref)
	if err != nil {
		return err
	}
	defer done()
	if _, err := m.Store.Models().Get(ctx, ref); err != nil {
		return err
	}
	if err := m.tidyModel(ctx, at, ref); err != nil {
		return err
	}
	err = m.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := m.history(ctx, tx, ref)
		return err
	})
	if err != nil {
		return err
	}
	gone := at.Models(api.Owner(ctx)).Delete(ctx, ref)
	if gone != nil && mlops.CodeOf(gone) != mlops.NotFound {
		return gone
	}
	if err := m.forget(ctx, ref); err != nil && mlops.CodeOf(err) != mlops.NotFound {
		return err
	}
	return gone
}
