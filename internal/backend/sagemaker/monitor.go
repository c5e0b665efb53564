package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorKind is the kind of monitors. A monitor is an SNS topic, which carries
// its record and which all its findings go to; alarms for health; a schedule of
// Model Monitor for data; and a rule of EventBridge that tells and trains.
type monitorKind struct{ *backend }

// monitorScene is what a monitor's verbs need to know.
type monitorScene struct {
	c       *clients
	place   place
	account string
	id      mlops.ID
	name    string // native
	topic   string // ARN
}

func (k monitorKind) scene(ctx context.Context, id mlops.ID) (monitorScene, error) {
	s := monitorScene{id: id, name: nativeName(id, maxName)}
	var err error
	if s.place, err = k.place(ctx, id); err != nil {
		return s, err
	}
	if s.c, err = k.in(ctx, id); err != nil {
		return s, err
	}
	if s.account, err = s.c.account(ctx); err != nil {
		return s, err
	}
	s.topic = s.c.arn("sns", s.account, "mlops-monitor-"+s.name)
	return s, nil
}

// Create makes the topic first: with it the monitor exists.
func (k monitorKind) Create(ctx context.Context, spec mlops.MonitorSpec) (mlops.Change, error) {
	s, err := k.admit(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.lock(ctx, string(s.id))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	old, err := k.monitorRecord(ctx, s)
	switch {
	case err == nil && old.Owner != k.options.Owner:
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("monitor %q belongs to another configuration", s.id))
	case errors.Is(err, errNoRecord):
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("the topic %s exists: %w", s.topic, err))
	case err != nil && !k.is(err, mlops.NotFound):
		return mlops.Change{}, err
	}
	return k.put(ctx, s, spec, err == nil)
}

