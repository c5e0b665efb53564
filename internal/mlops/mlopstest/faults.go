package mlopstest

import (
	"context"
	"errors"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Plan says which faults a Faulty kind shows. The zero Plan shows none.
type Plan struct {
	Throttle    int  // the first so many calls, of any verb, are Unavailable and do nothing
	LostReplies int  // the first so many Creates and Updates do their work and answer Unavailable without a Change
	Hidden      int  // the first so many Gets are NotFound
	Flap        int  // every so many-th Get is NotFound; zero is never
	Stuck       bool // whatever Get finds is pending

	// Crash is called when the first Create has done its work; no answer comes
	// but the context's error, which Crash has to bring about. It is a process
	// that dies after the platform accepted and before anybody noted it.
	Crash context.CancelFunc
}

// Faulty is a Kind on a platform that misbehaves by plan. It lists if the kind
// does. It is safe for concurrent use.
type Faulty[Spec, Status any] struct {
	kind mlops.Kind[Spec, Status]

	mu   sync.Mutex
	plan Plan
	gets int
}

// NewFaulty makes a kind misbehave.
func NewFaulty[Spec, Status any](kind mlops.Kind[Spec, Status], plan Plan) *Faulty[Spec, Status] {
	return &Faulty[Spec, Status]{kind: kind, plan: plan}
}

// FaultCode extends a backend's classifier by the faults of this package, which
// are *mlops.Error.
func FaultCode(next func(error) mlops.Code) func(error) mlops.Code {
	return func(err error) mlops.Code {
		if e, ok := errors.AsType[*mlops.Error](err); ok {
			return e.Code
		}
		return next(err)
	}
}

// Create creates, or loses the answer.
func (f *Faulty[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	if err := f.throttled(); err != nil {
		return mlops.Change{}, err
	}
	change, err := f.kind.Create(ctx, spec)
	if crash := f.crash(); crash != nil {
		crash()
		return mlops.Change{}, ctx.Err()
	}
	return f.reply(change, err)
}

// Get looks, or does not see.
func (f *Faulty[Spec, Status]) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	if err := f.throttled(); err != nil {
		return mlops.Observed[Spec, Status]{}, err
	}
	if f.blind() {
		return mlops.Observed[Spec, Status]{}, fault(mlops.NotFound, "not visible at the moment")
	}
	seen, err := f.kind.Get(ctx, ref)
	if err == nil && f.plan.Stuck {
		seen.Phase, seen.Reason = mlops.PhasePending, "waiting for capacity"
	}
	return seen, err
}

// Update updates, or loses the answer.
func (f *Faulty[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if err := f.throttled(); err != nil {
		return mlops.Change{}, err
	}
	return f.reply(f.kind.Update(ctx, ref, spec))
}

// Delete deletes, or is throttled.
func (f *Faulty[Spec, Status]) Delete(ctx context.Context, ref mlops.ID) error {
	if err := f.throttled(); err != nil {
		return err
	}
	return f.kind.Delete(ctx, ref)
}

// List lists, or is throttled.
func (f *Faulty[Spec, Status]) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	if err := f.throttled(); err != nil {
		return nil, err
	}
	lister, ok := f.kind.(mlops.Lister[Spec, Status])
	if !ok {
		return nil, fault(mlops.Unsupported, "the platform does not list")
	}
	return lister.List(ctx, parent)
}

// throttled uses up one of the calls that are refused.
func (f *Faulty[Spec, Status]) throttled() error {
	if f.use(&f.plan.Throttle) {
		return fault(mlops.Unavailable, "rate exceeded")
	}
	return nil
}

// reply hands an answer on, or loses it.
func (f *Faulty[Spec, Status]) reply(change mlops.Change, err error) (mlops.Change, error) {
	if err == nil && f.use(&f.plan.LostReplies) {
		return mlops.Change{}, fault(mlops.Unavailable, "connection reset by peer")
	}
	return change, err
}

// blind reports whether this Get does not find what is there.
func (f *Faulty[Spec, Status]) blind() bool {
	if f.use(&f.plan.Hidden) {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	return f.plan.Flap > 0 && f.gets%f.plan.Flap == 0
}

// crash hands out the plan's crash, once.
func (f *Faulty[Spec, Status]) crash() context.CancelFunc {
	f.mu.Lock()
	defer f.mu.Unlock()
	crash := f.plan.Crash
	f.plan.Crash = nil
	return crash
}

// use takes one from a count, and reports whether there was one.
func (f *Faulty[Spec, Status]) use(count *int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *count == 0 {
		return false
	}
	*count--
	return true
}

func fault(code mlops.Code, words string) error {
	return mlops.NewError(code, errors.New(words))
}
