package kubernetes

import (
	"context"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// prospects are environments as the plan that is being made has them. What is planned
// later in the same walk is judged by what its environment will be, and not by what the
// cluster has now. They hold secrets, and are never written. The zero value is ready.
type prospects struct {
	mu    sync.Mutex
	specs map[mlops.ID]mlops.EnvironmentSpec
}

// note remembers a spec. One of which something is still unknown tells nothing.
func (p *prospects) note(spec mlops.EnvironmentSpec, c *mlops.Checker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if spec.ID == "" || !c.Known(mlops.At("registry"), mlops.At(name)) {
		delete(p.specs, spec.ID)
		return
	}
	if p.specs == nil {
		p.specs = map[mlops.ID]mlops.EnvironmentSpec{}
	}
	p.specs[spec.ID] = spec
}

// forget drops what was planned, when it is applied.
func (p *prospects) forget(id mlops.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.specs, id)
}

func (p *prospects) of(id mlops.ID) (mlops.EnvironmentSpec, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spec, ok := p.specs[id]
	return spec, ok
}

// planned is the environment of an ID as it will be after the plan. Of one that is made
// by the same apply there is the layout alone: no cluster has anything to say of it yet.
// It is NotFound where nobody knows it.
func (b *backend) planned(ctx context.Context, id mlops.ID) (p place, there bool, err error) {
	p, err = b.place(ctx, id)
	spec, known := b.prospects.of(id.Environment())
	switch {
	case err == nil && known:
		p.layout = layoutOf(spec)
	case b.is(err, mlops.NotFound) && known:
		return place{layout: layoutOf(spec)}, false, nil
	}
	return p, err == nil, err
}
