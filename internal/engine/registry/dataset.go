package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/blob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
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

// keep imports data, looks at the copy, and puts the spec in force with what was
// found.
func (d *Datasets) keep(ctx context.Context, spec mlops.DatasetSpec, write writer) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	environment, err := d.Store.Environments().Get(ctx, spec.Environment)
	if mlops.CodeOf(err) == mlops.NotFound {
		return mlops.Change{}, invalid("environment", "there is no %s", spec.Environment)
	}
	if err != nil {
		return mlops.Change{}, err
	}
	found, err := d.data(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	d.bytes.RLock()
	kept, err := blob.Import(ctx, found.path, layout.BlobDir(d.Layout.EnvironmentDir(environment.Observed().Spec)))
	d.bytes.RUnlock()
	if err != nil {
		return mlops.Change{}, err // what was imported for nothing is swept at the next start
	}
	description, err := table.Describe(ctx, kept.Path, table.FormatOf(spec, found.path), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		return mlops.Change{}, invalid("uri", "the data cannot be read: %s", mlops.Message(err))
	}
	if err != nil {
		return mlops.Change{}, err
	}
	if broken := table.Refuse(spec, description); broken != "" {
		return mlops.Change{}, mlops.NewError(mlops.Failed, fmt.Errorf("the data break the rules, and are not taken in: %s", broken))
	}
	status := statusOf(kept, found, description)
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
		r.Status = succeed(r.Status, status)
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

// succeed puts a new state of the data in the place of a former one. The same
// bytes are the same version.
func succeed(former, next mlops.DatasetStatus) mlops.DatasetStatus {
	next.Version, next.History = former.Version, former.History
	if former.Digest == next.Digest {
		return next
	}
	n, err := strconv.Atoi(former.Version)
	if err != nil {
		n = 0
	}
	next.Version = strconv.Itoa(n + 1)
	now := mlops.DatasetVersion{Version: next.Version, Digest: next.Digest, Rows: next.Rows, CreatedAt: time.Now().UTC()}
	next.History = append([]mlops.DatasetVersion{now}, former.History...)
	return next
}

func statusOf(b blob.Blob, found source, description table.Description) mlops.DatasetStatus {
	s := mlops.DatasetStatus{
		Digest: b.Digest, URI: artifact.URI(b.Path), Rows: description.Rows, Size: b.Size, Lineage: found.lineage,
		Schema: map[string]string{}, Statistics: description.Statistics, Violations: append([]string{}, description.Checks...),
	}
	for _, c := range description.Columns {
		s.Schema[c.Name] = description.Statistics[c.Name].Type
	}
	return s
}

// data finds the bytes of a spec.
func (g *Registry) data(ctx context.Context, spec mlops.DatasetSpec) (source, error) {
	if spec.Run == "" {
		path, err := bytesAt("uri", api.Folder(ctx), spec.URI)
		if e, ok := errors.AsType[*mlops.Error](err); ok && e.Field == "artifact_uri" {
			e.Field = "uri"
		}
		return source{path: path}, err
	}
	return g.source(ctx, mlops.ModelVersionSpec{Run: spec.Run, Output: spec.Output})
}

// unread refuses, as a Conflict, a dataset that something refers to.
func (g *Registry) unread(ctx context.Context, tx *store.Tx, dataset mlops.ID) error {
	monitors, err := g.Store.Monitors().ListTx(ctx, tx, dataset.Environment())
	if err != nil {
		return err
	}
	for _, m := range monitors {
		if b := m.Observed().Spec.Baseline; b != nil && b.Dataset == dataset {
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
