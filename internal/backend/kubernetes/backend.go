package kubernetes

import (
	"context"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Factory describes the backend.
func Factory() mlops.Factory {
	return mlops.Factory{
		Name:         name,
		Summary:      "A Kubernetes cluster: KServe, Argo Workflows and Prometheus, self-hosted.",
		Settings:     settings(),
		Target:       target(),
		Capabilities: capabilities(),
		Scope:        scope,
		Open: func(_ context.Context, o mlops.Options) (mlops.Backend, error) {
			return open(o), nil
		},
	}
}

// backend is a set of clusters as one owner sees them.
type backend struct {
	options mlops.Options

	mu         sync.Mutex
	clusters   map[string]*cluster
	namespaces map[mlops.ID]whereabouts      // of environments, as far as they are known
	places     verbs.Recent[mlops.ID, place] // many nouns need the same
	gateways   verbs.Recent[string, gatewaySeen]
	runtimes   verbs.Recent[string, []servingRuntime] // by cluster and namespace
	registries registries
	prospects  prospects
	turns      verbs.Turns // by ID: one change of an object at a time
}

// Environments returns the kind of environments.
func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return environmentKind{b}
}

// Close lets go of connections to registries; those to clusters are let go when they
// are idle.
func (b *backend) Close() error {
	b.registries.close()
	return nil
}
