package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Record is one object as it is kept. Spec is in force once Revision is set;
// Wanted was accepted and is not yet in force.
type Record[S, T any] struct {
	ID             mlops.ID
	Owner          string
	Spec           S
	Revision       string
	Wanted         *S
	WantedRevision string
	Status         T
	Phase          mlops.Phase
	Reason         string
	Created        time.Time
	Updated        time.Time
}

// Settle puts what is wanted in force.
func (r *Record[S, T]) Settle() {
	if r.Wanted != nil {
		r.Spec, r.Revision = *r.Wanted, r.WantedRevision
	}
	r.Wanted, r.WantedRevision = nil, ""
	r.Phase, r.Reason = mlops.PhaseReady, ""
}

// RollBack drops what was wanted, for a reason that is kept. The object is
// ready again if something was in force before, else it has failed.
func (r *Record[S, T]) RollBack(reason string) {
	r.Phase, r.Reason = mlops.PhaseReady, reason
	if r.Revision == "" {
		r.Phase = mlops.PhaseFailed
		return // keep Wanted: it is all there is to show
	}
	r.Wanted, r.WantedRevision = nil, ""
}

// Observed is the record as the contract shows it.
func (r Record[S, T]) Observed() mlops.Observed[S, T] {
	o := mlops.Observed[S, T]{
		Ref: r.ID, Spec: r.Spec, Status: r.Status, Phase: r.Phase, Revision: r.Revision, Reason: r.Reason,
	}
	if r.Revision == "" && r.Wanted != nil {
		o.Spec = *r.Wanted
	}
	if r.Revision == "" && r.Phase == mlops.PhaseFailed {
		o.Revision = r.WantedRevision // what failed is what is shown
	}
	return o
}

// row is a Record as columns.
type row struct {
	id, owner, spec, revision, wantedRevision, status, phase, reason string
	wanted                                                           *string
	created, updated                                                 int64 // Unix nanoseconds
}

const columns = "id, owner, spec, revision, wanted, wanted_revision, status, phase, reason, created, updated"

func (r *row) fields() []any {
	return []any{
		&r.id, &r.owner, &r.spec, &r.revision, &r.wanted, &r.wantedRevision,
		&r.status, &r.phase, &r.reason, &r.created, &r.updated,
	}
}

func fromRow[S, T any](w row) (Record[S, T], error) {
	r := Record[S, T]{
		ID: mlops.ID(w.id), Owner: w.owner, Revision: w.revision, WantedRevision: w.wantedRevision,
		Phase: mlops.Phase(w.phase), Reason: w.reason,
		Created: time.Unix(0, w.created).UTC(), Updated: time.Unix(0, w.updated).UTC(),
	}
	if w.wanted != nil {
		r.Wanted = new(S)
		if err := json.Unmarshal([]byte(*w.wanted), r.Wanted); err != nil {
			return r, fmt.Errorf("stored object %s: wanted spec: %w", w.id, err)
		}
	}
	if err := json.Unmarshal([]byte(w.spec), &r.Spec); err != nil {
		return r, fmt.Errorf("stored object %s: spec: %w", w.id, err)
	}
	if err := json.Unmarshal([]byte(w.status), &r.Status); err != nil {
		return r, fmt.Errorf("stored object %s: status: %w", w.id, err)
	}
	return r, nil
}

func toRow[S, T any](r Record[S, T]) (row, error) {
	w := row{
		id: string(r.ID), owner: r.Owner, revision: r.Revision, wantedRevision: r.WantedRevision,
		phase: string(r.Phase), reason: r.Reason, created: r.Created.UnixNano(), updated: r.Updated.UnixNano(),
	}
	for _, f := range []struct {
		from any
		to   *string
	}{{r.Spec, &w.spec}, {r.Status, &w.status}} {
		b, err := json.Marshal(f.from)
		if err != nil {
			return w, fmt.Errorf("store object %s: %w", r.ID, err)
		}
		*f.to = string(b)
	}
	if r.Wanted != nil {
		b, err := json.Marshal(r.Wanted)
		if err != nil {
			return w, fmt.Errorf("store object %s: %w", r.ID, err)
		}
		s := string(b)
		w.wanted = &s
	}
	return w, nil
}
