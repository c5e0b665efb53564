package aws

import (
	"maps"
	"slices"
)

// history are the kinds of SageMaker's objects that cannot be deleted.
func history() []string { return []string{smProcessing, smTraining, smExecution} }

// names lists everything that can be deleted, by service.
func (w *World) names() []string {
	var all []string
	add := func(service string, keys []string) {
		for _, key := range keys {
			all = append(all, service+" "+key)
		}
	}
	for arn, o := range w.sm().objects {
		if !slices.Contains(history(), o.kind) {
			all = append(all, "sagemaker "+arn)
		}
	}
	if w.identity != nil {
		add("iam", slices.Collect(maps.Keys(w.identity.roles)))
	}
	if w.storage != nil {
		add("s3", slices.Collect(maps.Keys(w.storage.buckets)))
	}
	if w.parameters != nil {
		add("ssm", slices.Collect(maps.Keys(w.parameters.parameters)))
	}
	if w.topics != nil {
		add("sns", slices.Collect(maps.Keys(w.topics.topics)))
	}
	if w.schedules != nil {
		add("scheduler", slices.Collect(maps.Keys(w.schedules.schedules)))
	}
	if w.rules != nil {
		add("events", slices.Collect(maps.Keys(w.rules.rules)))
	}
	if w.alarms != nil {
		add("monitoring", slices.Collect(maps.Keys(w.alarms.alarms)))
	}
	if w.autoscaling != nil {
		add("application-autoscaling", slices.Collect(maps.Keys(w.autoscaling.targets)))
	}
	if w.budgets != nil {
		add("budgets", slices.Collect(maps.Keys(w.budgets.budgets)))
	}
	if w.registry != nil {
		add("ecr", slices.Collect(maps.Keys(w.registry.repositories)))
	}
	slices.Sort(all)
	return all
}
