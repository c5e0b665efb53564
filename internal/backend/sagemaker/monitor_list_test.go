package sagemaker

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// watched makes an endpoint in an environment of its own, or in one that is there.
func (r registry) watched(environment string) mlops.ModelEndpointSpec {
	r.Helper()
	id := mlops.EnvironmentID(name, []string{testRegion}, environment)
	r.the(r.Environments().Create(r.Context(), mlops.EnvironmentSpec{ID: id, Name: environment, Stage: "dev", Target: mlops.Target{Backend: name}}))
	model := r.the(r.Models().Create(r.Context(), mlops.ModelSpec{Environment: id, Name: "trees"})).Ref
	version := r.the(r.ModelVersions().Create(r.Context(), r.versionSpec("a", func(s *mlops.ModelVersionSpec) { s.Model = model }))).Ref
	spec := mlops.ModelEndpointSpec{Environment: id, Name: "trees", Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}}}
	r.the(r.ModelEndpoints().Create(r.Context(), spec))
	return spec
}

// watch makes a monitor of an endpoint.
func (r registry) watch(name string, endpoint mlops.ModelEndpointSpec, change func(*mlops.MonitorSpec)) mlops.ID {
	r.Helper()
	spec := mlops.MonitorSpec{Name: name, Endpoint: endpoint.ID(), Schedule: mlops.Schedule{Cron: "0 * * * *"}, Health: &mlops.HealthCheck{MaxErrorPercent: new(1.0)}}
	if change != nil {
		change(&spec)
	}
	return r.the(r.Monitors().Create(r.Context(), spec)).Ref
}

// TestMonitorList proves that the monitors of an environment are listed as single
// looks show them, and neither another's nor what only has such a name.
func TestMonitorList(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	endpoint, other := r.watched("churn"), r.watched("churn--b") // begins like the names in the first
	want := []mlops.ID{r.watch("drift", endpoint, nil), r.watch("health", endpoint, nil)}
	r.watch("drift", other, nil)
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	_, err = c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("mlops-monitor-churn--foreign")})
	r.must(err)

	kind := monitorKind{r.backend}
	all, err := kind.List(t.Context(), r.environment)
	r.must(err)
	got := []mlops.ID{}
	for _, seen := range all {
		got = append(got, seen.Ref)
		single, err := kind.Get(t.Context(), seen.Ref)
		r.must(err)
		if diff := cmp.Diff(single, seen); diff != "" {
			t.Errorf("%s (-get +list):\n%s", seen.Ref, diff)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("monitors (-want +got):\n%s", diff)
	}
	if none, err := kind.List(t.Context(), mlops.EnvironmentID(name, []string{testRegion}, "nowhere")); err != nil || len(none) > 0 {
		t.Errorf("an environment that is not there has %v, %v", none, err)
	}
}

// TestComparedDataset proves that a dataset that a monitor compares with stays.
func TestComparedDataset(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	data := r.dataset("a\n1\n", nil)
	monitor := r.watch("drift", r.watched("churn"), func(s *mlops.MonitorSpec) {
		s.DataDrift, s.Baseline = &mlops.DriftCheck{}, &mlops.Baseline{Dataset: data.ID()}
	})
	r.wantCode("delete", r.Datasets().Delete(t.Context(), data.ID()), mlops.Conflict, string(monitor))
}
