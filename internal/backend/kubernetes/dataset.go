package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetKind is the kind of datasets: experiments of the environment's MLflow server
// whose runs keep the versions, each with its bytes as an artifact. Those of the version
// in force and of the one before it are kept, for runs that are reading them; of former
// ones the digests are.
type datasetKind struct{ *backend }

// keptVersions is how many versions' bytes are kept.
const keptVersions = 2

// datasetRecord is what the experiment of a dataset carries. Of one whose creation was
// interrupted there is the owner alone.
type datasetRecord struct {
	Spec    *mlops.DatasetSpec  `json:"spec,omitempty"`
	Created time.Time           `json:"created"`
	Status  mlops.DatasetStatus `json:"status"`
	Kept    []string            `json:"kept,omitempty"` // runs that keep versions, oldest first; the last is in force
	// Evidence is that of the artifact that the data in force were, when they were fetched.
	Evidence mlflow.Evidence `json:"evidence,omitzero"`
}

// datasetSeen is a dataset as a look finds it.
type datasetSeen struct {
	mlflow.Carrier

	record datasetRecord
	lost   bool // somebody deleted the run that keeps the bytes in force
}

// newDatasetSeen reads the record; holding are the runs that are still there.
func newDatasetSeen(c mlflow.Carrier, holding []string) (datasetSeen, error) {
	seen := datasetSeen{Carrier: c}
	if err := json.Unmarshal(c.Record, &seen.record); err != nil {
		return seen, fmt.Errorf("the record of %s cannot be read: %w", c.Object, err)
	}
	if kept := seen.record.Kept; len(kept) > 0 {
		seen.lost = !slices.Contains(holding, kept[len(kept)-1])
	}
	return seen, nil
}

// judged reports whether the bytes of a digest are in force, and were held to the rules
// of a spec.
func (d datasetSeen) judged(spec mlops.DatasetSpec, digest string) bool {
	return d.record.Spec != nil && !d.lost && d.record.Status.Digest == digest && dataset.SameRules(spec, *d.record.Spec)
}

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return datasetKind{b}
}

// noun is how the verbs are carried out.
func (k datasetKind) noun() verbs.Noun[mlops.DatasetSpec, carriage, datasetSeen] {
	return verbs.Noun[mlops.DatasetSpec, carriage, datasetSeen]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:   mlops.DatasetSpec.ID,
		Kept: func(d datasetSeen) verbs.Kept { return verbs.Kept{ID: d.Object, Owner: d.Owner} },
		Admit: func(ctx context.Context, spec mlops.DatasetSpec) error {
			return k.admitCarried(ctx, spec.ID(), mlops.NounDataset, spec)
		},
		Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop,
		Sweep: func(ctx context.Context, s carriage) error { return s.client.Sweep(ctx, s.id) },
	}
}

