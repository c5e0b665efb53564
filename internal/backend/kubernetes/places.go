package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// place is an environment as the nouns in it need it.
type place struct {
	layout

	cluster *cluster
	record  record
}

// placeAge is for how long a place is taken as it was read.
const placeAge = 5 * time.Second

// places remembers environments for a moment: every noun needs its own. One at a
// time reads a place, and others wait for what it finds.
type places struct {
	reading verbs.Turns // by environment
	mu      sync.Mutex
	known   map[mlops.ID]knownPlace
}

type knownPlace struct {
	place place
	read  time.Time
}

// place returns the environment of an ID. One that does not exist is NotFound, and so
// is one that is being made.
func (b *backend) place(ctx context.Context, id mlops.ID) (place, error) {
	if err := verbs.CheckNames(capabilities(), id); err != nil {
		return place{}, err
	}
	id = id.Environment()
	if p, ok := b.places.remembered(id); ok {
		return p, nil
	}
	unlock, err := b.places.reading.Take(ctx, string(id))
	if err != nil {
		return place{}, err
	}
	defer unlock()
	if p, ok := b.places.remembered(id); ok { // somebody else has read it meanwhile
		return p, nil
	}
	p, err := b.readPlace(ctx, id)
	if err == nil {
		b.places.remember(id, p)
	}
	return p, err
}

// readPlace reads the environment anew.
func (b *backend) readPlace(ctx context.Context, id mlops.ID) (place, error) {
	k := environmentKind{b}
	s, err := k.scene(ctx, id)
	if err != nil {
		return place{}, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return place{}, absent(id, err)
	}
	if seen.record.Spec == nil {
		return place{}, mlops.NewError(mlops.NotFound, fmt.Errorf("the environment %q is not whole: its creation was interrupted; apply it first", id))
	}
	spec, err := seen.spec()
	return place{layout: layoutOf(spec), cluster: s.cluster, record: seen.record}, err
}

// remembered is a place that was read a moment ago.
func (p *places) remembered(id mlops.ID) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.known[id]
	return k.place, ok && time.Since(k.read) < placeAge
}

// remember keeps a place for a moment; forget drops it.
func (p *places) remember(id mlops.ID, of place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[mlops.ID]knownPlace{}
	}
	p.known[id] = knownPlace{of, time.Now()}
}

func (p *places) forget(id mlops.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, id)
}

// whereabouts is which namespace an environment is in.
type whereabouts struct {
	namespace string
	brought   bool
}

// note remembers where an environment is; noted is what was remembered.
func (b *backend) note(id mlops.ID, w whereabouts) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.namespaces[id] = w
}

func (b *backend) noted(id mlops.ID) (whereabouts, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.namespaces[id]
	return w, ok
}
