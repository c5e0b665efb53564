package registry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Runs is what the registry needs of the pipeline runner.
type Runs interface {
	// Delete cancels and removes a run, in its own time.
	Delete(ctx context.Context, run mlops.ID) error
	// PipelinesChanged makes a changed schedule take effect.
	PipelinesChanged()
}

// Config is what a Registry needs. Every field is needed.
type Config struct {
	Store  *store.Store
	Layout layout.Layout
	Runs   Runs
	Log    *slog.Logger
	Keys   *secret.Keys

	Version string // of the provider, told to shared registries
}

// Registry is the kinds of six nouns, and the upkeep of what they keep. All
// are safe for concurrent use.
type Registry struct {
	Config

	// bytes is held for reading while bytes are imported and registered, for
	// writing while bytes that no version has are looked for and removed.
	bytes sync.RWMutex
	// judged are bytes that are imported and looked at, and belong to nothing yet.
	judged holds
	// places is held while an environment's directory is made or removed.
	places sync.Mutex
	// servers are the registries that environments share with others.
	servers servers

	deleting chan struct{} // a pipeline is to be removed when its runs are gone
	stop     context.CancelFunc
	loops    sync.WaitGroup
}

// New returns a registry. It answers before Start, which does the upkeep.
func New(c Config) *Registry {
	return &Registry{Config: c, deleting: make(chan struct{}, 1), stop: func() {}}
}

// Environments is the kind of environments.
func (g *Registry) Environments() *Environments { return &Environments{g} }

// Pipelines is the kind of pipelines.
func (g *Registry) Pipelines() *Pipelines { return &Pipelines{g} }

// Models is the kind of models.
func (g *Registry) Models() *Models { return &Models{g} }

// ModelVersions is the kind of model versions.
func (g *Registry) ModelVersions() *ModelVersions { return &ModelVersions{g} }

// Datasets is the kind of datasets.
func (g *Registry) Datasets() *Datasets { return &Datasets{g} }

// Experiments is the kind of experiments.
func (g *Registry) Experiments() *Experiments { return &Experiments{g} }

// Start finishes what an earlier engine left half done, then keeps removing
// what is due until Close.
func (g *Registry) Start(ctx context.Context) error {
	if err := g.recover(ctx); err != nil {
		return err
	}
	ctx, g.stop = context.WithCancel(ctx)
	g.loops.Go(func() { g.finishPipelines(ctx) })
	g.loops.Go(func() { g.retire(ctx) })
	g.loops.Go(func() { g.sweep(ctx) })
	return nil
}

// Close ends the upkeep and waits until it has ended.
func (g *Registry) Close(context.Context) error {
	g.stop()
	g.loops.Wait()
	g.servers.close()
	return nil
}

// recover finishes deletions, and removes bytes that were imported and never
// registered.
func (g *Registry) recover(ctx context.Context) error {
	environments, err := g.Store.Environments().List(ctx, "")
	if err != nil {
		return err
	}
	for _, e := range environments {
		if e.Phase == mlops.PhaseDeleting {
			err = errors.Join(err, g.removeEnvironment(ctx, e))
			continue
		}
		err = errors.Join(err, g.sweepBytes(ctx, e.Spec))
	}
	return err
}

// every calls f, and again each time a period has passed, until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
