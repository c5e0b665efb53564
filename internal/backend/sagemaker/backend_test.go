package sagemaker

import (
	"os"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// TestMain keeps the tests from whatever account the machine has credentials of.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// testRegion is where the tests' environments are.
const testRegion = "us-east-1"

// testAccount is the simulation's.
const testAccount = "123456789012"

// TestConformance runs the suite against a simulated account, which holds every
// request to AWS's published models.
func TestConformance(t *testing.T) {
	t.Parallel()
	mlopstest.Run(t, mlopstest.Harness{Factory: Factory(), NewWorld: newWorld})
}

func newWorld(t *testing.T) mlopstest.World {
	t.Helper()
	account := awstest.Start(t, aws.Config{Looks: 1})
	account.World.SetHooks(aws.Hooks{RunStep: runStep})
	account.World.SetQuota("ml.g6.xlarge for endpoint usage", 1) // what the sample with an accelerator resolves to
	return mlopstest.World{
		Adapt:      adapt,
		Scope:      []string{testRegion},
		Image:      "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
		Machine:    "ml.m5.xlarge",
		Definition: testDefinition,
		Overrides: map[mlops.Noun]string{
			mlops.NounModelVersion:  `{"CreateModelPackage": {"Domain": "MACHINE_LEARNING", "Task": "CLASSIFICATION"}}`,
			mlops.NounModelEndpoint: `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/churn"}}}}`,
			mlops.NounMonitor:       `{"data_drift": {"JobResources": {"ClusterConfig": {"InstanceType": "ml.m5.4xlarge"}}}}`,
		},
		Open: func(t *testing.T, owner string) mlops.Backend {
			t.Helper()
			return openAt(t, account.URL, owner)
		},
	}
}

// openAt opens the backend on a simulated account.
func openAt(t *testing.T, url, owner string) *backend {
	t.Helper()
	return open(mlops.Options{
		Settings: mlops.Settings{settingRegion: testRegion, settingEndpoint: url}, Owner: owner, Version: "dev",
	})
}

// testDefinition is a pipeline in SageMaker's own language.
const testDefinition = `{"Version": "2020-12-01", "Parameters": [], "Steps": [{"Name": "check", "Type": "Fail", "Arguments": {"ErrorMessage": "as asked"}}]}`

// runStep does what the suite's steps do, which are shell commands: no container
// runs in a simulation.
func runStep(run aws.StepRun) (outputs map[string][]byte, failure string) {
	if run.Step == "break" {
		return nil, "AlgorithmError: exit status 1"
	}
	outputs = map[string][]byte{
		"model/model":                        []byte("model"),
		"metrics/metrics":                    []byte(`{"accuracy": 0.9}`),
		"data/data":                          []byte("age,colour,prediction\n31,red,1\n42,blue,0\n"),
		"page/page":                          []byte("done"),
		"mail/mail":                          []byte("done"),
		"copy/copy":                          []byte("done"),
		"log/log":                            []byte("done"),
		"monitoring_output/constraints.json": []byte(suggested),
		"monitoring_output/statistics.json":  []byte(`{"version": 0.0, "features": []}`),
	}
	if run.Kind == "Training" { // whose outputs are folders of the one artifact
		for _, name := range []string{"model", "metrics", "data"} {
			outputs["model/"+name+"/"+outputFolder+"/"+name] = outputs[name+"/"+name]
		}
	}
	return outputs, ""
}

// adapt changes the suite's samples to what SageMaker takes of the same features.
func adapt(spec any) any {
	switch s := spec.(type) {
	case mlops.ModelEndpointSpec:
		return adaptEndpoint(s)
	case mlops.MonitorSpec:
		return adaptMonitor(s)
	}
	return spec
}

// adaptMonitor keeps a monitor to schedules by the hour, to the statistic that Model
// Monitor has, and to truth in S3; Clarify wants to know the features.
func adaptMonitor(s mlops.MonitorSpec) mlops.MonitorSpec {
	if s.Bias != nil {
		b := *s.Baseline
		b.Features = []string{"age", "colour"}
		s.Baseline, s.ModelQuality = &b, &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.5}}
	}
	if q := s.ModelQuality; q != nil {
		truth := *q
		truth.GroundTruth = "s3://" + bucketName(s.Endpoint.Environment(), testAccount, testRegion) + "/ground-truth"
		s.ModelQuality = &truth
	}
	if needsModelMonitor(s) {
		s.Schedule.Cron = "0 3 * * *"
	}
	if s.DataDrift != nil && s.DataDrift.Statistic != "" {
		d := *s.DataDrift
		d.Statistic = "ks"
		s.DataDrift = &d
	}
	if s.OnViolation != nil {
		o := *s.OnViolation
		o.MaxPerMonth, o.Cooldown = nil, 0
		s.OnViolation = &o
	}
	return s
}

// adaptEndpoint keeps an endpoint to what SageMaker has: requests of a minute, and a
// canary of one step.
func adaptEndpoint(s mlops.ModelEndpointSpec) mlops.ModelEndpointSpec {
	s.Timeout = min(s.Timeout, mlops.Duration(longestRequest))
	if s.Rollout != nil && s.Rollout.Strategy == mlops.RolloutCanary {
		r := *s.Rollout
		r.Steps = []int64{10}
		s.Rollout = &r
	}
	return s
}