// Create keeps the data and puts the spec in force, or refuses data that break a rule.
func (k datasetKind) Create(ctx context.Context, spec mlops.DatasetSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update does the same for a dataset that is there. Data that break a rule leave the
// former version in force.
func (k datasetKind) Update(ctx context.Context, ref mlops.ID, spec mlops.DatasetSpec) (mlops.Change, error) {
	return k.noun().Update(ctx, ref, spec)
}

// Delete removes a dataset and its bytes, the record last. One that a monitor compares
// with, or that a pipeline reads, is a Conflict.
func (k datasetKind) Delete(ctx context.Context, ref mlops.ID) error {
	return k.noun().Remove(ctx, ref)
}

func (k datasetKind) scene(ctx context.Context, id mlops.ID) (carriage, error) {
	return k.carriageOf(ctx, id, mlops.NounDataset)
}

func (k datasetKind) look(ctx context.Context, s carriage) (datasetSeen, error) {
	found, err := s.look(ctx)
	if err != nil {
		return datasetSeen{}, err
	}
	holding, err := s.client.Holding(ctx, found)
	if err != nil {
		return datasetSeen{}, err
	}
	return newDatasetSeen(found, holding[found.ID])
}

// add makes a dataset of data that keep the rules: nothing is made of others.
func (k datasetKind) add(ctx context.Context, s carriage, spec mlops.DatasetSpec) (mlops.Change, error) {
	found, next, err := k.judge(ctx, spec, datasetSeen{})
	if err != nil {
		return mlops.Change{}, err
	}
	defer found.release()
	change := mlops.Change{Ref: s.id, Revision: datasetRevision(spec, found.digest)}
	claim := mlflow.Content{Object: s.id, Owner: k.options.Owner, Record: datasetRecord{Created: now()}, Description: spec.Description, Labels: spec.Labels}
	made, err := s.client.Carry(ctx, claim)
	if err != nil && !k.is(err, mlops.Unavailable) {
		return mlops.Change{}, err
	}
	if err != nil {
		return change, err // an answer that was lost may have been a success
	}
	return change, k.take(ctx, s, spec, datasetSeen{Carrier: made, record: datasetRecord{Created: now()}}, found, next)
}

// change brings a dataset to a spec, and to the data that the spec names.
func (k datasetKind) change(ctx context.Context, s carriage, spec mlops.DatasetSpec, old datasetSeen) (mlops.Change, error) {
	found, next, err := k.judge(ctx, spec, old)
	if err != nil {
		return mlops.Change{}, err
	}
	defer found.release()
	return mlops.Change{Ref: s.id, Revision: datasetRevision(spec, found.digest)}, k.take(ctx, s, spec, old, found, next)
}

// judge finds data and holds them to the rules. Those that were judged by the same rules
// before are not looked at again.
func (k datasetKind) judge(ctx context.Context, spec mlops.DatasetSpec, old datasetSeen) (datasetSource, mlops.DatasetStatus, error) {
	found, err := k.datasetSource(ctx, spec)
	if err != nil {
		return found, mlops.DatasetStatus{}, err
	}
	next := old.record.Status
	if !old.judged(spec, found.digest) {
		next, err = dataset.Describe(ctx, spec, found.file, found.field)
		if err != nil {
			found.release()
			return found, next, err
		}
		next.Digest, next.Size = found.digest, found.size
		next = dataset.Succeed(old.record.Status, next)
	}
	next.Lineage = found.lineage
	return found, next, nil
}

// take keeps data that were judged, has the schedules of pipelines read them, and puts
// the spec in force; then it removes what is in force no more.
func (k datasetKind) take(ctx context.Context, s carriage, spec mlops.DatasetSpec, old datasetSeen, found datasetSource, next mlops.DatasetStatus) error {
	kept := old.record.Kept
	if !old.judged(spec, found.digest) {
		at, err := s.client.Keep(ctx, old.Carrier, mlflow.Snapshot{
			Path: found.file, Name: dataset.FileName(spec, found.file), Dataset: spec.Name, Version: next.Version, Digest: found.digest, Rows: next.Rows, Schema: next.Schema,
		})
		if err != nil {
			return err
		}
		next.URI = at.URI
		kept = append(slices.DeleteFunc(slices.Clone(kept), func(run string) bool { return run == at.Run }), at.Run)
		if err := k.repoint(ctx, s.id, next); err != nil {
			return err
		}
	}
	kept = kept[max(0, len(kept)-keptVersions):]
	record := datasetRecord{Spec: &spec, Created: old.record.Created, Status: next, Kept: kept, Evidence: found.evidence}
	record.Status.CreatedAt = record.Created
	_, err := s.client.Bring(ctx, old.Carrier, mlflow.Content{
		Object: s.id, Owner: k.options.Owner, Record: record, Description: spec.Description, Labels: spec.Labels,
	})
	if err != nil || slices.Equal(kept, old.record.Kept) {
		return err
	}
	return s.client.Drop(ctx, old.Carrier, kept...)
}

// repoint has the pipelines that start by themselves read the data that are to be in
// force: their schedules name the place.
func (k datasetKind) repoint(ctx context.Context, id mlops.ID, now mlops.DatasetStatus) error {
	readers, err := verbs.Readers(ctx, k, id)
	if err != nil {
		return err
	}
	for _, p := range readers {
		if p.Spec.Schedule == nil {
			continue
		}
		err := pipelineKind(k).repoint(ctx, p.Ref, id.Name(), now)
		if err != nil && !k.is(err, mlops.NotFound) {
			return fmt.Errorf("the schedule of %s, which reads the dataset: %w", p.Ref, err)
		}
	}
	return nil
}

// datasetRevision is the mark of a spec and of bytes: the same spec with other bytes is
// another state.
func datasetRevision(spec mlops.DatasetSpec, digest string) string {
	return revisionOf([]any{spec, digest})
}

func (k datasetKind) drop(ctx context.Context, s carriage, seen datasetSeen) error {
	if err := verbs.Unread(ctx, k, s.id); err != nil {
		return err
	}
	if err := s.client.Drop(ctx, seen.Carrier); err != nil {
		return err
	}
	return s.client.Discard(ctx, seen.Carrier)
}
