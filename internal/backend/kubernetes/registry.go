package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// registry is the MLflow server of an environment: models and versions as it keeps
// them, and a client for whatever else is kept there.
type registry struct {
	*mlflow.Registry

	client *mlflow.Client
	server mlops.MLflow // without its token
}

// registries are those of environments. All who change something at a server share
// one, so that changes of one model follow each other. Its zero value is ready.
type registries struct {
	mu      sync.Mutex
	known   map[mlops.ID]*registry
	planned map[mlops.ID]mlops.MLflow
}

// plan remembers the server that an environment is to have, with its token. A plan reads
// models before that token is in the cluster, and the one that is there may be no good
// any more: nobody could bring the new one otherwise.
func (r *registries) plan(environment mlops.ID, server mlops.MLflow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.planned == nil {
		r.planned = map[mlops.ID]mlops.MLflow{}
	}
	r.planned[environment] = server
}

// settled forgets what an environment was to have: it has it.
func (r *registries) settled(environment mlops.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.planned, environment)
}

// next is a server with the token that it is to have. It is nil where no other is
// planned, and where the plan is for another server: what is read is still at this one.
func (r *registries) next(environment mlops.ID, server mlops.MLflow) *mlops.MLflow {
	r.mu.Lock()
	defer r.mu.Unlock()
	planned, ok := r.planned[environment]
	if !ok || planned.Token == "" || planned.URI != server.URI {
		return nil
	}
	return &planned
}

// at is the registry of an environment as it was connected before, nil where there is
// none, or where the environment has moved to another server or token since.
func (r *registries) at(environment mlops.ID, server mlops.MLflow) *registry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.known[environment]; known != nil && known.server == server {
		return known
	}
	return nil
}

// keep remembers a registry, and returns the one to use: somebody else may have
// connected meanwhile.
func (r *registries) keep(environment mlops.ID, fresh *registry) *registry {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.known[environment]
	switch {
	case known != nil && known.server == fresh.server:
		fresh.client.Close()
		return known
	case known != nil:
		known.client.Close()
	case r.known == nil:
		r.known = map[mlops.ID]*registry{}
	}
	r.known[environment] = fresh
	return fresh
}

// close lets go of connections.
func (r *registries) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.known {
		known.client.Close()
	}
	r.known = nil
}

// agent is how the provider calls itself to servers.
func (b *backend) agent() string { return agent + "/" + cmp.Or(b.options.Version, "dev") }

// registry connects to the MLflow server of an environment, with the token that its
// secret has or, during a plan that brings another, is to have; nil where the environment
// has none. Nothing is asked of the server.
func (b *backend) registry(ctx context.Context, p place) (*registry, error) {
	server := p.spec.MLflowRegistry()
	if server == nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	full := b.registries.next(p.spec.ID, *server)
	if full != nil {
		bare := *full
		bare.Token = ""
		server = &bare
	}
	if known := b.registries.at(p.spec.ID, *server); known != nil {
		return known, nil
	}
	if full == nil {
		var err error
		if full, err = p.registryServer(ctx); err != nil {
			return nil, err
		}
	}
	client, err := mlflow.Connect(*full, b.agent())
	if err != nil {
		return nil, err
	}
	fresh := &registry{client: client, server: *server}
	fresh.Registry = mlflow.NewRegistry(client, modelVersionKind{b}.find).WithArchives()
	return b.registries.keep(p.spec.ID, fresh), nil
}

// registryToMake is the registry in which an object of a noun is to be made. An
// environment that is not there, or has none, is refused with the attribute that names
// it: the object's parent.
func (b *backend) registryToMake(ctx context.Context, id mlops.ID, noun mlops.Noun) (*registry, error) {
	p, err := b.placeToMake(ctx, id, noun)
	if err != nil {
		return nil, err
	}
	r, err := b.registry(ctx, p)
	if r == nil && err == nil {
		err = noRegistry(p.spec.ID, noun)
	}
	return r, err
}

// registryOf is the registry in which an object of a noun would be. It is NotFound
// where the environment is not there, or has no registry.
func (b *backend) registryOf(ctx context.Context, id mlops.ID, noun mlops.Noun) (*registry, error) {
	if _, err := id.ParseAs(noun); err != nil {
		return nil, invalid(err)
	}
	p, err := b.place(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := b.registry(ctx, p)
	if r == nil && err == nil {
		err = mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist: its environment has no registry", id))
	}
	return r, err
}

// registryToList is the registry that has what is listed under an ID; nil where there
// is nothing, for the environment has none, or is not there.
func (b *backend) registryToList(ctx context.Context, under mlops.ID) (*registry, error) {
	p, err := b.place(ctx, under)
	if b.is(err, mlops.NotFound) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	return b.registry(ctx, p)
}

// preflightRegistry reports at plan that an object of a noun has no registry to be in.
// It returns nil where that is so, and where the same apply makes the environment, or
// gives it another registry.
func (b *backend) preflightRegistry(ctx context.Context, c *mlops.Checker, id mlops.ID, noun mlops.Noun) (*registry, error) {
	p, there, err := b.planned(ctx, id)
	if b.is(err, mlops.NotFound) {
		return nil, nil //nolint:nilnil // it is made by the same apply
	}
	if err != nil {
		return nil, err
	}
	if p.spec.MLflowRegistry() == nil {
		c.Add(mlops.At(parentOf(noun)), "No registry", "%s.", mlops.Message(noRegistry(p.spec.ID, noun)))
		return nil, nil //nolint:nilnil // it is reported
	}
	if _, changes := b.prospects.of(p.spec.ID); changes || !there {
		return nil, nil //nolint:nilnil // what is planned has no token here yet
	}
	return b.registry(ctx, p)
}

// noRegistry refuses what only a registry can keep, where there is none.
func noRegistry(environment mlops.ID, noun mlops.Noun) error {
	return &mlops.Error{Code: mlops.Unsupported, Field: parentOf(noun), Err: fmt.Errorf(
		"a cluster has no place of its own for %s, and the environment %s no registry: add registry = { mlflow = { uri = \"https://…\" } } to the environment", noun.One(), environment)}
}
