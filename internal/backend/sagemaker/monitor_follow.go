package sagemaker

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A monitor that explains a model follows its endpoint to the next one: the change of
// the endpoint is not done until the monitor explains what serves now. What follows is
// the monitor's record and its jobs; nothing else of it depends on the model.

// follow takes the next step of a monitor to the model that its endpoint serves, and
// reports whether there is none left. One that cannot get there, for its baseline is
// gone or its job failed, is left as it is: its next look says so.
func (k monitorKind) follow(ctx context.Context, id mlops.ID, served servedModel) (whole bool, err error) {
	err = noun(k).Advance(ctx, id, func(ctx context.Context, s monitorScene, m tagged) error {
		whole, err = k.followStep(ctx, s, m, served)
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

func (k monitorKind) followStep(ctx context.Context, s monitorScene, m tagged, served servedModel) (whole bool, err error) {
	var spec mlops.MonitorSpec
	if err := m.record.into(&spec); err != nil || m.leaving() || spec.Explainability == nil {
		return true, err
	}
	if keptOf(m.record).Explained.Model != served.model {
		return false, k.explainAnew(ctx, s, m, spec)
	}
	seen, err := k.observe(ctx, s, m)
	switch {
	case err != nil:
		return false, err
	case seen.Due:
		return false, k.advance(ctx, s, m)
	case seen.Phase == mlops.PhaseReady:
		return true, k.dropFormer(ctx, monitorPlan{s, spec, keptOf(m.record)})
	}
	return seen.Phase != mlops.PhasePending, nil
}

// dropFormer removes the definitions that explained former models: a step that was
// interrupted may have left one, which no look shows.
func (k monitorKind) dropFormer(ctx context.Context, p monitorPlan) error {
	for _, t := range jobTypes() {
		if t.monitoring != types.MonitoringTypeModelExplainability {
			continue
		}
		if _, err := k.dropDefinitions(ctx, p.monitorScene, t, p.job(t).definition); err != nil {
			return err
		}
	}
	return nil
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
	if err := tagTopic(ctx, s.c, s.topic, m.tags, withJobs(tags, jobWords(m.tags), wantedWords(spec))); err != nil {
		return err
	}
	return k.describeBaselines(ctx, p)
}

// explainersKept is how long a list of an environment's explaining monitors is used: a
// change of a thousand endpoints asks for it a thousand times.
const explainersKept = 10 * time.Second

// explainers are the monitors that explain the models of endpoints, by environment, as
// far as they were listed lately. Its zero value is ready.
type explainers struct {
	mu    sync.Mutex
	lists map[mlops.ID]explainerList
}

// explainerList is what one list found: monitors by their endpoint.
type explainerList struct {
	at   time.Time
	byID map[mlops.ID][]mlops.ID
}

// of are the monitors that explain what an endpoint serves.
func (e *explainers) of(ctx context.Context, endpoint mlops.ID, list func(context.Context) (map[mlops.ID][]mlops.ID, error)) ([]mlops.ID, error) {
	e.mu.Lock()
	known, ok := e.lists[endpoint.Environment()]
	e.mu.Unlock()
	if ok && time.Since(known.at) < explainersKept {
		return known.byID[endpoint], nil
	}
	at := time.Now()
	found, err := list(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lists == nil {
		e.lists = map[mlops.ID]explainerList{}
	}
	e.lists[endpoint.Environment()] = explainerList{at, found}
	return found[endpoint], nil
}

// forget drops what is known of an environment.
func (e *explainers) forget(environment mlops.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.lists, environment)
}

// listExplainers lists the monitors of an environment that explain a model, by their
// endpoints.
func (b *backend) listExplainers(ctx context.Context, c *clients, p place) (map[mlops.ID][]mlops.ID, error) {
	topics, err := b.monitorTags(ctx, c, p)
	if err != nil {
		return nil, err
	}
	found := map[mlops.ID][]mlops.ID{}
	for _, tags := range topics {
		if r, spec, ok := monitorIn(tags); ok && spec.Explainability != nil {
			found[spec.Endpoint] = append(found[spec.Endpoint], r.ID)
		}
	}
	for _, ids := range found {
		slices.Sort(ids)
	}
	return found, nil
}
