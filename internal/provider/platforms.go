package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	prospects *prospects

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
	return p.openAs(ctx, name, name, p.settings[name])
}

// openWith returns a backend as open does, with settings over those of the
// provider block.
func (p *platforms) openWith(ctx context.Context, name string, over mlops.Settings) (mlops.Backend, error) {
	settings := maps.Clone(p.settings[name])
	if settings == nil {
		settings = mlops.Settings{}
	}
	maps.Copy(settings, over)
	return p.openAs(ctx, name+" "+mlops.DigestOf(settings), name, settings)
}

func (p *platforms) openAs(ctx context.Context, key, name string, settings mlops.Settings) (mlops.Backend, error) {
	f, err := p.factory(name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.opened[key]; ok {
		return b, nil
	}
	b, err := f.Open(ctx, mlops.Options{Settings: settings, Owner: p.owner, Version: p.version})
	if err != nil {
		return nil, fmt.Errorf("cannot open the backend %q: %w", name, err)
	}
	p.opened[key] = b
	return b, nil
}

// parseSettings reads a backend's settings in text form. A sensitive one is
// refused: it would be in the state.
func (p *platforms) parseSettings(name string, given map[string]string) (mlops.Settings, error) {
	f, err := p.factory(name)
	if err != nil {
		return nil, err
	}
	out, names := mlops.Settings{}, make([]string, len(f.Settings))
	for i, s := range f.Settings {
		names[i] = s.Name
		text, ok := given[s.Name]
		if !ok {
			continue
		}
		if s.Sensitive {
			return nil, fmt.Errorf("%q is sensitive, and would be in the state; set %s in the provider's environment", s.Name, cmp.Or(s.Env, "it"))
		}
		if out[s.Name], err = parseSetting(s.Type, text); err != nil {
			return nil, fmt.Errorf("%q holds %q, which is not %w", s.Name, text, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, key) {
			return nil, fmt.Errorf("the backend %q has no setting %q; it has %s.%s", name, key, strings.Join(names, ", "), mlops.DidYouMean(key, names))
		}
	}
	return out, nil
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
