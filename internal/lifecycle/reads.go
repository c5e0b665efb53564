package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	// near is how near to each other two reads must be to be worth a list.
	near = 10 * time.Second
	// keep is how long a list answers further reads. On a busy machine Terraform
	// takes most of a minute to refresh a thousand objects, and a list that is kept
	// for less is asked for again and again: a plan is as old as its beginning in
	// any case.
	keep = time.Minute
)

// Reads lets the targets of one provider instance share what one list found.
// The first read under a parent is a look of its own; the second that follows
// soon lists the parent, and all others wait for that list or find it. Any
// change that goes through a target makes the reads forget the environment. An
// object without a parent, an environment, has no list; who reads it while another
// does, or soon after, gets what that finds. A nil *Reads reads one by one.
type Reads struct {
	mu      sync.Mutex
	batches map[family]*batch
}

// NewReads returns a Reads that knows nothing yet.
func NewReads() *Reads { return &Reads{batches: map[family]*batch{}} }

// family is what one list answers for: what is under a parent, or all of an environment
// where that costs no more.
type family struct {
	noun   mlops.Noun
	parent mlops.ID
}

// batch is one list, or the first read that may lead to one.
type batch struct {
	listed chan struct{}    // nil until a list is asked for, closed when it is there
	found  map[mlops.ID]any // what the list found; written before listed is closed
}

// join returns the batch that a read belongs to. It is nil for a first read,
// which has to look for itself; lead is true for the one that has to list, which
// of an object that is alone is the first.
func (r *Reads) join(f family, alone bool) (b *batch, lead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b = r.batches[f]
	switch {
	case b == nil && alone:
		b = &batch{listed: make(chan struct{})}
		r.batches[f] = b
		return b, true
	case b == nil:
		r.expect(f)
		return nil, false
	case b.listed == nil:
		b.listed = make(chan struct{})
		return b, true
	}
	return b, false
}

// expect makes the next read of a family, if it comes soon, the one that lists.
// It is called with the lock held.
func (r *Reads) expect(f family) {
	b := &batch{}
	r.batches[f] = b
	time.AfterFunc(near, func() { r.expire(f, b, b.unused) })
}

// unused reports whether no list was asked for.
func (b *batch) unused() bool { return b.listed == nil }

// done publishes what a list found and starts the time that it is kept for.
func (r *Reads) done(f family, b *batch, found map[mlops.ID]any) {
	b.found = found
	close(b.listed)
	time.AfterFunc(keep, func() { r.expire(f, b, func() bool { return true }) })
}

// expire drops a batch, if it is still the family's own and the condition
// holds. What was listed once is likely to be read on: the next read lists.
func (r *Reads) expire(f family, b *batch, due func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batches[f] != b || !due() {
		return
	}
	delete(r.batches, f)
	if b.listed != nil {
		r.expect(f)
	}
}

// forget drops all that is known under the environment of an object that changes,
// and lists under way with it. The environment itself changes with nothing in it.
func (r *Reads) forget(changing mlops.ID) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for f := range r.batches {
		if f.parent.Environment() == changing.Environment() && (f.noun != mlops.NounEnvironment || changing == f.parent) {
			delete(r.batches, f)
		}
	}
}

// listed answers a read from a list of its family, if there is one or if it is
// time for one. What a list does not have, or cannot say, is for a look of its
// own to find out.
func (t Target[Spec, Status]) listed(ctx context.Context, id mlops.ID) (mlops.Observed[Spec, Status], bool) {
	var none mlops.Observed[Spec, Status]
	f, find := t.finder(id)
	if t.Reads == nil || find == nil {
		return none, false
	}
	alone := f.parent == id
	b, lead := t.Reads.join(f, alone)
	if b == nil {
		return none, false
	}
	if lead {
		go t.list(ctx, find, f, b)
	}
	select {
	case <-ctx.Done():
		return none, false
	case <-b.listed:
	}
	seen, ok := b.found[id].(mlops.Observed[Spec, Status])
	return seen, ok
}

// find is how what answers for a family is found.
type find[Spec, Status any] func(context.Context) ([]mlops.Observed[Spec, Status], error)

// finder returns the family of an object and how it is found, nil where each object
// has to be looked at. An object without a parent is a family of its own.
func (t Target[Spec, Status]) finder(id mlops.ID) (family, find[Spec, Status]) {
	if id.Parent() == "" {
		return family{t.Noun, id}, func(ctx context.Context) ([]mlops.Observed[Spec, Status], error) {
			seen, err := t.Kind.Get(ctx, id)
			return []mlops.Observed[Spec, Status]{seen}, err
		}
	}
	f := family{t.Noun, id.Parent()}
	if surveyor, ok := t.Kind.(mlops.Surveyor[Spec, Status]); ok {
		f.parent = id.Environment()
		return f, func(ctx context.Context) ([]mlops.Observed[Spec, Status], error) {
			return surveyor.Survey(ctx, f.parent)
		}
	}
	lister, ok := t.Kind.(mlops.Lister[Spec, Status])
	if !ok {
		return f, nil
	}
	return f, func(ctx context.Context) ([]mlops.Observed[Spec, Status], error) { return lister.List(ctx, f.parent) }
}

// list asks the platform once for all. It outlives the read that leads, for
// others wait for it too, but not that read's deadline.
func (t Target[Spec, Status]) list(ctx context.Context, find find[Spec, Status], f family, b *batch) {
	shared := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		shared, cancel = context.WithDeadline(shared, deadline)
		defer cancel()
	}
	var all []mlops.Observed[Spec, Status]
	err := t.persist(shared, func() (err error) {
		all, err = find(shared)
		return err
	})
	found := make(map[mlops.ID]any, len(all))
	if err == nil {
		for _, seen := range all {
			found[seen.Ref] = seen
		}
	}
	t.Reads.done(f, b, found)
}
