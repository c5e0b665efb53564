package kubernetes

import (
	"context"
	"fmt"
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

// placeAge is for how long what all of an environment needs is taken as it was read.
const placeAge = 5 * time.Second

// place returns the environment of an ID. One that does not exist is NotFound, and so
// is one that is being made.
func (b *backend) place(ctx context.Context, id mlops.ID) (place, error) {
	if err := verbs.CheckNames(capabilities(), id); err != nil {
		return place{}, err
	}
	id = id.Environment()
	return b.places.Get(ctx, id, placeAge, func(ctx context.Context) (place, error) { return b.readPlace(ctx, id) })
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
