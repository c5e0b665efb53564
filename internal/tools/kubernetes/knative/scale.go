package main

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/autoscaler/scaling"
)

// calm decides how many pods a revision is to have where nobody counts requests: as many
// as it begins with while something sends traffic to it, and none otherwise. Bounds,
// windows and periods of grace are the controller's that asks.
type calm struct {
	mu    sync.Mutex
	of    map[types.NamespacedName]*scaling.Decider
	heard []func(types.NamespacedName)
}

func newCalm() *calm { return &calm{of: map[types.NamespacedName]*scaling.Decider{}} }

// Get returns what was decided for a revision.
func (c *calm) Get(_ context.Context, namespace, name string) (*scaling.Decider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.of[types.NamespacedName{Namespace: namespace, Name: name}]; d != nil {
		return d.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(v1alpha1.Resource("deciders"), name)
}

// Create decides for a revision.
func (c *calm) Create(ctx context.Context, d *scaling.Decider) (*scaling.Decider, error) {
	return c.Update(ctx, d)
}

// Update decides anew.
func (c *calm) Update(_ context.Context, d *scaling.Decider) (*scaling.Decider, error) {
	d = d.DeepCopy()
	d.Status = scaling.DeciderStatus{}
	if d.Spec.Reachable {
		d.Status.DesiredScale = max(1, d.Spec.InitialScale)
	}
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	c.mu.Lock()
	c.of[key] = d
	heard := c.heard
	c.mu.Unlock()
	for _, hear := range heard {
		hear(key)
	}
	return d.DeepCopy(), nil
}

// Delete forgets a revision.
func (c *calm) Delete(_ context.Context, namespace, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, types.NamespacedName{Namespace: namespace, Name: name})
}

// Watch has somebody hear of decisions.
func (c *calm) Watch(hear func(types.NamespacedName)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, hear)
}
