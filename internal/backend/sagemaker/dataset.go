package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// datasetKind is the kind of datasets. SageMaker has none: a dataset is a copy of
// the data in the environment's bucket, beside a record that says what is in them.
// The bytes of the version in force and of the one before it are kept, for runs
// that are reading them; of former ones the digests are.
type datasetKind struct{ *backend }

// datasetScene is what a dataset's verbs need to know.
type datasetScene struct {
	*store

	c  *clients
	id mlops.ID
}

func (k datasetKind) datasetScene(ctx context.Context, id mlops.ID) (datasetScene, error) {
	s := datasetScene{id: id}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(mlops.NounDataset); err != nil {
		return s, invalid(err)
	}
	err := nameable(id)
	if err != nil {
		return s, err
	}
	if s.store, err = k.store(ctx, id); err != nil {
		return s, err
	}
	s.c, err = k.in(ctx, id)
	return s, err
}

// folder is the prefix of all that is kept of the dataset.
func (s datasetScene) folder() string { return datasetFolder(s.place, s.id.Name()) }

func datasetFolder(p place, name string) string { return p.key("datasets/" + name + "/") }

// Create keeps the data and puts the spec in force, or refuses data that break a
// rule.
func (k datasetKind) Create(ctx context.Context, spec mlops.DatasetSpec) (mlops.Change, error) {
	return k.keepDataset(ctx, spec, func(err error, old datasetSeen) error {
		if err == nil && old.Record.Owner != k.options.Owner {
			return mlops.NewError(mlops.AlreadyExists, fmt.Errorf("dataset %q belongs to another configuration", spec.ID()))
		}
		if k.is(err, mlops.NotFound) {
			return nil
		}
		return err
	})
}

// Update does the same for a dataset that is there. Data that break a rule leave
// the former version in force.
func (k datasetKind) Update(ctx context.Context, ref mlops.ID, spec mlops.DatasetSpec) (mlops.Change, error) {
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	return k.keepDataset(ctx, spec, func(err error, _ datasetSeen) error { return err })
}

// keepDataset takes data in. Whether it may is said by what is there already, or
// by the error of looking for it.
func (k datasetKind) keepDataset(ctx context.Context, spec mlops.DatasetSpec, may func(error, datasetSeen) error) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounDataset, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := k.datasetScene(ctx, spec.ID())
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.lock(ctx, string(s.id))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := s.look(ctx)
	if err := may(err, old); err != nil {
		return mlops.Change{}, err
	}
	found, err := k.datasetSource(ctx, s, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.judge(ctx, s, old, spec, found)
}

// judge looks at data, and takes them in where they keep the rules. Data that were
// judged by the same rules before are not looked at again.
func (k datasetKind) judge(ctx context.Context, s datasetScene, old datasetSeen, spec mlops.DatasetSpec, found datasetSource) (mlops.Change, error) {
	status, kept := old.Status, old.Kept
	if !old.judged(spec, found.digest) {
		description, err := s.describe(ctx, spec, found)
		if err != nil {
			return mlops.Change{}, err
		}
		status = succeed(old.Status, datasetStatus(found, description))
		folder := s.folder() + status.Version + "-" + shortDigest(found.digest) + "/"
		if status.URI, err = found.put(ctx, s.store, s.place, folder, found.digest); err != nil {
			return mlops.Change{}, err
		}
		kept = append(slices.DeleteFunc(slices.Clone(kept), func(f string) bool { return f == folder }), folder)
	}
	status.Lineage = found.lineage
	return k.force(ctx, s, old, spec, status, kept)
}

// force writes the record, and then removes bytes that are in force no more.
func (k datasetKind) force(ctx context.Context, s datasetScene, old datasetSeen, spec mlops.DatasetSpec, status mlops.DatasetStatus, kept []string) (mlops.Change, error) {
	r, err := k.newRecord(s.id, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	r.Revision = datasetRevision(spec, status.Digest)
	change := mlops.Change{Ref: s.id, Revision: r.Revision}
	if old.etag != "" {
		r.Created = old.Record.Created
		if old.Record.Revision == r.Revision && old.Record.Owner == r.Owner && len(old.Kept) <= keptVersions {
			return change, nil
		}
	}
	status.CreatedAt = r.Created
	gone := kept[:max(0, len(kept)-keptVersions)]
	fresh := datasetSeen{Record: r, Status: status, Kept: kept[len(gone):], etag: old.etag}
	if err := s.write(ctx, fresh); err != nil {
		return mlops.Change{}, err
	}
	for _, folder := range gone {
		err = errors.Join(err, s.remove(ctx, folder))
	}
	return change, err
}

// keptVersions is how many versions' bytes are kept.
const keptVersions = 2

// datasetRevision is the mark of a spec and of bytes: the same spec with other
// bytes is another state.
func datasetRevision(spec mlops.DatasetSpec, digest string) string {
	return revisionOf([]any{spec, digest})
}

// Get takes one look.
func (k datasetKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	s, err := k.datasetScene(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{}, err
	}
	seen, err := s.look(ctx)
	if err != nil {
		return mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{}, err
	}
	return seen.observed()
}

// Delete removes a dataset and its bytes, the record last. One that a monitor
// compares with, or that a pipeline reads, is a Conflict.
func (k datasetKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, err := k.datasetScene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := k.registering.lock(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	seen, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := k.unread(ctx, ref); err != nil {
		return err
	}
	for _, folder := range seen.Kept {
		err = errors.Join(err, s.remove(ctx, folder))
	}
	if err != nil {
		return err
	}
	return s.remove(ctx, s.folder())
}

// unread refuses, as a Conflict, a dataset that something refers to.
func (k datasetKind) unread(ctx context.Context, dataset mlops.ID) error {
	if l, ok := any(monitorKind(k)).(mlops.Lister[mlops.MonitorSpec, mlops.MonitorStatus]); ok {
		monitors, err := l.List(ctx, dataset.Environment())
		if err != nil {
			return err
		}
		for _, m := range monitors {
			if b := m.Spec.Baseline; b != nil && b.Dataset == dataset {
				return mlops.NewError(mlops.Conflict, fmt.Errorf("the monitor %s compares with %s", m.Ref, dataset))
			}
		}
	}
	l, ok := any(pipelineKind(k)).(mlops.Lister[mlops.PipelineSpec, mlops.PipelineStatus])
	if !ok {
		return nil
	}
	pipelines, err := l.List(ctx, dataset.Environment())
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		if slices.Contains(p.Spec.Datasets(), dataset.Name()) {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s reads %s", p.Ref, dataset))
		}
	}
	return nil
}

// describe reads a table on this machine, where it is fetched to if it is in S3.
func (s datasetScene) describe(ctx context.Context, spec mlops.DatasetSpec, found datasetSource) (d table.Description, err error) {
	path, done, err := found.fetched(ctx, s.store)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, done()) }()
	d, err = table.Describe(ctx, path, table.FormatOf(spec, spec.URI), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		return d, refuseField(found.field, "the data cannot be read: %s", mlops.Message(err))
	}
	if err != nil {
		return d, err
	}
	if broken := table.Refuse(spec, d); broken != "" {
		return d, mlops.NewError(mlops.Failed, fmt.Errorf("the data break the rules, and are not taken in: %s", broken))
	}
	return d, nil
}
