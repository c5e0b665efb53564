package sagemaker

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A monitor that explains a model, or judges the health of each variant, follows its
// endpoint: the change of the endpoint is not done until the monitor explains and watches
// what serves now. What follows of an explanation is the monitor's record and its jobs, of
// health its alarms and the rule that hears them; nothing else depends on what serves.

// serves is what an endpoint serves by now.
type serves struct {
	variants []string     // sorted
	model    *servedModel // nil where none is explained
}

// follow takes the next step of a monitor to what its endpoint serves, and reports
// whether there is none left. One that cannot get there, for its baseline is
// gone or its job failed, is left as it is: its next look says so.
func (k monitorKind) follow(ctx context.Context, id mlops.ID, now serves) (whole bool, err error) {
	err = noun(k).Advance(ctx, id, func(ctx context.Context, s monitorScene, m tagged) error {
		whole, err = k.followStep(ctx, s, m, now)
		return err
	})
	switch {
	case err == nil:
		return whole, nil
	case ctx.Err() != nil, k.is(err, mlops.Unavailable), k.is(err, mlops.Unauthenticated):
		return false, err
	case k.is(err, mlops.Conflict): // busy: again with the next step
		return false, nil
	}
	return true, nil
}

func (k monitorKind) followStep(ctx context.Context, s monitorScene, m tagged, now serves) (whole bool, err error) {
	var spec mlops.MonitorSpec
	if err := m.record.into(&spec); err != nil || m.leaving() {
		return true, err
	}
	if err := k.watchVariants(ctx, monitorPlan{s, spec, keptOf(m.record)}, m.tags, now.variants); err != nil || spec.Explainability == nil || now.model == nil {
		return err == nil, err
	}
	if keptOf(m.record).Explained.Model != now.model.model {
		return false, k.explainAnew(ctx, s, m, spec)
	}
	seen, err := k.observe(ctx, s, m)
	switch {
	case err != nil:
		return false, err
	case seen.Due:
		return false, k.advance(ctx, s, m)
	}
	return seen.Phase != mlops.PhasePending, nil
}

// watchVariants brings what watches health to the variants that serve, where it is not.
func (k monitorKind) watchVariants(ctx context.Context, p monitorPlan, tags map[string]string, variants []string) error {
	if p.spec.Health == nil {
		return nil
	}
	have, err := k.monitorAlarmsInForce(ctx, p.c, p.id)
	if err != nil {
		return err
	}
	want := monitorAlarms(p, variants)
	if slices.Equal(slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want))) {
		return nil
	}
	return k.putWatch(ctx, p, want, tags)
}

// explainAnew notes in a monitor's record that another model is explained, from the
// baseline that it has, and starts the job that begins with. Spec, owner and revision
// stay: nobody asked for another monitor.
func (k monitorKind) explainAnew(ctx context.Context, s monitorScene, m tagged, spec mlops.MonitorSpec) (err error) {
	p, r := monitorPlan{s, spec, keptOf(m.record)}, m.record
	if p.kept.Born, err = k.born(ctx, s, r); err != nil {
		return err
	}
	if p.kept.Explained, err = k.keepExplained(ctx, s, spec, p.kept.Baseline); err != nil {
		return err
	}
	if r.Extra, err = json.Marshal(p.kept); err != nil {
		return err
	}
	tags, err := k.tagsWith(s.place.spec, spec.Labels, r)
	if err != nil {
		return err
	}
	if err := tagTopic(ctx, s.c, s.topic, m.tags, withWords(tags, explainedWords(jobWords(m.tags), spec))); err != nil {
		return err
	}
	return k.describeBaselines(ctx, p)
}

// explainedWords is what tagJobs says while another model comes to be explained. What a
// change still owes, it owes.
func explainedWords(had []string, spec mlops.MonitorSpec) []string {
	words := wordsAhead(had, spec)
	if slices.Contains(had, wordUnwatched) {
		words = append(words, wordUnwatched)
	}
	return words
}

// followersKept is how long a list of an environment's following monitors is used: a
// change of a thousand endpoints asks for it a thousand times.
const followersKept = 10 * time.Second

// followers are the monitors that follow endpoints, by environment, as far as they were
// listed lately. Its zero value is ready.
type followers struct {
	mu    sync.Mutex
	lists map[mlops.ID]followerList
}

// follower is a monitor that follows an endpoint.
type follower struct {
	id       mlops.ID
	explains bool
}

// followerList is what one list found: monitors by their endpoint.
type followerList struct {
	at   time.Time
	byID map[mlops.ID][]follower
}

// of are the monitors that follow an endpoint.
func (f *followers) of(ctx context.Context, endpoint mlops.ID, list func(context.Context) (map[mlops.ID][]follower, error)) ([]follower, error) {
	f.mu.Lock()
	known, ok := f.lists[endpoint.Environment()]
	f.mu.Unlock()
	if ok && time.Since(known.at) < followersKept {
		return known.byID[endpoint], nil
	}
	at := time.Now()
	found, err := list(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lists == nil {
		f.lists = map[mlops.ID]followerList{}
	}
	f.lists[endpoint.Environment()] = followerList{at, found}
	return found[endpoint], nil
}

// forget drops what is known of an environment.
func (f *followers) forget(environment mlops.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.lists, environment)
}

// listFollowers lists the monitors of an environment that follow what serves, by their
// endpoints.
func (b *backend) listFollowers(ctx context.Context, c *clients, p place) (map[mlops.ID][]follower, error) {
	topics, err := b.monitorTags(ctx, c, p)
	if err != nil {
		return nil, err
	}
	found := map[mlops.ID][]follower{}
	for _, tags := range topics {
		if r, spec, ok := monitorIn(tags); ok && (spec.Explainability != nil || spec.Health != nil) {
			found[spec.Endpoint] = append(found[spec.Endpoint], follower{r.ID, spec.Explainability != nil})
		}
	}
	for _, some := range found {
		slices.SortFunc(some, func(a, b follower) int { return cmp.Compare(a.id, b.id) })
	}
	return found, nil
}
