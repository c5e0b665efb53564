package sagemaker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestExplanationFiles proves what Clarify reads: rows as the endpoint takes them, and
// what is usual of each feature for where it is absent.
func TestExplanationFiles(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	file := filepath.Join(t.TempDir(), "customers.csv")
	const data = "age,colour,prediction,member,balance\n31,red,1,true,0.5\n42,blue,0,false,inf\n27,red,1,true,\n90,\"a \"\"b\"\"\",0,true,2\n"
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := b.backend.store(t.Context(), b.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.putFile(t.Context(), "customers.csv", file); err != nil {
		t.Fatal(err)
	}
	e := explanation{features: []string{"colour", "age", "member", "balance"}, samples: 100, model: "m-1", machine: "ml.m5.large", prefix: "mlops-x"}
	if err := e.read(t.Context(), files, "s3://"+b.bucket+"/customers.csv", "csv"); err != nil {
		t.Fatal(err)
	}
	const predictor = `"predictor":{"accept_type":"application/json","content_template":"{\"instances\":$records}","content_type":"application/json",` +
		`"endpoint_name_prefix":"mlops-x","initial_instance_count":1,"instance_type":"ml.m5.large",`
	const shap = `"methods":{"shap":{"agg_method":"mean_abs","baseline":{"instances":[["red",31,true,0.5]]},"num_samples":100,"seed":1}},`
	for _, tt := range []struct{ name, got, want string }{
		{"rows", string(instancesJSON(e.rows)), `{"instances":[["red",31,true,0.5],["blue",42,false,null],["red",27,true,null],["a \"b\"",90,true,2]]}`},
		{
			"analysis", string(e.analysisConfig()),
			`{"headers":["colour","age","member","balance"],` + shap + predictor + `"model_name":"m-1","record_template":"$features"},"version":"1.0"}`,
		},
		{
			"baseline", string(e.baselineConfig()),
			`{"dataset_type":"application/json","features":"instances[*]","headers":["colour","age","member","balance"],` + shap + predictor +
				`"label":"predictions[*]","model_name":"m-1","record_template":"$features"},"version":"1.0"}`,
		},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	e.features = []string{"height"}
	if err := e.read(t.Context(), files, "s3://"+b.bucket+"/customers.csv", "csv"); mlops.CodeOf(err) != mlops.Invalid || fieldOf(err) != "baseline" {
		t.Errorf("a feature that the baseline lacks: %v", err)
	}
}

func TestShadowPrefix(t *testing.T) {
	t.Parallel()
	for _, id := range []mlops.ID{"sagemaker/us-east-1/a", "sagemaker/us-gov-west-1/" + mlops.ID(strings.Repeat("x", 63))} {
		if p := shadowPrefix(id); len(p) > 23 || !strings.HasPrefix(p, "mlops-x-") {
			t.Errorf("%q is longer than Clarify takes", p)
		}
	}
}

// explainedSpec is a monitor that explains its model alone.
func (b *monitorBench) explainedSpec(change ...func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	b.Helper()
	return b.spec(append([]func(*mlops.MonitorSpec){func(s *mlops.MonitorSpec) {
		s.ModelQuality, s.Bias, s.Explainability = nil, nil, &mlops.ExplainabilityCheck{Samples: 50}
	}}, change...)...)
}

const explainedSchedule = "bench--watch--explainability"

// explainJob is the definition that the schedule runs.
func (b *monitorBench) explainJob() *sagemaker.DescribeModelExplainabilityJobDefinitionOutput {
	b.Helper()
	schedule, err := b.c.sagemaker.DescribeMonitoringSchedule(b.Context(), &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: sdk.String(explainedSchedule)})
	if err != nil {
		b.Fatal(err)
	}
	if when := schedule.MonitoringScheduleConfig.ScheduleConfig; *when.DataAnalysisStartTime != "-PT24H" || *when.DataAnalysisEndTime != "-PT0H" {
		b.Errorf("it looks from %s to %s", *when.DataAnalysisStartTime, *when.DataAnalysisEndTime)
	}
	out, err := b.c.sagemaker.DescribeModelExplainabilityJobDefinition(b.Context(), &sagemaker.DescribeModelExplainabilityJobDefinitionInput{
		JobDefinitionName: schedule.MonitoringScheduleConfig.MonitoringJobDefinitionName,
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestMonitorExplains proves what Clarify is asked for, and that what its jobs find is
// the monitor's state.
func TestMonitorExplains(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	seen := made(t, b.backend.Monitors(), b.explainedSpec())
	for _, key := range []string{"explainability_schedule_arn", "explainability_baseline_job_arn"} {
		if seen.Native[key] == "" {
			t.Errorf("native lacks %s: %v", key, seen.Native)
		}
	}
	d := b.explainJob()
	job, err := b.c.sagemaker.DescribeProcessingJob(t.Context(), &sagemaker.DescribeProcessingJobInput{ProcessingJobName: sdk.String(lastPart(seen.Native["explainability_baseline_job_arn"]))})
	if err != nil {
		t.Fatal(err)
	}
	found := *job.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri + "/analysis.json"
	got := []string{*d.ModelExplainabilityJobInput.EndpointInput.InferenceAttribute, *d.ModelExplainabilityBaselineConfig.ConstraintsResource.S3Uri}
	if diff := cmp.Diff([]string{"predictions[*]", found}, got); diff != "" {
		t.Errorf("the definition (-want +got):\n%s", diff)
	}
	const sameOrder, reversed = 0.6, 0.01
	if s := b.run(explainedSchedule, map[string]float64{"age": sameOrder, "colour": 0.3}); s.State != mlops.MonitorOK || s.LastReport.Checks["explainability"].State != mlops.MonitorOK {
		t.Fatalf("the same order: %+v", s)
	}
	s := b.run(explainedSchedule, map[string]float64{"age": reversed, "colour": 0.7})
	if s.State != mlops.MonitorViolated || s.LastViolated.IsZero() {
		t.Errorf("another order: %+v", s)
	}
	rule, err := b.c.events.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: sdk.String("bench--watch-data")})
	if err != nil || !strings.Contains(*rule.EventPattern, "monitoring-schedule/"+explainedSchedule) {
		t.Errorf("who is told of it: %v, %v", rule, err)
	}
	b.remove()
}

// lastPart is what stands after an ARN's last slash.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// TestMonitorDescribesAgain proves that a baseline whose description failed is
// described anew by the next change: names of jobs are taken for ever.
func TestMonitorDescribesAgain(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	if _, err := b.monitors.Create(t.Context(), b.explainedSpec()); err != nil {
		t.Fatal(err)
	}
	jobs, err := b.c.sagemaker.ListProcessingJobs(t.Context(), &sagemaker.ListProcessingJobsInput{})
	if err != nil || len(jobs.ProcessingJobSummaries) != 1 {
		t.Fatalf("the jobs are %+v, %v", jobs, err)
	}
	if _, err := b.c.sagemaker.StopProcessingJob(t.Context(), &sagemaker.StopProcessingJobInput{ProcessingJobName: jobs.ProcessingJobSummaries[0].ProcessingJobName}); err != nil {
		t.Fatal(err)
	}
	var seen monitorSeen
	for range patientLooks {
		var err error
		if seen, err = b.monitors.Get(t.Context(), b.monitorID()); err != nil {
			t.Fatal(err)
		}
		if seen.Phase == mlops.PhaseFailed {
			break
		}
	}
	if seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "describes the baseline failed") {
		t.Fatalf("with a job that was stopped it is %s because %q", seen.Phase, seen.Reason)
	}
	change, err := b.monitors.Update(t.Context(), b.monitorID(), b.explainedSpec())
	if err != nil {
		t.Fatal(err)
	}
	settledReady(t, b.backend.Monitors(), change)
	b.remove()
}

// TestExplainedOutOfReach proves that explanations without a network are refused at
// plan.
func TestExplainedOutOfReach(t *testing.T) {
	t.Parallel()
	for isolated, want := range map[bool]string{true: "explainability", false: ""} {
		check := mlops.NewChecker()
		checkExplainedPlace(check, mlops.MonitorSpec{Explainability: &mlops.ExplainabilityCheck{}}, place{Isolated: isolated})
		if got := fieldOf(check.Err()); got != want {
			t.Errorf("isolated %t: refused at %q, want %q", isolated, got, want)
		}
	}
}

// TestMonitorOverridesReachTheJobs proves that overrides are in what AWS is asked for,
// and that a change of them is one of the jobs.
func TestMonitorOverridesReachTheJobs(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	big := func(machine string) func(*mlops.MonitorSpec) {
		return func(s *mlops.MonitorSpec) {
			s.Overrides = `{"explainability": {"JobResources": {"ClusterConfig": {"InstanceType": "` + machine + `"}}}, ` +
				`"baseline": {"ProcessingResources": {"ClusterConfig": {"InstanceType": "` + machine + `"}}}}`
		}
	}
	made(t, b.backend.Monitors(), b.explainedSpec(big("ml.m5.4xlarge")))
	change, err := b.monitors.Update(t.Context(), b.monitorID(), b.explainedSpec(big("ml.m5.2xlarge")))
	if err != nil {
		t.Fatal(err)
	}
	seen := settledReady(t, b.backend.Monitors(), change)
	cluster := b.explainJob().JobResources.ClusterConfig
	if cluster.InstanceType != types.ProcessingInstanceTypeMlM52xlarge || *cluster.VolumeSizeInGB != monitorVolume {
		t.Errorf("the job runs on %s with %d GiB", cluster.InstanceType, *cluster.VolumeSizeInGB)
	}
	job, err := b.c.sagemaker.DescribeProcessingJob(t.Context(), &sagemaker.DescribeProcessingJobInput{ProcessingJobName: sdk.String(lastPart(seen.Native["explainability_baseline_job_arn"]))})
	if err != nil || job.ProcessingResources.ClusterConfig.InstanceType != types.ProcessingInstanceTypeMlM52xlarge {
		t.Errorf("the baseline is described by %+v, %v", job, err)
	}
	b.remove()
}

func TestCheckMonitorOverrides(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, overrides, want string }{ // "" is accepted
		{"a machine", `{"explainability": {"JobResources": {"ClusterConfig": {"InstanceType": "ml.m5.4xlarge"}}}}`, ""},
		{"a variable of the container", `{"data_quality": {"DataQualityAppSpecification": {"Environment": {"A": "b"}}}}`, ""},
		{"of the baseline", `{"baseline": {"StoppingCondition": {"MaxRuntimeInSeconds": 7200}}}`, ""},
		{"by request", `{"CreateDataQualityJobDefinition": {}}`, "no request that overrides can add to"},
		{"a check that is not made", `{"bias": {}}`, "The monitor has no bias"},
		{"of health", `{"health": {}}`, "those are baseline, bias,"},
		{"both of one job", `{"data_drift": {}, "data_quality": {}}`, "data_drift and data_quality in one job"},
		{"an unknown member", `{"data_drift": {"JobResource": {}}}`, `Did you mean "JobResources"?`},
		{"another endpoint", `{"data_drift": {"DataQualityJobInput": {"EndpointInput": {"EndpointName": "x"}}}}`, "use endpoint"},
		{"another window", `{"explainability": {"ModelExplainabilityJobInput": {"EndpointInput": {"StartTimeOffset": "-PT1H"}}}}`, "use window"},
		{"what is required", `{"data_drift": {"JobResources": {"ClusterConfig": {"InstanceType": null}}}}`, "InstanceType is required"},
		{"a list for an object", `{"data_drift": {"JobResources": []}}`, "is an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := explained(func(s *mlops.MonitorSpec) {
				s.DataDrift, s.DataQuality, s.Overrides = &mlops.DriftCheck{}, &mlops.DataQualityCheck{}, tt.overrides
			})
			c := mlops.NewChecker()
			checkMonitor(c, spec)
			checkCompleteMonitor(t.Context(), c, spec)
			field := ""
			if tt.want != "" {
				field = "overrides"
			}
			wantProblem(t, c, field, tt.want)
		})
	}
}
