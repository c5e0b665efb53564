package sagemaker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// serving is the endpoint with another version.
func (b *monitorBench) serving(version mlops.ID) mlops.ModelEndpointSpec {
	b.Helper()
	return b.endpointBench.spec(version, func(s *mlops.ModelEndpointSpec) { s.Capture = &mlops.Capture{SamplePercent: 100} })
}

// rollOut puts a version in force, by the endpoint's own verbs alone.
func (b *monitorBench) rollOut(version mlops.ID) endpointSeen {
	b.Helper()
	change, err := b.kind.Update(b.Context(), b.endpoint, b.serving(version))
	if err != nil {
		b.Fatal(err)
	}
	return settledReady(b.T, b.backend.ModelEndpoints(), change)
}

// wantExplained insists that the monitor is whole, and that its jobs explain the model
// that is served, of which none but that is left.
func (b *monitorBench) wantExplained() {
	b.Helper()
	seen, err := b.monitors.Get(b.Context(), b.monitorID())
	if err != nil || seen.Phase != mlops.PhaseReady || seen.Due || seen.Revision != revisionOf(seen.Spec) {
		b.Errorf("the monitor is %s (a step is due: %t) at %q because %q, %v", seen.Phase, seen.Due, seen.Revision, seen.Reason, err)
	}
	models, err := b.c.sagemaker.ListModels(b.Context(), &sagemaker.ListModelsInput{})
	if err != nil || len(models.Models) != 1 {
		b.Fatalf("the models are %+v, %v; want that which is served", models, err)
	}
	files, err := b.backend.store(b.Context(), b.endpoint)
	if err != nil {
		b.Fatal(err)
	}
	var config struct {
		Predictor struct {
			Model string `json:"model_name"`
		} `json:"predictor"`
	}
	key := strings.TrimPrefix(*b.explainJob().ModelExplainabilityAppSpecification.ConfigUri, "s3://"+b.bucket+"/")
	raw, err := files.getBytes(b.Context(), key, 1<<16)
	if err != nil || json.Unmarshal(raw, &config) != nil || config.Predictor.Model != *models.Models[0].ModelName {
		b.Errorf("the job explains %q, %v; the endpoint serves %q", config.Predictor.Model, err, *models.Models[0].ModelName)
	}
	definitions, err := b.c.sagemaker.ListModelExplainabilityJobDefinitions(b.Context(), &sagemaker.ListModelExplainabilityJobDefinitionsInput{})
	if err != nil || len(definitions.JobDefinitionSummaries) != 1 {
		b.Errorf("the definitions are %+v, %v; want one", definitions, err)
	}
}

