package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// platforms is what one configured provider instance shares among its resources:
// the backends, opened lazily and once, the reads, and who claims which ID.
type platforms struct {
	factories []mlops.Factory
	settings  map[string]mlops.Settings // by backend, environment variables applied
	owner     string
	version   string
	reads     *lifecycle.Reads
	claims    *claims

	mu     sync.Mutex
	opened map[string]mlops.Backend
}

// factory returns a backend's description.
func (p *platforms) factory(name string) (mlops.Factory, error) {
	i := slices.IndexFunc(p.factories, func(f mlops.Factory) bool { return f.Name == name })
	if i < 0 {
		return mlops.Factory{}, unknownBackend(name, p.factories)
	}
	return p.factories[i], nil
}

// open returns a backend. One that cannot be opened is tried again by the next
// caller.
func (p *platforms) open(ctx context.Context, name string) (mlops.Backend, error) {
	f, err := p.factory(name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.opened[name]; ok {
		return b, nil
	}
	b, err := f.Open(ctx, mlops.Options{Settings: p.settings[name], Owner: p.owner, Version: p.version})
	if err != nil {
		return nil, fmt.Errorf("cannot open the backend %q: %w", name, err)
	}
	p.opened[name] = b
	return b, nil
}

func backendNames(factories []mlops.Factory) []string {
	names := make([]string, len(factories))
	for i, f := range factories {
		names[i] = f.Name
	}
	return names
}

// unknownBackend says which backends there are.
func unknownBackend(name string, factories []mlops.Factory) *mlops.Error {
	names := backendNames(factories)
	return mlops.NewError(mlops.Unsupported,
		fmt.Errorf("this version of the provider has no backend %q; it has %s.%s", name, strings.Join(names, ", "), mlops.DidYouMean(name, names)))
}
