package sagemaker

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// longLabels are labels that compress badly.
func longLabels(n int) map[string]string {
	labels := map[string]string{}
	for key := range manyLabels("label", n) {
		labels[key] = shortHash(key+"1") + shortHash(key+"2") + shortHash(key+"3")
	}
	return labels
}

// roomFor is the largest number of labels that a plan lets pass.
func roomFor[Spec, Status any](r registry, k mlops.Kind[Spec, Status], with func(labels map[string]string) Spec) int {
	r.Helper()
	checker, ok := k.(mlops.Preflighter[Spec])
	if !ok {
		r.Fatalf("%T checks nothing at plan", k)
	}
	for n := range maxTags + 1 {
		c := mlops.NewChecker()
		r.must(checker.Preflight(r.Context(), with(longLabels(n)), c))
		if err := c.Err(); err != nil {
			if !strings.Contains(err.Error(), "labels: Too many labels") {
				r.Errorf("%d labels: %v", n, err)
			}
			return n - 1
		}
	}
	r.Fatal("any number of labels passes")
	return 0
}

// TestTagRoom proves that as many labels as a plan lets pass can be made, and
// changed; and that a plan lets pass a sensible number.
func TestTagRoom(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	endpoint := r.watched("churn")
	t.Run("model", func(t *testing.T) {
		t.Parallel()
		fills(r.within(t), r.Models(), func(labels map[string]string) mlops.ModelSpec {
			return mlops.ModelSpec{Environment: r.environment, Name: "words", Labels: labels}
		}, func(s *mlops.ModelSpec) { s.Description = "changed" })
	})
	t.Run("experiment", func(t *testing.T) {
		t.Parallel()
		fills(r.within(t), r.Experiments(), func(labels map[string]string) mlops.ExperimentSpec {
			return mlops.ExperimentSpec{Environment: r.environment, Name: "words", Labels: labels}
		}, func(s *mlops.ExperimentSpec) { s.Description = "changed" })
	})
	t.Run("endpoint", func(t *testing.T) {
		t.Parallel()
		fills(r.within(t), r.ModelEndpoints(), func(labels map[string]string) mlops.ModelEndpointSpec {
			s := endpoint
			s.Name, s.Labels = "full", labels
			return s
		}, func(s *mlops.ModelEndpointSpec) { s.Capture = &mlops.Capture{SamplePercent: 50} })
	})
	t.Run("monitor", func(t *testing.T) {
		t.Parallel()
		fills(r.within(t), r.Monitors(), func(labels map[string]string) mlops.MonitorSpec {
			return mlops.MonitorSpec{
				Name: "full", Endpoint: endpoint.ID(), Labels: labels, Schedule: mlops.Schedule{Cron: "0 * * * *"},
				DataDrift: &mlops.DriftCheck{}, Baseline: &mlops.Baseline{URI: r.file("base.csv", "a\n1\n"), Format: "csv"},
			}
		}, func(s *mlops.MonitorSpec) { s.Description = "changed" })
	})
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		fills(r.within(t), r.Environments(), func(labels map[string]string) mlops.EnvironmentSpec {
			id := mlops.EnvironmentID(name, []string{testRegion}, "full")
			return mlops.EnvironmentSpec{ID: id, Name: "full", Stage: "dev", Target: mlops.Target{Backend: name}, Labels: labels}
		}, func(s *mlops.EnvironmentSpec) { s.Stage = "test" })
	})
}

// TestTagRoomIsShared proves that what the environment and the provider put on
// everything takes of an object's room, at plan and, in part, before all is known.
func TestTagRoomIsShared(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	crowded := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testRegion}, "crowded"), Name: "crowded", Stage: "dev",
		Target: mlops.Target{Backend: name}, Labels: manyLabels("environment", 15),
	}
	r.the(r.Environments().Create(t.Context(), crowded))
	generous := open(mlops.Options{Owner: "us", Settings: mlops.Settings{
		settingRegion: testRegion, settingEndpoint: r.account.URL, settingTags: manyLabels("default", 5),
	}})
	room := func(b *backend, environment mlops.ID) int {
		return roomFor(r, b.Models(), func(labels map[string]string) mlops.ModelSpec {
			return mlops.ModelSpec{Environment: environment, Name: "words", Labels: labels}
		})
	}
	alone, planned := room(r.backend, r.environment), room(r.backend, mlops.EnvironmentID(name, []string{testRegion}, "planned"))
	if planned != alone {
		t.Errorf("room for %d in an environment without labels, for %d in one that is planned", alone, planned)
	}
	// Fewer labels make a smaller record, which leaves room for a few more.
	if got := room(generous, crowded.ID); got < alone-20 || got > alone-14 {
		t.Errorf("room for %d beside 20 others, for %d alone", got, alone)
	}
	c := mlops.NewChecker(mlops.At("description"))
	limits(c, mlops.ModelSpec{Environment: crowded.ID, Name: "words", Labels: longLabels(alone + 1)})
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "labels: Too many labels") {
		t.Errorf("with more labels than ever fit: %v", err)
	}
}

// within is the registry of a subtest.
func (r registry) within(t *testing.T) registry {
	t.Helper()
	r.T = t
	return r
}

func fills[Spec, Status any](r registry, k mlops.Kind[Spec, Status], with func(labels map[string]string) Spec, change func(*Spec)) {
	r.Helper()
	n := roomFor(r, k, with)
	if n < 12 || n > 40 {
		r.Errorf("there is room for %d labels, want some 12 to 40", n)
	}
	spec := with(longLabels(n))
	made := r.the(k.Create(r.Context(), spec))
	change(&spec)
	r.the(k.Update(r.Context(), made.Ref, spec))
}
