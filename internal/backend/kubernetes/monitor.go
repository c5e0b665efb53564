package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorKind is the kind of monitors: a config map, which carries the record and what
// jobs are told, and beside it a PrometheusRule for health and alerts, a CronWorkflow
// for the checks that jobs make, and what those need.
type monitorKind struct {
	*backend

	endpoints mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	datasets  mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus]
}

// monitorSeen is a monitor as a look finds it.
type monitorSeen struct {
	held

	facts monitorFacts
	parts map[kind]*unstructured.Unstructured // those that are there
	moved map[kind]string                     // what parts still have of their environment as that was
}

// monitorFacts is what a monitor's record has beside the spec.
type monitorFacts struct {
	Parts    map[kind]string      `json:"parts"` // marks of the parts as the API server took them, "" where being there is enough
	Baseline mlops.BaselineStatus `json:"baseline"`
	Ground   map[kind]ground      `json:"ground,omitempty"`
}

// Monitors returns the kind of monitors.
func (b *backend) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	return monitorKind{b, b.ModelEndpoints(), b.Datasets()}
}

// noun is how the verbs are carried out.
func (k monitorKind) noun() verbs.Noun[mlops.MonitorSpec, scene, monitorSeen] {
	return verbs.Noun[mlops.MonitorSpec, scene, monitorSeen]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:    mlops.MonitorSpec.ID,
		Kept:  func(m monitorSeen) verbs.Kept { return m.kept() },
		Admit: k.admit, Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop, Sweep: k.sweep,
	}
}

// Create makes a monitor, or brings its owner's own to the spec.
func (k monitorKind) Create(ctx context.Context, spec mlops.MonitorSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update brings a monitor to a spec, in place.
func (k monitorKind) Update(ctx context.Context, ref mlops.ID, spec mlops.MonitorSpec) (mlops.Change, error) {
	return k.noun().Update(ctx, ref, spec)
}

// Delete removes a monitor's parts and stops its jobs. The config map goes when those
// have gone, by Advance.
func (k monitorKind) Delete(ctx context.Context, ref mlops.ID) error {
	return k.noun().Remove(ctx, ref)
}

func (k monitorKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, mlops.NounMonitor)
}

// admit refuses what can never be, or refers to nothing.
func (k monitorKind) admit(ctx context.Context, spec mlops.MonitorSpec) error {
	if spec.Endpoint == "" {
		return &mlops.Error{Code: mlops.Invalid, Field: "endpoint", Err: errors.New("a monitor watches an endpoint")}
	}
	if err := k.grant(ctx, spec, monitorDemands(spec)); err != nil {
		return err
	}
	return k.watches(ctx, spec)
}

// monitorDemands are what a monitor asks of its environment and of the cluster.
func monitorDemands(spec mlops.MonitorSpec) demands {
	return demands{
		noun: mlops.NounMonitor, id: spec.ID(),
		alone:  func(c *mlops.Checker) { checkMonitor(c, spec) },
		within: func(c *mlops.Checker, l layout) { checkMonitorPlace(c, spec, l) },
		needs:  func(layout) []capability { return monitorNeeds(spec) },
	}
}

// watches insists that a monitor's endpoint is there, and captures what jobs read.
func (k monitorKind) watches(ctx context.Context, spec mlops.MonitorSpec) error {
	seen, err := k.endpoints.Get(ctx, spec.Endpoint)
	switch {
	case k.is(err, mlops.NotFound):
		return &mlops.Error{Code: mlops.Invalid, Field: "endpoint", Err: err}
	case err != nil:
		return err
	case seen.Spec.Capture == nil && len(jobChecks(spec)) > 0:
		return mlops.InvalidField("endpoint", "%q captures nothing that %s could look at; give it capture = { sample_percent = 100 }", spec.Endpoint, jobChecks(spec)[0])
	}
	return nil
}

func (k monitorKind) look(ctx context.Context, s scene) (monitorSeen, error) {
	h, err := s.look(ctx, s.monitorPart(kindConfigMap))
	if isNotFound(err) {
		err = mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist: %w", s.id, err))
	}
	if err != nil {
		return monitorSeen{}, err
	}
	seen, err := newMonitorSeen(h)
	if err != nil {
		return seen, err
	}
	for of := range seen.facts.Parts {
		part, err := s.cluster.get(ctx, s.monitorPart(of))
		if err == nil && isPartOf(part, s.id) {
			seen.parts[of] = part
		}
		if err != nil && !isNotFound(err) {
			return seen, err
		}
	}
	seen.moved = seen.movedFrom(s.layout)
	return seen, nil
}

// newMonitorSeen reads the facts in a record.
func newMonitorSeen(h held) (monitorSeen, error) {
	seen := monitorSeen{held: h, parts: map[kind]*unstructured.Unstructured{}}
	if h.record.Extra == nil {
		return seen, nil
	}
	return seen, json.Unmarshal(h.record.Extra, &seen.facts)
}

func (k monitorKind) add(ctx context.Context, s scene, spec mlops.MonitorSpec) (mlops.Change, error) {
	plan, err := k.plan(ctx, s, spec, record{})
	if err != nil {
		return mlops.Change{}, err
	}
	claim := s.component(s.monitorPart(kindConfigMap), nil, nil)
	claim.annotations[noteClaim] = k.options.Owner
	if err := s.cluster.claim(ctx, claim); err != nil {
		return mlops.Change{}, k.explain(err, claim.identity, monitorOrigins())
	}
	return k.put(ctx, s, plan, record{})
}