// Update brings a monitor to a spec.
func (k monitorKind) Update(ctx context.Context, ref mlops.ID, spec mlops.MonitorSpec) (mlops.Change, error) {
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	s, err := k.admit(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.lock(ctx, string(ref))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	if _, err := k.monitorRecord(ctx, s); err != nil {
		return mlops.Change{}, err
	}
	return k.put(ctx, s, spec, true)
}

// admit refuses what can never be, and what refers to nothing.
func (k monitorKind) admit(ctx context.Context, spec mlops.MonitorSpec) (monitorScene, error) {
	if err := capabilities().Admit(name, mlops.NounMonitor, spec.Name, spec); err != nil {
		return monitorScene{}, err
	}
	check := mlops.NewChecker()
	checkMonitor(check, spec)
	if spec.Endpoint == "" {
		check.Add(mlops.At("endpoint"), "No endpoint", "A monitor watches an endpoint.")
	}
	if err := check.Err(); err != nil {
		return monitorScene{}, err
	}
	s, err := k.scene(ctx, spec.ID())
	if err != nil {
		return s, err
	}
	return s, k.monitorReferences(ctx, spec)
}

// monitorReferences insists that what a monitor refers to is there.
func (k monitorKind) monitorReferences(ctx context.Context, spec mlops.MonitorSpec) error {
	if _, err := modelEndpointKind(k).Get(ctx, spec.Endpoint); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	if o := spec.OnViolation; o != nil {
		if _, err := pipelineKind(k).Get(ctx, o.Pipeline); err != nil {
			return fmt.Errorf("on_violation.pipeline: %w", err)
		}
	}
	if b := spec.Baseline; b != nil && b.Dataset != "" {
		if _, err := datasetKind(k).Get(ctx, b.Dataset); err != nil {
			return fmt.Errorf("baseline.dataset: %w", err)
		}
	}
	if b := spec.Baseline; b != nil && b.Run != "" {
		if _, err := pipelineRunKind(k).Get(ctx, b.Run); err != nil {
			return fmt.Errorf("baseline.run: %w", err)
		}
	}
	return nil
}

// monitorRecord reads the record from the topic.
func (k monitorKind) monitorRecord(ctx context.Context, s monitorScene) (record, error) {
	tags, err := topicTags(ctx, s.c, s.topic)
	if err != nil {
		return record{}, err
	}
	return recordOf(tags)
}

// put writes the record and brings what can be changed at once to the spec; what
// takes a baseline follows by Advance.
func (k monitorKind) put(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, exists bool) (mlops.Change, error) {
	r, err := k.newRecord(s.id, withoutWebhook(spec))
	if err != nil {
		return mlops.Change{}, err
	}
	baseline, err := k.keepBaseline(ctx, s, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	if r.Extra, err = json.Marshal(baseline); err != nil {
		return mlops.Change{}, err
	}
	pieces, err := r.tags()
	if err != nil {
		return mlops.Change{}, err
	}
	tags := k.tagsFor(s.place.spec, spec.Labels, pieces)
	if err := k.putMonitorTopic(ctx, s, spec, tags, exists); err != nil {
		return mlops.Change{}, err
	}
	change := mlops.Change{Ref: s.id, Revision: r.Revision}
	variants, err := k.monitoredVariants(ctx, spec.Endpoint)
	if err != nil {
		return change, err
	}
	alarms := monitorAlarms(spec, variants, s.topic)
	if err := k.putMonitorAlarms(ctx, s.c, alarms, s.id, cloudwatchTags(tags)); err != nil {
		return change, err
	}
	if err := k.putMonitorRules(ctx, s, spec, slices.Sorted(maps.Keys(alarms)), tags); err != nil {
		return change, err
	}
	if !watchesData(spec) {
		return change, k.dropDataSchedule(ctx, s)
	}
	return change, k.startBaseline(ctx, s, spec, baseline)
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

// monitoredVariants lists the variants that an endpoint has.
func (k monitorKind) monitoredVariants(ctx context.Context, endpoint mlops.ID) ([]string, error) {
	seen, err := modelEndpointKind(k).Get(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(seen.Spec.Variants)), nil
}

// Get looks at the record, and at the schedule where there is one.
func (k monitorKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus], error) {
	seen := mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]{Ref: ref}
	if _, err := ref.ParseAs(mlops.NounMonitor); err != nil {
		return seen, invalid(err)
	}
	s, err := k.scene(ctx, ref)
	if err != nil {
		return seen, err
	}
	r, err := k.monitorRecord(ctx, s)
	if err != nil {
		return seen, err
	}
	if err := r.into(&seen.Spec); err != nil {
		return seen, err
	}
	seen.Revision, seen.Phase = r.Revision, mlops.PhaseReady
	seen.Native = map[string]string{"topic_arn": s.topic}
	seen.Status, err = k.monitorStatus(ctx, s, seen.Spec, r.Created)
	if err != nil {
		return seen, err
	}
	if watchesData(seen.Spec) {
		err = k.lookAtData(ctx, s, baselineOf(r), &seen)
	}
	return seen, err
}

// Advance takes the step that follows the baseline.
func (k monitorKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	r, err := k.monitorRecord(ctx, s)
	if err != nil {
		return err
	}
	var spec mlops.MonitorSpec
	if err := r.into(&spec); err != nil {
		return err
	}
	return k.putDataSchedule(ctx, s, spec, baselineOf(r))
}

// Delete removes all parts, the topic with the record last.
func (k monitorKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := k.monitorRecord(ctx, s); err != nil {
		return err
	}
	if err := k.dropDataSchedule(ctx, s); err != nil {
		return err
	}
	if err := k.dropMonitorRules(ctx, s); err != nil {
		return err
	}
	if err := k.putMonitorAlarms(ctx, s.c, nil, s.id, nil); err != nil {
		return err
	}
	_, err = s.c.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &s.topic})
	return err
}

// putMonitorTopic makes the topic, or changes its tags, and subscribes who is
// told.
func (k monitorKind) putMonitorTopic(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, tags map[string]string, exists bool) error {
	var have map[string]string
	if exists {
		var err error
		if have, err = topicTags(ctx, s.c, s.topic); err != nil {
			return err
		}
	}
	if err := putTopic(ctx, s.c, s.topic, "mlops-monitor-"+s.name, s.place.Key, s.account, have, tags); err != nil {
		return err
	}
	var emails []string
	if spec.Alerts != nil {
		emails = spec.Alerts.Emails
	}
	return subscribe(ctx, s.c, s.topic, emails)
}

// cloudwatchTags leaves the record out: the topic has it.
func cloudwatchTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !isRecordPiece(key) {
			out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
		}
	}
	return out
}
