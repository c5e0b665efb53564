package sagemaker

import (
	"context"
	"errors"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetKind is the kind of datasets. SageMaker has none: a dataset is a copy of
// the data in the environment's bucket, beside a record that says what is in them.
// The bytes of the version in force and of the one before it are kept, for runs
// that are reading them; of former ones the digests are.
type datasetKind struct{ *backend }

func (k datasetKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, naming{noun: mlops.NounDataset})
}

// Create keeps the data and puts the spec in force, or refuses data that break a
// rule.
func (k datasetKind) Create(ctx context.Context, spec mlops.DatasetSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update does the same for a dataset that is there. Data that break a rule leave
// the former version in force.
func (k datasetKind) Update(ctx context.Context, ref mlops.ID, spec mlops.DatasetSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

// Get takes one look.
func (k datasetKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	return show(ctx, k, ref)
}

// Delete removes a dataset and its bytes, the record last. One that a monitor
// compares with, or that a pipeline reads, is a Conflict.
func (k datasetKind) Delete(ctx context.Context, ref mlops.ID) error { return remove(ctx, k, ref) }

func (k datasetKind) admit(_ context.Context, spec mlops.DatasetSpec) error {
	return capabilities().Admit(name, mlops.NounDataset, spec.Name, spec)
}

func (k datasetKind) add(ctx context.Context, s scene, spec mlops.DatasetSpec) (mlops.Change, error) {
	return k.change(ctx, s, spec, datasetSeen{})
}

func (k datasetKind) change(ctx context.Context, s scene, spec mlops.DatasetSpec, old datasetSeen) (mlops.Change, error) {
	found, err := k.datasetSource(ctx, s, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.judge(ctx, s, old, spec, found)
}

// datasetFolder is the prefix of all that is kept of a dataset.
func datasetFolder(s scene) string { return s.place.key("datasets/" + s.id.Name() + "/") }

// judge looks at data, and takes them in where they keep the rules. Data that were
// judged by the same rules before are not looked at again.
func (k datasetKind) judge(ctx context.Context, s scene, old datasetSeen, spec mlops.DatasetSpec, found datasetSource) (mlops.Change, error) {
	status, kept := old.Status, old.Kept
	if !old.judged(spec, found.digest) {
		description, err := k.describe(ctx, s, spec, found)
		if err != nil {
			return mlops.Change{}, err
		}
		description.Digest, description.Size = found.digest, found.size
		status = dataset.Succeed(old.Status, description)
		folder := datasetFolder(s) + status.Version + "-" + shortDigest(found.digest) + "/"
		if status.URI, err = found.put(ctx, s.files, s.place, folder, found.digest); err != nil {
			return mlops.Change{}, err
		}
		kept = append(slices.DeleteFunc(slices.Clone(kept), func(f string) bool { return f == folder }), folder)
	}
	status.Lineage = found.lineage
	return k.force(ctx, s, old, spec, status, kept)
}

// force writes the record, and then removes bytes that are in force no more.
func (k datasetKind) force(ctx context.Context, s scene, old datasetSeen, spec mlops.DatasetSpec, status mlops.DatasetStatus, kept []string) (mlops.Change, error) {
	r, err := k.successor(s.id, spec, old.Record)
	if err != nil {
		return mlops.Change{}, err
	}
	r.Revision = datasetRevision(spec, status.Digest)
	if r.matches(old.Record) && len(old.Kept) <= keptVersions {
		return r.change(), nil
	}
	status.CreatedAt = r.Created
	gone := kept[:max(0, len(kept)-keptVersions)]
	fresh := datasetSeen{Record: r, Status: status, Kept: kept[len(gone):], etag: old.etag}
	if err := k.write(ctx, s, fresh); err != nil {
		return mlops.Change{}, err
	}
	for _, folder := range gone {
		err = errors.Join(err, s.files.remove(ctx, folder))
	}
	return r.change(), err
}

// keptVersions is how many versions' bytes are kept.
const keptVersions = 2

// datasetRevision is the mark of a spec and of bytes: the same spec with other
// bytes is another state.
func datasetRevision(spec mlops.DatasetSpec, digest string) string {
	return revisionOf([]any{spec, digest})
}

func (k datasetKind) drop(ctx context.Context, s scene, seen datasetSeen) error {
	err := verbs.Unread(ctx, k, s.id)
	if err != nil {
		return err
	}
	for _, folder := range seen.Kept {
		err = errors.Join(err, s.files.remove(ctx, folder))
	}
	if err != nil {
		return err
	}
	return s.files.remove(ctx, datasetFolder(s))
}

// describe reads a table on this machine, where it is fetched to if it is in S3.
func (k datasetKind) describe(ctx context.Context, s scene, spec mlops.DatasetSpec, found datasetSource) (status mlops.DatasetStatus, err error) {
	path, done, err := found.fetched(ctx, s.files)
	if err != nil {
		return status, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return dataset.Describe(ctx, spec, path, found.field)
}
