package sagemaker

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// health watches two limits, of which breaking one starts the pipeline.
func (b *monitorBench) health(mostPercent float64) func(*mlops.MonitorSpec) {
	return func(s *mlops.MonitorSpec) {
		s.Health = &mlops.HealthCheck{MaxErrorPercent: &mostPercent, MinRequests: 1}
		s.OnViolation = &mlops.OnViolation{Pipeline: b.pipeline, Checks: []string{"health"}}
	}
}

// watch is what a monitor has in the account, apart from marks of content.
type watch struct {
	Alarms map[string]float64 // thresholds
	Heard  string             // what the rule of health listens to
	Parts  map[string]int
}

func (b *monitorBench) watch() watch {
	b.Helper()
	out := watch{Alarms: map[string]float64{}, Parts: map[string]int{}}
	alarms, err := b.c.cloudwatch.DescribeAlarms(b.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range alarms.MetricAlarms {
		out.Alarms[*a.AlarmName] = *a.Threshold
	}
	rule, err := b.c.events.DescribeRule(b.Context(), &eventbridge.DescribeRuleInput{Name: sdk.String("bench--watch-health")})
	if err != nil {
		b.Fatal(err)
	}
	out.Heard = *rule.EventPattern
	for _, name := range b.account.World.Names() {
		for _, part := range []string{"monitoring-schedule/", "quality-job-definition/", "bias-job-definition/", ":rule/"} {
			if strings.Contains(name, part) {
				out.Parts[part]++
			}
		}
	}
	return out
}

// everyCall are the calls that something makes, each of which can be cut off.
func (b *monitorBench) everyCall(do func()) []aws.Rule {
	b.Helper()
	b.account.ResetCalls()
	do()
	made := b.account.Calls()
	var all []aws.Rule
	for _, name := range slices.Sorted(maps.Keys(made)) {
		dot := strings.LastIndex(name, ".")
		for skip := range made[name] {
			all = append(all, aws.Rule{Service: name[:dot], Operation: name[dot+1:], Skip: skip})
		}
	}
	return all
}

// cuts are how a call can be cut off. To one that only reads they are all the same.
func cuts(call aws.Rule) []interruption {
	for _, verb := range []string{"Describe", "List", "Get", "GET", "HEAD"} {
		if strings.HasPrefix(call.Operation, verb) {
			return interruptions()[:1]
		}
	}
	return interruptions()
}

// TestMonitorUpdateSurvives proves that a change of a monitor which died at any of its
// calls ends as if it had not: whoever comes next and finds it accepted takes no more
// than the steps that are due, and nothing of the former is left.
func TestMonitorUpdateSurvives(t *testing.T) {
	t.Parallel()
	before := func(b *monitorBench) mlops.MonitorSpec { return b.spec(b.health(1)) }
	after := func(b *monitorBench) mlops.MonitorSpec {
		return b.spec(b.health(2), func(s *mlops.MonitorSpec) {
			s.Bias, s.ModelQuality.Min["accuracy"] = nil, 0.7
			s.Window = mlops.Duration(6 * 3600e9)
		})
	}
	whole := newMonitorBench(t)
	made(t, whole.backend.Monitors(), before(whole))
	calls := whole.everyCall(func() {
		change, err := whole.monitors.Update(t.Context(), whole.monitorID(), after(whole))
		if err != nil {
			t.Fatal(err)
		}
		settledReady(t, whole.backend.Monitors(), change)
	})
	want := whole.watch()
	for _, call := range calls {
		for _, how := range cuts(call) {
			t.Run(call.Service+"."+call.Operation+"/"+strconv.Itoa(call.Skip)+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				b := newMonitorBench(t)
				made(t, b.backend.Monitors(), before(b))
				b.impatient()
				b.monitors = monitorKind{b.backend}
				b.account.Inject(how.rule(call))
				b.updateAnyhow(after(b))
				b.account.Heal()
				if diff := cmp.Diff(want, b.watch()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				b.removeAfterAll()
			})
		}
	}
}

// updateAnyhow asks for a change until it is accepted, and takes the steps that are due,
// errors or not.
func (b *monitorBench) updateAnyhow(spec mlops.MonitorSpec) {
	b.Helper()
	for range patientLooks {
		seen, err := b.monitors.Get(b.Context(), spec.ID())
		switch {
		case err != nil:
		case seen.Revision != revisionOf(withoutWebhook(spec)):
			if _, err := b.monitors.Update(b.Context(), spec.ID(), spec); err != nil {
				b.Logf("update: %v", err)
			}
		case seen.Phase == mlops.PhaseReady:
			return
		case seen.Due:
			if err := b.monitors.Advance(b.Context(), spec.ID()); err != nil {
				b.Logf("advance: %v", err)
			}
		}
	}
	b.Fatalf("%s does not settle", spec.ID())
}

// TestMonitorFollowsVariants proves that an endpoint whose variants get other names alone
// is watched under these, cut off at whichever call or not.
func TestMonitorFollowsVariants(t *testing.T) {
	t.Parallel()
	healthy := func(b *monitorBench) mlops.MonitorSpec {
		return b.spec(b.health(1), func(s *mlops.MonitorSpec) { s.ModelQuality, s.Bias, s.Baseline = nil, nil, nil })
	}
	renamed := func(b *monitorBench) mlops.ModelEndpointSpec {
		seen, err := b.kind.Get(b.Context(), b.endpoint)
		if err != nil {
			b.Fatal(err)
		}
		spec := seen.Spec
		spec.Variants = map[string]mlops.Variant{"other": spec.Variants["main"]}
		return spec
	}
	whole := newMonitorBench(t)
	made(t, whole.backend.Monitors(), healthy(whole))
	spec := renamed(whole)
	calls := whole.everyCall(func() {
		change, err := whole.kind.Update(t.Context(), whole.endpoint, spec)
		if err != nil {
			t.Fatal(err)
		}
		settledReady(t, whole.backend.ModelEndpoints(), change)
	})
	want := whole.watch()
	if names := slices.Sorted(maps.Keys(want.Alarms)); !slices.Equal(names, []string{"bench--watch-other-errors", "bench--watch-other-requests"}) ||
		!strings.Contains(want.Heard, "bench--watch-other-errors") || strings.Contains(want.Heard, "main") {
		t.Fatalf("the alarms are %q, and the pipeline hears %s", names, want.Heard)
	}
	for _, call := range calls {
		for _, how := range cuts(call) {
			t.Run(call.Service+"."+call.Operation+"/"+strconv.Itoa(call.Skip)+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				b := newMonitorBench(t)
				made(t, b.backend.Monitors(), healthy(b))
				spec := renamed(b)
				b.impatient()
				b.monitors = monitorKind{b.backend}
				b.account.Inject(how.rule(call))
				b.persist(func() error {
					_, err := b.kind.Update(t.Context(), b.endpoint, spec)
					return err
				})
				if seen := b.settleAnyhow(b.endpoint); seen.Phase != mlops.PhaseReady || seen.Revision != revisionOf(spec) {
					t.Fatalf("it is %s at %q because %q", seen.Phase, seen.Revision, seen.Reason)
				}
				b.account.Heal()
				if diff := cmp.Diff(want, b.watch()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				b.removeAfterAll()
			})
		}
	}
}
