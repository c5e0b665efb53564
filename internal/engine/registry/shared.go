package registry

import (
	"context"
	"errors"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shared is the MLflow server of an environment, which has its models and versions.
// The store mirrors those that were made here: what changes is changed there first,
// and a look asks there. What the server does not have is not there, and what the
// store does not have is another's.
type shared struct {
	*mlflow.Registry

	server mlops.MLflow // with its token
	client *mlflow.Client
}

// servers are the shared registries of environments. Its zero value is ready.
type servers struct {
	mu    sync.Mutex
	known map[mlops.ID]*shared
}

// connect returns the registry at a server, the same as long as the server is.
func (s *servers) connect(environment mlops.ID, server mlops.MLflow, agent string) (*shared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[environment]
	if known != nil && known.server == server {
		return known, nil
	}
	client, err := mlflow.Connect(server, agent)
	if err != nil {
		return nil, err
	}
	if known != nil {
		known.client.Close()
	}
	if s.known == nil {
		s.known = map[mlops.ID]*shared{}
	}
	s.known[environment] = &shared{mlflow.NewRegistry(client, nothingElse), server, client}
	return s.known[environment], nil
}

// close lets go of connections.
func (s *servers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.known {
		known.client.Close()
	}
	s.known = nil
}

// nothingElse finds no bytes: they are found before they are registered.
func nothingElse(context.Context, mlops.ModelVersionSpec) (mlflow.Found, error) {
	return mlflow.Found{}, errors.New("bytes are registered that the engine does not have")
}

// agent is how the engine calls itself.
func (g *Registry) agent() string { return "terraform-provider-mlops/" + g.Version }

// shared returns the shared registry of an environment, nil where it has none, or is
// not there.
func (g *Registry) shared(ctx context.Context, environment mlops.ID) (*shared, error) {
	e, err := g.Store.Environments().Get(ctx, environment)
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	server := e.Spec.MLflowRegistry()
	if server == nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	full := *server
	if full.Token, err = g.registryToken(ctx, environment); err != nil {
		return nil, err
	}
	return g.servers.connect(environment, full, g.agent())
}

// refresh has the store know what the server was seen to have, unless it changed
// here meanwhile.
func refresh[S, T any](ctx context.Context, t store.Table[S, T], was store.Record[S, T], seen mlops.Observed[S, T]) error {
	if was.Revision == seen.Revision {
		return nil
	}
	_, err := t.Change(ctx, was.ID, func(_ *store.Tx, r *store.Record[S, T]) error {
		if r.Revision == was.Revision {
			r.Spec, r.Revision = seen.Spec, seen.Revision
		}
		return nil
	})
	if mlops.CodeOf(err) == mlops.NotFound { // deleted meanwhile
		return nil
	}
	return err
}

// kindOf is what is asked of a shared registry for a noun.
type kindOf[S, T any] func(*shared) mlops.Lister[S, T]

// listShared takes one look at all below an ID, and one at the server of each
// environment that shares its registry.
func listShared[S, T any](
	ctx context.Context, g *Registry, t store.Table[S, T], under mlops.ID, kind kindOf[S, T], observe func(store.Record[S, T]) mlops.Observed[S, T],
	merge func(store.Record[S, T], mlops.Observed[S, T]) mlops.Observed[S, T],
) ([]mlops.Observed[S, T], error) {
	records, err := t.List(ctx, under)
	if err != nil {
		return nil, err
	}
	looks := map[mlops.ID]map[mlops.ID]mlops.Observed[S, T]{} // by environment; nil where it shares nothing
	out := make([]mlops.Observed[S, T], 0, len(records))
	for _, r := range records {
		environment := r.ID.Environment()
		look, looked := looks[environment]
		if !looked {
			if look, err = lookAt(ctx, g, environment, kind); err != nil {
				return nil, err
			}
			looks[environment] = look
		}
		if look == nil {
			out = append(out, observe(r))
			continue
		}
		seen, ok := look[r.ID]
		if !ok {
			continue
		}
		if err := refresh(ctx, t, r, seen); err != nil {
			return nil, err
		}
		out = append(out, merge(r, seen))
	}
	return out, nil
}

// lookAt lists what the shared registry of an environment has, nil where there is
// none.
func lookAt[S, T any](ctx context.Context, g *Registry, environment mlops.ID, kind kindOf[S, T]) (map[mlops.ID]mlops.Observed[S, T], error) {
	at, err := g.shared(ctx, environment)
	if err != nil || at == nil {
		return nil, err
	}
	all, err := kind(at).List(ctx, environment)
	out := make(map[mlops.ID]mlops.Observed[S, T], len(all))
	for _, seen := range all {
		out[seen.Ref] = seen
	}
	return out, err
}

// tidy forgets what the shared registry of an environment does not have any more,
// but for versions that endpoints serve. The store is read first: what is registered
// meanwhile is at the server before it is here.
func (g *Registry) tidy(ctx context.Context, at *shared, environment mlops.ID) error {
	models, err := g.Store.Models().List(ctx, environment)
	if err != nil || len(models) == 0 {
		return err
	}
	versions, err := g.Store.Versions().List(ctx, environment)
	if err != nil {
		return err
	}
	kept, err := at.Holdings(ctx, environment)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if _, ok := kept[v.ID]; !ok {
			err = errors.Join(err, unlessNeeded(g.ModelVersions().forget(ctx, v.ID)))
		}
	}
	for _, m := range models {
		if _, ok := kept[m.ID]; !ok {
			err = errors.Join(err, unlessNeeded(g.Models().forget(ctx, m.ID)))
		}
	}
	return err
}

// unlessNeeded forgets that something could not be removed because something else
// refers to it, or is gone.
func unlessNeeded(err error) error {
	if code := mlops.CodeOf(err); code == mlops.Conflict || code == mlops.NotFound {
		return nil
	}
	return err
}