// change brings a monitor to a spec. One that has it, as it was made, is left alone.
func (k monitorKind) change(ctx context.Context, s scene, spec mlops.MonitorSpec, old monitorSeen) (mlops.Change, error) {
	former := old.record
	if former.Spec == nil { // its creation was interrupted
		former = record{}
	}
	r, err := k.newRecord(s.id, withoutWebhook(spec), former)
	if err != nil {
		return mlops.Change{}, err
	}
	r.Extra = former.Extra
	if former.ID != "" && r.matches(former) && len(old.flaws()) == 0 {
		return r.change(), nil
	}
	plan, err := k.plan(ctx, s, spec, former)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.put(ctx, s, plan, former)
}

// monitorPlan is what a spec comes to.
type monitorPlan struct {
	spec     mlops.MonitorSpec
	told     mlops.MonitorSpec // the spec as jobs read it
	run      map[string]any    // what a violation starts, nil for nothing
	parts    []manifest        // those that others need before those
	bare     map[kind]manifest // those of parts that overrides change, without these
	baseline mlops.BaselineStatus
	keeps    map[kind]bool // parts whose content is not known, and stays
}

// plan compiles a spec. Former is the record that the monitor has, zero for none.
func (k monitorKind) plan(ctx context.Context, s scene, spec mlops.MonitorSpec, former record) (monitorPlan, error) {
	out := monitorPlan{spec: spec, told: withoutWebhook(spec), keeps: map[kind]bool{}, baseline: mlops.BaselineStatus{Features: []string{}}}
	created := former.Created
	if created.IsZero() {
		created = time.Now()
	}
	rules := s.monitorRules(spec, created)
	if len(rules) > 0 {
		out.parts = append(out.parts, s.rulesManifest(spec, rules))
		if m, ok := s.scrapeManifest(spec); ok {
			out.parts = append(out.parts, m)
		}
	}
	out.parts = append(out.parts, s.alertManifests(spec)...)
	out.keeps[kindSecret] = spec.Alerts != nil && spec.Alerts.WebhookURL == "" && spec.Alerts.Mark != ""
	if len(jobChecks(spec)) > 0 {
		if err := k.planJob(ctx, s, &out); err != nil {
			return out, err
		}
	}
	return out, out.override()
}

// override merges what the spec's overrides say into the parts.
func (p *monitorPlan) override() error {
	p.bare = map[kind]manifest{}
	for i, m := range p.parts {
		changed, isOverridden, err := m.override(p.spec)
		if err != nil {
			return &mlops.Error{Code: mlops.Invalid, Field: "overrides", Err: err}
		}
		if isOverridden {
			p.parts[i], p.bare[m.kind] = changed, m
		}
	}
	return nil
}

// put writes the parts, and then the config map with the record: it says that all is
// there.
func (k monitorKind) put(ctx context.Context, s scene, plan monitorPlan, former record) (mlops.Change, error) {
	change := mlops.Change{Ref: s.id, Revision: revisionOf(withoutWebhook(plan.spec))}
	facts := monitorFacts{Parts: map[kind]string{}, Baseline: plan.baseline, Ground: map[kind]ground{}}
	for of, kept := range plan.keeps {
		if !kept {
			continue
		}
		if err := s.stillThere(ctx, of); err != nil {
			return change, err
		}
		facts.Parts[of] = ""
	}
	for _, m := range plan.parts {
		var err error
		if facts.Parts[m.kind], err = k.bringWhole(ctx, s, m); err != nil {
			return change, err
		}
		if g := s.monitorGround(m.kind); g != nil {
			facts.Ground[m.kind] = g
		}
	}
	if err := k.dismiss(ctx, s.cluster, s.id, s.monitorSurplus(facts)); err != nil {
		return change, err
	}
	m, err := k.carry(s, plan, facts, former)
	if err != nil {
		return change, err
	}
	_, err = s.cluster.apply(ctx, m)
	return change, k.explain(err, m.identity, monitorOrigins())
}

// stillThere insists on a part whose content comes with a change alone.
func (s scene) stillThere(ctx context.Context, of kind) error {
	have, err := s.cluster.get(ctx, s.monitorPart(of))
	if isNotFound(err) || err == nil && !isPartOf(have, s.id) {
		return mlops.InvalidField("alerts.webhook_url", "%s is gone, and the configuration does not say what was in it; give the webhook again", s.monitorPart(of).words())
	}
	return err
}

// carry is the config map with the record, and with what jobs are told.
func (k monitorKind) carry(s scene, plan monitorPlan, facts monitorFacts, former record) (manifest, error) {
	told, err := json.Marshal(plan.told)
	if err != nil {
		return manifest{}, err
	}
	data := map[string]string{monitorFile: string(told)}
	if plan.run != nil {
		run, err := json.Marshal(plan.run)
		if err != nil {
			return manifest{}, err
		}
		data[runFile] = string(run)
	}
	m := s.component(s.monitorPart(kindConfigMap), map[string]any{"data": data}, plan.spec.Labels)
	r, err := k.newRecord(s.id, withoutWebhook(plan.spec), former)
	if err != nil {
		return m, err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return m, err
	}
	m.annotations, err = r.annotations()
	return m, err
}

// withoutWebhook is the spec as it is kept: URLs of webhooks may hold secrets.
func withoutWebhook(spec mlops.MonitorSpec) mlops.MonitorSpec {
	if spec.Alerts != nil {
		alerts := *spec.Alerts
		alerts.WebhookURL = ""
		spec.Alerts = &alerts
	}
	return spec
}

// monitorOrigins says which attributes the fields of a monitor's objects come from.
func monitorOrigins() origins {
	return origins{
		"metadata.name": "name", "metadata.labels": "labels", "spec.groups": "health", "spec.route": "alerts",
		"spec.schedules": "schedule.cron", "spec.timezone": "schedule.timezone", "spec.workflowSpec": "baseline",
	}
}
