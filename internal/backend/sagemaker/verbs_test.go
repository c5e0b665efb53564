package sagemaker

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// creation is how a noun's object comes to be.
type creation struct {
	name, service, operation string
	create                   func(t *testing.T, r registry, b *backend) (mlops.Change, error)
	revision                 func(t *testing.T, r registry, ref mlops.ID) string
}

// creations are those that the shared verbs do.
func creations() []creation {
	return []creation{
		creationOf("experiment", "sagemaker", "CreateExperiment", (*backend).Experiments, func(_ *testing.T, r registry) mlops.ExperimentSpec {
			return mlops.ExperimentSpec{Environment: r.environment, Name: "words"}
		}),
		creationOf("model", "sagemaker", "CreateModelPackageGroup", (*backend).Models, func(_ *testing.T, r registry) mlops.ModelSpec {
			return mlops.ModelSpec{Environment: r.environment, Name: "words"}
		}),
		creationOf("pipeline", "sagemaker", "CreatePipeline", (*backend).Pipelines, func(_ *testing.T, r registry) mlops.PipelineSpec {
			return mlops.PipelineSpec{Environment: r.environment, Name: "words", Steps: map[string]mlops.Step{"s": {Command: []string{"true"}}}}
		}),
		creationOf("monitor", "sns", "CreateTopic", (*backend).Monitors, func(_ *testing.T, r registry) mlops.MonitorSpec {
			endpoint := r.environment.Child(mlops.NounModelEndpoint, "trees")
			return mlops.MonitorSpec{Name: "words", Endpoint: endpoint, Schedule: mlops.Schedule{Cron: "0 * * * *"}, Health: &mlops.HealthCheck{MaxErrorPercent: new(1.0)}}
		}),
	}
}

func creationOf[Spec, Status any](
	name, service, operation string, kind func(*backend) mlops.Kind[Spec, Status], spec func(*testing.T, registry) Spec,
) creation {
	return creation{
		name: name, service: service, operation: operation,
		create: func(t *testing.T, r registry, b *backend) (mlops.Change, error) {
			t.Helper()
			return kind(b).Create(t.Context(), spec(t, r))
		},
		revision: func(t *testing.T, r registry, ref mlops.ID) string {
			t.Helper()
			seen, err := kind(r.backend).Get(t.Context(), ref)
			r.must(err)
			return seen.Revision
		},
	}
}

// TestLostCreation proves that an object whose creation was carried out and not
// answered is taken for its owner's own: by the SDK's own attempts, and by another
// apply.
func TestLostCreation(t *testing.T) {
	t.Parallel()
	for _, tt := range creations() {
		for _, attempts := range []int64{1, 8} {
			t.Run(fmt.Sprintf("%s, %d attempts", tt.name, attempts), func(t *testing.T) {
				t.Parallel()
				r := newRegistry(t, simulated.Config{})
				r.watched("churn")
				r.options.Settings[settingMaxAttempts] = attempts
				r.regions = map[string]*clients{}
				r.account.Inject(simulated.Rule{Service: tt.service, Operation: tt.operation, After: true})
				if _, err := tt.create(t, r, r.backend); (err == nil) != (attempts > 1) {
					t.Errorf("the first apply: %v", err)
				}
				change := r.the(tt.create(t, r, r.backend))
				if got := tt.revision(t, r, change.Ref); got != change.Revision {
					t.Errorf("in force is %q, want %q", got, change.Revision)
				}
			})
		}
	}
}

// TestCreationRace proves that of two applies of one owner that make an object at
// the same time the slower adopts what the faster made, and that another owner's
// is refused.
func TestCreationRace(t *testing.T) {
	t.Parallel()
	for _, tt := range creations() {
		for _, owner := range []string{"us", "them"} {
			t.Run(tt.name+" of "+owner, func(t *testing.T) {
				t.Parallel()
				r := newRegistry(t, simulated.Config{})
				r.watched("churn")
				before := r.account.Calls()[tt.service+"."+tt.operation]
				release, arrived := make(chan struct{}), make(chan struct{})
				r.account.Inject(simulated.Rule{Service: tt.service, Operation: tt.operation, Hold: release})
				var slow error
				go func() {
					defer close(arrived)
					_, slow = tt.create(t, r, r.backend)
				}()
				for r.account.Calls()[tt.service+"."+tt.operation] == before {
					runtime.Gosched()
				}
				faster := r.the(tt.create(t, r, r.as(owner)))
				close(release)
				<-arrived
				if owner == "us" {
					r.must(slow)
				} else {
					r.wantCode("the slower", slow, mlops.AlreadyExists, "another configuration")
				}
				if got := tt.revision(t, r, faster.Ref); got != faster.Revision {
					t.Errorf("in force is %q, want %q", got, faster.Revision)
				}
			})
		}
	}
}
