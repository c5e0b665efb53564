package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keepSilent is how long what was replaced stays warm where its rollout does not say:
// keeping happens beside the change, which is over meanwhile.
const keepSilent = 10 * time.Minute

// previous is what was in force before a change that replaced a server, as it
// is kept for the next engine: status alone does not tell how to start it.
type previous struct {
	After    string                  `json:"after"` // revision that came after it
	Revision string                  `json:"revision"`
	Spec     mlops.ModelEndpointSpec `json:"spec"`
}

func (e *endpoint) previousFile() string { return filepath.Join(e.dir, "previous.json") }

// keepPrevious writes down what a change replaces, before it does.
func (e *endpoint) keepPrevious(before plan, after string) error {
	b, err := json.Marshal(previous{After: after, Revision: before.revision, Spec: before.spec})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(e.previousFile(), b, 0o600) // half of one is no JSON, and counts as none
}

// warmUntilAfter returns until when a change keeps what it replaces, and writes
// that down. The zero time is not at all.
func (e *endpoint) warmUntilAfter(c *rollout, replaced map[string]*fleet) time.Time {
	now, keep := e.s.now(), c.plan.spec.Rollout.Previous(keepSilent)
	if len(replaced) == 0 || keep == 0 || !asleepUntil(c.plan.spec, now).IsZero() {
		return time.Time{}
	}
	if err := e.keepPrevious(e.inForce, c.plan.revision); err != nil {
		e.log.Warn("what is replaced is kept warm by this engine only", "error", err)
	}
	return now.Add(keep).UTC()
}

// retire takes care of the fleets that a change replaced: it keeps them warm
// until a time, if there is one, and ends those that were kept before.
func (e *endpoint) retire(replaced map[string]*fleet, until time.Time) {
	if len(replaced) == 0 {
		return
	}
	stop(e.warm)
	e.warm, e.warmUntil = map[string]*fleet{}, until
	if until.IsZero() {
		stop(replaced)
		return
	}
	for name, f := range replaced {
		f.keepWarm()
		e.warm[name] = f
	}
	e.log.Info("keeping what served before warm", "servers", size(e.warm), "until", until)
}

// dismiss ends fleets of a change that was given up. Those that it took from the
// warm ones stay warm.
func (e *endpoint) dismiss(fleets map[string]*fleet) {
	ending := map[string]*fleet{}
	for name, f := range fleets {
		if f.isWarm() && !e.warmUntil.IsZero() {
			f.keepWarm()
			e.warm[name] = f
		} else {
			ending[name] = f
		}
	}
	stop(ending)
}

// expire ends the warm servers when their time is over, and says so in the
// record.
func (e *endpoint) expire(ctx context.Context, now time.Time) error {
	if e.warmUntil.IsZero() || now.Before(e.warmUntil) {
		return nil
	}
	return e.coolDown(ctx)
}

// coolDown ends the warm servers.
func (e *endpoint) coolDown(ctx context.Context) error {
	if e.warmUntil.IsZero() {
		return nil
	}
	e.log.Info("ending what served before", "servers", size(e.warm))
	stop(e.warm)
	e.warm, e.warmUntil = map[string]*fleet{}, time.Time{}
	_, err := e.s.table.Change(ctx, e.id, func(_ *store.Tx, r *record) error {
		r.Status.PreviousUntil = time.Time{}
		return nil
	})
	if removed := os.Remove(e.previousFile()); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// warmUp takes up what an earlier engine kept warm, if its time is not over. It
// starts servers that ended meanwhile.
func (e *endpoint) warmUp(ctx context.Context, r record) {
	if r.Status.PreviousUntil.IsZero() {
		return
	}
	now := e.s.now()
	e.warmUntil = now // if it cannot be kept, the next look at the clock says so
	if !now.Before(r.Status.PreviousUntil) || !e.asleep.IsZero() {
		return
	}
	p, err := e.previousPlan(ctx, r.Revision)
	if err != nil {
		e.log.Warn("what served before cannot be kept warm", "error", err)
		return
	}
	e.warmUntil = r.Status.PreviousUntil
	for _, v := range p.variants {
		if f := e.current[v.name]; f != nil && f.launch.content == v.content {
			continue
		}
		f := e.newFleet(v, p.requestTimeout())
		f.adopt()
		f.keepWarm()
		e.warm[v.name] = f
	}
}

// previousPlan is what was written down before a change.
func (e *endpoint) previousPlan(ctx context.Context, after string) (plan, error) {
	var kept previous
	b, err := os.ReadFile(e.previousFile())
	if err != nil {
		return plan{}, err
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		return plan{}, err
	}
	if kept.After != after {
		return plan{}, fmt.Errorf("what is written down came before another change, %s", kept.After)
	}
	return e.s.resolve(ctx, kept.Spec, kept.Revision)
}

// size counts the servers of fleets.
func size(fleets map[string]*fleet) int {
	n := 0
	for _, f := range fleets {
		n += f.size()
	}
	return n
}