// TestMonitorFollowsTheModel proves that a rollout of an endpoint alone ends with its
// monitor explaining what is served, there and back, and leaves other monitors alone.
func TestMonitorFollowsTheModel(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	created := made(t, b.backend.Monitors(), b.explainedSpec())
	other := made(t, b.backend.Monitors(), b.spec(func(s *mlops.MonitorSpec) {
		s.Name, s.ModelQuality, s.Bias, s.Health, s.Baseline = "other", nil, nil, &mlops.HealthCheck{MaxErrorPercent: new(1.0)}, nil
	}))
	serves, err := b.kind.Get(t.Context(), b.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []mlops.ID{b.version("second"), serves.Spec.Variants["main"].Version} {
		b.rollOut(version)
		b.wantExplained()
	}
	for _, want := range []monitorSeen{created, other} {
		seen, err := b.monitors.Get(t.Context(), want.Ref)
		if err != nil || seen.Revision != want.Revision {
			t.Errorf("%s is at %q, %v; want %q still", want.Ref, seen.Revision, err, want.Revision)
		}
	}
	if err := b.monitors.Delete(t.Context(), other.Ref); err != nil {
		t.Fatal(err)
	}
	b.remove()
}

// TestMonitorFollowSurvives proves that such a rollout, cut off at any call that it
// makes for the monitor and taken up again, comes to the same end.
func TestMonitorFollowSurvives(t *testing.T) {
	t.Parallel()
	for _, call := range []aws.Rule{
		{Service: "sns", Operation: "ListTopics"},
		{Service: "sns", Operation: "ListTagsForResource"},
		{Service: "sns", Operation: "TagResource"},
		{Service: "s3", Operation: "PUT"},
		{Service: "s3", Operation: "PUT", Skip: 1},
		{Service: "s3", Operation: "GET"},
		{Service: "sagemaker", Operation: "DescribeEndpoint", Skip: 4},
		{Service: "sagemaker", Operation: "DescribeEndpointConfig"},
		{Service: "sagemaker", Operation: "DescribeProcessingJob"},
		{Service: "sagemaker", Operation: "DescribeProcessingJob", Skip: 1},
		{Service: "sagemaker", Operation: "DescribeProcessingJob", Skip: 2},
		{Service: "sagemaker", Operation: "CreateProcessingJob"},
		{Service: "sagemaker", Operation: "DescribeModelExplainabilityJobDefinition"},
		{Service: "sagemaker", Operation: "CreateModelExplainabilityJobDefinition"},
		{Service: "sagemaker", Operation: "DescribeMonitoringSchedule"},
		{Service: "sagemaker", Operation: "UpdateMonitoringSchedule"},
		{Service: "sagemaker", Operation: "ListModelExplainabilityJobDefinitions"},
		{Service: "sagemaker", Operation: "DeleteModelExplainabilityJobDefinition"},
		{Service: "sagemaker", Operation: "DeleteEndpointConfig"},
		{Service: "sagemaker", Operation: "DeleteModel"},
	} {
		for _, how := range interruptions() {
			t.Run(call.Operation+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				b := newMonitorBench(t)
				made(t, b.backend.Monitors(), b.explainedSpec())
				spec := b.serving(b.version("second"))
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
				if left := b.account.Heal(); left > 0 {
					t.Error("the call was never made")
				}
				b.wantExplained()
				b.removeAfterAll()
			})
		}
	}
}

// TestMonitorCannotFollow proves that a monitor which cannot explain the next model
// does not keep the endpoint from serving it, and says itself what is wrong.
func TestMonitorCannotFollow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		harm func(b *monitorBench)
		want string
	}{
		{"its baseline is gone", func(b *monitorBench) {
			files, err := b.backend.store(b.Context(), b.endpoint)
			if err == nil {
				err = files.remove(b.Context(), "monitors/watch/baseline/")
			}
			if err != nil {
				b.Fatal(err)
			}
		}, "the endpoint serves the model"},
		{"its job fails", func(b *monitorBench) {
			b.account.World.SetHooks(aws.Hooks{RunStep: func(aws.StepRun) (map[string][]byte, string) { return nil, "no prediction" }})
		}, "no prediction"},
		{"its job is refused", func(b *monitorBench) {
			b.account.Inject(aws.Rule{Service: "sagemaker", Operation: "CreateProcessingJob", Times: -1, Fault: &aws.Fault{Code: "AccessDeniedException", Message: "not you", Status: 400}})
		}, "the baseline is not described yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newMonitorBench(t)
			made(t, b.backend.Monitors(), b.explainedSpec())
			version := b.version("second")
			tt.harm(b)
			b.rollOut(version)
			if err := b.checkParts(b.endpoint); err != nil {
				t.Error(err)
			}
			seen, err := b.monitors.Get(t.Context(), b.monitorID())
			if err != nil || seen.Phase == mlops.PhaseReady || !strings.Contains(seen.Reason, tt.want) {
				t.Fatalf("the monitor is %s because %q, %v", seen.Phase, seen.Reason, err)
			}
			b.account.Heal()
			b.account.World.SetHooks(aws.Hooks{RunStep: runStep})
			change, err := b.monitors.Update(t.Context(), b.monitorID(), b.explainedSpec())
			if err != nil {
				t.Fatal(err)
			}
			settledReady(t, b.backend.Monitors(), change)
			b.wantExplained()
			b.remove()
		})
	}
}
