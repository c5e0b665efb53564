package registry

import (
	"context"
	"fmt"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Datasets is the kind of datasets. The bytes of the version in force are kept,
// those of former versions are not: their digests are.
type Datasets struct{ *Registry }

type datasetRecord = store.Record[mlops.DatasetSpec, mlops.DatasetStatus]

// Create keeps the data and puts the spec in force, or refuses data that break a
// rule.
func (d *Datasets) Create(ctx context.Context, spec mlops.DatasetSpec) (mlops.Change, error) {
	return d.keep(ctx, spec, create)
}

// Update does the same for a dataset that is there. Data that break a rule leave
// the former version in force.
func (d *Datasets) Update(ctx context.Context, ref mlops.ID, spec mlops.DatasetSpec) (mlops.Change, error) {
	if err := stays(ref, spec.ID()); err != nil {
		return mlops.Change{}, err
	}
	if _, err := d.Store.Datasets().Get(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	return d.keep(ctx, spec, update)
}

// Get takes one look.
func (d *Datasets) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	return get(ctx, d.Store.Datasets(), ref, observeDataset)
}

// List returns the datasets below an ID.
func (d *Datasets) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	return list(ctx, d.Store.Datasets(), under, observeDataset)
}

func observeDataset(r datasetRecord) mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus] {
	o := r.Observed()
	o.Status.CreatedAt = r.Created
	return o
}

// Delete removes a dataset and its bytes. One that a monitor compares with, or
// that a pipeline reads, is a Conflict.
func (d *Datasets) Delete(ctx context.Context, ref mlops.ID) error {
	d.bytes.Lock()
	defer d.bytes.Unlock()
	var digest string
	err := d.Store.Datasets().Delete(ctx, ref, func(tx *store.Tx, r datasetRecord) error {
		digest = r.Status.Digest
		return d.unread(ctx, tx, ref)
	})
	if err != nil {
		return err
	}
	return d.removeBytes(ctx, ref.Environment(), digest)
}

// keep imports data and puts the spec in force with what is found in them. Data
// that are not taken in leave nothing.
func (d *Datasets) keep(ctx context.Context, spec mlops.DatasetSpec, write writer) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	environment, err := d.Store.Environments().Get(ctx, spec.Environment)
	if mlops.CodeOf(err) == mlops.NotFound {
		return mlops.Change{}, mlops.InvalidField("environment", "there is no %s", spec.Environment)
	}
	if err != nil {
		return mlops.Change{}, err
	}
	found, err := d.data(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	kept, release, err := d.importData(ctx, found.path, environment.Spec)
	if err != nil {
		return mlops.Change{}, err
	}
	c, err := d.judge(ctx, spec, found, kept, write)
	release()
	if err != nil {
		d.discard(context.WithoutCancel(ctx), spec.Environment, kept.Digest)
	}
	return c, err
}

// discard removes bytes that were imported and not taken in, unless something else
// has them. If it cannot, the next start does.
func (d *Datasets) discard(ctx context.Context, environment mlops.ID, digest string) {
	d.bytes.Lock()
	defer d.bytes.Unlock()
	if err := d.removeBytes(ctx, environment, digest); err != nil {
		d.Log.Error("remove data that were refused", "environment", environment, "digest", digest, "error", err)
	}
}

// judge looks at the kept bytes, not at those that were asked for, which may
// change at any time.
func (d *Datasets) judge(ctx context.Context, spec mlops.DatasetSpec, found source, kept blob.Blob, write writer) (mlops.Change, error) {
	status, err := dataset.Describe(ctx, spec, kept.Path, "uri")
	if err != nil {
		return mlops.Change{}, err
	}
	status.Digest, status.URI, status.Size, status.Lineage = kept.Digest, artifact.URI(kept.Path), kept.Size, found.lineage
	return d.settle(ctx, spec, status, write)
}

// writer is create or update.
type writer func(context.Context, *store.Store, store.Table[mlops.DatasetSpec, mlops.DatasetStatus], mlops.ID, mlops.DatasetSpec, guard, ...func(*datasetRecord)) (mlops.Change, error)

// settle writes the spec and what is known of the data, and removes former bytes.
// The revision is of both: the same spec with other bytes is another state.
func (d *Datasets) settle(ctx context.Context, spec mlops.DatasetSpec, status mlops.DatasetStatus, write writer) (mlops.Change, error) {
	d.bytes.Lock()
	defer d.bytes.Unlock()
	var former string
	c, err := write(ctx, d.Store, d.Store.Datasets(), spec.ID(), spec, d.inEnvironment(ctx, spec.Environment), func(r *datasetRecord) {
		former = r.Status.Digest
		r.Status = dataset.Succeed(r.Status, status)
		r.Revision = mlops.DigestOf([]any{spec, status.Digest})
	})
	if err != nil {
		return c, err
	}
	c.Revision = mlops.DigestOf([]any{spec, status.Digest})
	if former != "" && former != status.Digest {
		err = d.removeBytes(ctx, spec.Environment, former)
	}
	return c, err
}

// data finds the bytes of a spec, and the evidence where a run made them.
func (g *Registry) data(ctx context.Context, spec mlops.DatasetSpec) (source, error) {
	field := "uri"
	var found source
	var err error
	if spec.Run != "" {
		field = "output"
		found, err = g.source(ctx, mlops.ModelVersionSpec{Run: spec.Run, Output: spec.Output})
	} else {
		found.path, err = bytesAt(field, api.Folder(ctx), spec.URI)
	}
	if err != nil {
		return source{}, err
	}
	if info, err := os.Stat(found.path); err == nil && info.IsDir() {
		return source{}, mlops.InvalidField(field, "%s is a directory; a dataset is one file", found.path)
	}
	if spec.Run == "" {
		found.lineage, err = g.lineageOf(ctx, spec.Environment, artifact.URI(found.path))
	}
	return found, err
}

// lineageOf is the evidence of the run that made a file, nil for one that no run
// of the environment made.
func (g *Registry) lineageOf(ctx context.Context, environment mlops.ID, uri string) (*mlops.Lineage, error) {
	runs, err := g.Store.Runs().List(ctx, environment)
	for _, r := range runs {
		for _, output := range r.Status.Outputs {
			if output == uri && r.Status.State == mlops.RunSucceeded {
				return r.Status.Lineage, err
			}
		}
	}
	return nil, err
}

// unread refuses, as a Conflict, a dataset that something refers to.
func (g *Registry) unread(ctx context.Context, tx *store.Tx, dataset mlops.ID) error {
	monitors, err := g.Store.Monitors().ListTx(ctx, tx, dataset.Environment())
	if err != nil {
		return err
	}
	for _, m := range monitors {
		if compares(m.Spec, dataset) || m.Wanted != nil && compares(*m.Wanted, dataset) {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("the monitor %s compares with %s", m.ID, dataset))
		}
	}
	pipelines, err := g.Store.Pipelines().ListTx(ctx, tx, dataset.Environment())
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		for _, name := range p.Observed().Spec.Datasets() {
			if dataset.Environment().Child(mlops.NounDataset, name) == dataset {
				return mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s reads %s", p.ID, dataset))
			}
		}
	}
	return nil
}

func compares(m mlops.MonitorSpec, dataset mlops.ID) bool {
	return m.Baseline != nil && m.Baseline.Dataset == dataset
}
