package sagemaker

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorKind is the kind of monitors. A monitor is an SNS topic, which carries
// its record and which all its findings go to; alarms; a schedule of Model Monitor
// for each type of job; and rules of EventBridge that tell and train.
type monitorKind struct{ *backend }

// monitorSeen is a look at a monitor.
type monitorSeen = mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]

// monitorScene is what a monitor's verbs need to know.
type monitorScene struct {
	scene

	account string
	topic   string // ARN
}

func (k monitorKind) scene(ctx context.Context, id mlops.ID) (monitorScene, error) {
	s, err := k.sceneOf(ctx, id, naming{noun: mlops.NounMonitor, longest: maxName})
	if err != nil {
		return monitorScene{}, err
	}
	return monitorScene{s, s.place.Account, s.c.arn("sns", s.place.Account, "mlops-monitor-"+s.name)}, nil
}

// Create makes the topic first: with it the monitor exists.
func (k monitorKind) Create(ctx context.Context, spec mlops.MonitorSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update brings a monitor to a spec.
func (k monitorKind) Update(ctx context.Context, ref mlops.ID, spec mlops.MonitorSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

// Get looks at the record, and at the schedule where there is one.
func (k monitorKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus], error) {
	return show(ctx, k, ref)
}

// Delete removes all parts, the topic with the record last. Schedules take a while
// to be gone, and hold their definitions for as long: what follows is finished by
// Advance.
func (k monitorKind) Delete(ctx context.Context, ref mlops.ID) error { return remove(ctx, k, ref) }

func (k monitorKind) admit(ctx context.Context, spec mlops.MonitorSpec) error {
	if err := capabilities().Admit(name, mlops.NounMonitor, spec.Name, spec); err != nil {
		return err
	}
	check := mlops.NewChecker()
	checkMonitor(check, spec)
	checkCompleteMonitor(ctx, check, spec)
	if spec.Endpoint == "" {
		check.Add(mlops.At("endpoint"), "No endpoint", "A monitor watches an endpoint.")
	}
	if err := check.Err(); err != nil {
		return err
	}
	p, err := k.place(ctx, spec.ID())
	if err != nil {
		return err
	}
	checkTruthPlace(check, spec, p)
	checkExplainedPlace(check, spec, p)
	if err := check.Err(); err != nil {
		return err
	}
	return k.monitorReferences(ctx, spec)
}

// monitorReferences insists that what a monitor refers to is there. What is not is the
// fault of the attribute that names it, and not NotFound: that would be the monitor.
func (k monitorKind) monitorReferences(ctx context.Context, spec mlops.MonitorSpec) error {
	missing := func(field string, err error) error {
		if k.is(err, mlops.NotFound) {
			return &mlops.Error{Code: mlops.Invalid, Field: field, Err: err}
		}
		return err
	}
	if _, err := modelEndpointKind(k).Get(ctx, spec.Endpoint); err != nil {
		return missing("endpoint", err)
	}
	if o := spec.OnViolation; o != nil {
		if _, err := pipelineKind(k).Get(ctx, o.Pipeline); err != nil {
			return missing("on_violation.pipeline", err)
		}
	}
	if b := spec.Baseline; b != nil && b.Dataset != "" {
		if _, err := datasetKind(k).Get(ctx, b.Dataset); err != nil {
			return missing("baseline.dataset", err)
		}
	}
	if b := spec.Baseline; b != nil && b.Run != "" {
		if _, err := pipelineRunKind(k).Get(ctx, b.Run); err != nil {
			return missing("baseline.run", err)
		}
	}
	return nil
}

// look reads the topic's tags, and the record in them.
func (k monitorKind) look(ctx context.Context, s monitorScene) (tagged, error) {
	tags, err := topicTags(ctx, s.c, s.topic)
	if err != nil {
		return tagged{}, err
	}
	return taggedBy(s.topic, tags)
}

func (k monitorKind) add(ctx context.Context, s monitorScene, spec mlops.MonitorSpec) (mlops.Change, error) {
	return k.change(ctx, s, spec, tagged{})
}

// change writes the record and brings what can be changed at once to the spec; what
// takes more steps follows by Advance.
func (k monitorKind) change(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, old tagged) (mlops.Change, error) {
	r, err := k.newRecord(s.id, withoutWebhook(spec))
	if err != nil {
		return mlops.Change{}, err
	}
	defer k.followers.forget(s.id.Environment())
	p := monitorPlan{monitorScene: s, spec: spec}
	if p.kept, err = k.keep(ctx, s, spec, old.record); err != nil {
		return mlops.Change{}, err
	}
	if r.Extra, err = json.Marshal(p.kept); err != nil {
		return mlops.Change{}, err
	}
	tags, err := k.tagsWith(s.place.spec, spec.Labels, r)
	if err != nil {
		return mlops.Change{}, err
	}
	noted := withWords(tags, append(wordsAhead(jobWords(old.tags), spec), wordUnwatched))
	if err := k.putMonitorTopic(ctx, s, spec, noted, old.tags); err != nil {
		return mlops.Change{}, err
	}
	return r.change(), k.putParts(ctx, p, noted)
}

// putParts brings alarms and rules to the spec, and takes the first step of jobs. Noted
// are the topic's tags.
func (k monitorKind) putParts(ctx context.Context, p monitorPlan, noted map[string]string) error {
	variants, err := k.monitoredVariants(ctx, p.spec.Endpoint)
	if err != nil {
		return err
	}
	if err := k.putWatch(ctx, p, monitorAlarms(p, variants), noted); err != nil {
		return err
	}
	if err := k.describeBaselines(ctx, p); err != nil {
		return err
	}
	words := slices.DeleteFunc(jobWords(noted), func(word string) bool { return word == wordUnwatched })
	return noteJobs(ctx, p.monitorScene, noted, words)
}

// putWatch brings rules and alarms to what is wanted. The alarms come last: what was
// interrupted shows by those that there are. Noted are the topic's tags.
func (k monitorKind) putWatch(ctx context.Context, p monitorPlan, alarms map[string]*cloudwatch.PutMetricAlarmInput, noted map[string]string) error {
	tags := maps.Clone(noted)
	delete(tags, tagJobs)
	health := maps.Clone(alarms)
	maps.DeleteFunc(health, func(_ string, a *cloudwatch.PutMetricAlarmInput) bool {
		return checkOf(types.MetricAlarm{Namespace: a.Namespace}) != "health"
	})
	if err := k.putMonitorRules(ctx, p, slices.Sorted(maps.Keys(health)), tags); err != nil {
		return err
	}
	return k.putMonitorAlarms(ctx, p.c, alarms, p.id, cloudwatchTags(tags))
}

// describeBaselines starts the jobs that describe the baseline.
func (k monitorKind) describeBaselines(ctx context.Context, p monitorPlan) error {
	for _, t := range jobTypes() {
		if t.described == nil || !t.wanted(p.spec) {
			continue
		}
		if _, err := k.baselineDescribed(ctx, p, t.described(p)); err != nil {
			return err
		}
	}
	return nil
}

// groupOf is the group that a record's spec compares.
func groupOf(r record) string {
	var spec mlops.MonitorSpec
	if r.into(&spec) != nil || spec.Bias == nil {
		return ""
	}
	return spec.Bias.Group
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

func (k monitorKind) observe(ctx context.Context, s monitorScene, m tagged) (monitorSeen, error) {
	seen := monitorSeen{Ref: s.id, Revision: m.record.Revision, Phase: mlops.PhaseReady, Native: map[string]string{"topic_arn": s.topic}}
	err := m.record.into(&seen.Spec)
	if err != nil {
		return seen, err
	}
	seen.Status, err = k.monitorStatus(ctx, s, seen.Spec, m.record.Created)
	if err != nil {
		return seen, err
	}
	if m.leaving() {
		seen.Phase, seen.Reason, seen.Due = mlops.PhaseDeleting, "its schedules are being removed", true
		return seen, nil
	}
	return seen, k.lookAtJobs(ctx, monitorPlan{s, seen.Spec, keptOf(m.record)}, jobWords(m.tags), &seen)
}

// Advance takes the next step: of the jobs, or of a deletion.
func (k monitorKind) Advance(ctx context.Context, ref mlops.ID) error {
	return noun(k).Advance(ctx, ref, k.advance)
}

func (k monitorKind) advance(ctx context.Context, s monitorScene, m tagged) error {
	if m.leaving() {
		return k.finishMonitor(ctx, s, m.tags)
	}
	var spec mlops.MonitorSpec
	if err := m.record.into(&spec); err != nil {
		return err
	}
	p := monitorPlan{s, spec, keptOf(m.record)}
	if slices.Contains(jobWords(m.tags), wordUnwatched) {
		return k.putParts(ctx, p, m.tags)
	}
	return k.putJobs(ctx, p, m.tags)
}

func (k monitorKind) drop(ctx context.Context, s monitorScene, m tagged) error {
	defer k.followers.forget(s.id.Environment())
	if err := k.dropMonitorRules(ctx, s); err != nil {
		return err
	}
	if err := k.putMonitorAlarms(ctx, s.c, nil, s.id, nil); err != nil {
		return err
	}
	if len(jobWords(m.tags)) > 0 {
		if err := tagTopic(ctx, s.c, s.topic, nil, map[string]string{tagDeleting: "true"}); err != nil {
			return err
		}
	}
	return k.finishMonitor(ctx, s, m.tags)
}

// finishMonitor takes the next step of a deletion: the schedules, and when they are
// gone their definitions, the files and the topic.
func (k monitorKind) finishMonitor(ctx context.Context, s monitorScene, tags map[string]string) error {
	left := false
	for _, t := range jobTypes() {
		if !slices.Contains(jobWords(tags), t.word) {
			continue
		}
		gone, err := k.dropJob(ctx, s, t)
		if err != nil {
			return err
		}
		left = left || !gone
	}
	if left {
		return nil
	}
	if err := s.files.remove(ctx, s.place.key(s.folder())); err != nil {
		return err
	}
	_, err := s.c.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &s.topic})
	return err
}

// putMonitorTopic makes the topic, or changes its tags, and subscribes who is
// told. Have are the tags that it has, nil for one that is not there.
func (k monitorKind) putMonitorTopic(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, tags, have map[string]string) error {
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
