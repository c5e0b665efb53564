package sagemaker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// monitorBench is an endpoint that captures, data to compare with, and a place for
// the truth.
type monitorBench struct {
	*endpointBench

	monitors monitorKind
	endpoint mlops.ID
	pipeline mlops.ID
	bucket   string
}

func newMonitorBench(t *testing.T) *monitorBench {
	t.Helper()
	b := &monitorBench{endpointBench: newEndpointBench(t, 1)}
	b.account.World.SetHooks(aws.Hooks{RunStep: runStep})
	b.monitors = monitorKind{b.backend}
	b.endpoint = b.create(b.endpointBench.spec(b.version("first"), func(s *mlops.ModelEndpointSpec) { s.Capture = &mlops.Capture{SamplePercent: 100} })).Ref
	b.pipeline = made(t, b.backend.Pipelines(), mlops.PipelineSpec{
		Environment: b.model.Environment(), Name: "train", Steps: map[string]mlops.Step{"train": {Command: []string{"true"}}},
	}).Ref
	b.bucket = bucketName(b.model.Environment(), testAccount, testRegion)
	return b
}

// spec is a monitor of everything that needs the truth.
func (b *monitorBench) spec(change ...func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	b.Helper()
	file := filepath.Join(b.TempDir(), "customers.csv")
	if err := os.WriteFile(file, []byte("age,colour,prediction\n31,red,1\n42,blue,0\n27,red,1\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	s := mlops.MonitorSpec{
		Endpoint: b.endpoint, Name: "watch", Schedule: mlops.Schedule{Cron: "0 3 * * *"},
		Baseline: &mlops.Baseline{URI: file, Features: []string{"age", "colour"}},
		ModelQuality: &mlops.ModelQualityCheck{
			Task: "classification", GroundTruth: "s3://" + b.bucket + "/truth/", Min: map[string]float64{"accuracy": 0.9, "f1": 0.8}, Delay: mlops.Duration(90 * time.Minute),
		},
		Bias: &mlops.BiasCheck{Group: "colour", Statistic: "demographic_parity_difference", Threshold: 0.2},
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// truth puts a label where the jobs look for any.
func (b *monitorBench) truth() {
	b.Helper()
	files, err := b.backend.store(b.Context(), b.endpoint)
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range []string{"truth/2026/01/01/00/1.jsonl", "truth/bias/2026/01/01/00/1.jsonl"} {
		if err := files.putBytes(b.Context(), key, []byte("{}")); err != nil {
			b.Fatal(err)
		}
	}
}

// run plays a run of a schedule, which measures something, and looks at the monitor.
func (b *monitorBench) run(schedule string, measured map[string]float64) mlops.MonitorStatus {
	b.Helper()
	if err := b.account.World.Monitored(aws.Monitoring{Schedule: schedule, At: time.Now(), Measured: measured}); err != nil {
		b.Fatal(err)
	}
	seen, err := b.monitors.Get(b.Context(), b.monitorID())
	if err != nil {
		b.Fatal(err)
	}
	return seen.Status
}

func (b *monitorBench) monitorID() mlops.ID { return b.spec().ID() }

// left are the parts of monitors that the account has.
func (b *monitorBench) left() []string {
	var all []string
	for _, name := range b.account.World.Names() {
		if strings.Contains(name, "monitor") || strings.Contains(name, "job-definition") || strings.Contains(name, "--watch") {
			all = append(all, name)
		}
	}
	return all
}

// removeAfterAll is remove by the next process, which repeats what fails in passing.
func (b *monitorBench) removeAfterAll() {
	b.Helper()
	b.reopen(maxAttempts)
	b.monitors = monitorKind{b.backend}
	b.remove()
}

// remove deletes the monitor as the lifecycle does, and insists that nothing is left.
func (b *monitorBench) remove() {
	b.Helper()
	ref := b.monitorID()
	if err := b.monitors.Delete(b.Context(), ref); err != nil {
		b.Fatalf("delete: %v", err)
	}
	for range patientLooks {
		seen, err := b.monitors.Get(b.Context(), ref)
		if b.backend.is(err, mlops.NotFound) {
			break
		}
		if err != nil || seen.Phase != mlops.PhaseDeleting {
			b.Fatalf("it is %s, %v; want it deleting", seen.Phase, err)
		}
		if err := b.monitors.Advance(b.Context(), ref); err != nil {
			b.Fatalf("advance: %v", err)
		}
	}
	if left := b.left(); len(left) > 0 {
		b.Errorf("left behind: %q", left)
	}
	files, err := b.backend.store(b.Context(), b.endpoint)
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := files.digest(b.Context(), "s3://"+b.bucket+"/monitors/watch/"); !b.backend.is(err, mlops.NotFound) {
		b.Errorf("the monitor's files: %v, want none", err)
	}
}

// TestMonitorAsksForModelMonitor proves what AWS is asked for: the problem, the
// window, and the two folders of truth.
func TestMonitorAsksForModelMonitor(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	seen := made(t, b.backend.Monitors(), b.spec())
	quality, err := b.c.sagemaker.DescribeMonitoringSchedule(t.Context(), &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: sdk.String("bench--watch--quality")})
	if err != nil {
		t.Fatal(err)
	}
	if got := seen.Native["quality_schedule_arn"]; got != *quality.MonitoringScheduleArn {
		t.Errorf("native says %q of %q", got, *quality.MonitoringScheduleArn)
	}
	d, err := b.c.sagemaker.DescribeModelQualityJobDefinition(t.Context(), &sagemaker.DescribeModelQualityJobDefinitionInput{
		JobDefinitionName: quality.MonitoringScheduleConfig.MonitoringJobDefinitionName,
	})
	if err != nil {
		t.Fatal(err)
	}
	in := d.ModelQualityJobInput
	got := []string{
		string(d.ModelQualityAppSpecification.ProblemType), *in.GroundTruthS3Input.S3Uri, *in.EndpointInput.InferenceAttribute,
		*in.EndpointInput.StartTimeOffset, *in.EndpointInput.EndTimeOffset,
	}
	want := []string{"BinaryClassification", "s3://" + b.bucket + "/truth", "prediction", "-PT1530M", "-PT90M"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("model quality (-want +got):\n%s", diff)
	}
	bias, err := b.c.sagemaker.DescribeMonitoringSchedule(t.Context(), &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: sdk.String("bench--watch--bias")})
	if err != nil {
		t.Fatal(err)
	}
	e, err := b.c.sagemaker.DescribeModelBiasJobDefinition(t.Context(), &sagemaker.DescribeModelBiasJobDefinitionInput{
		JobDefinitionName: bias.MonitoringScheduleConfig.MonitoringJobDefinitionName,
	})
	if err != nil {
		t.Fatal(err)
	}
	got = []string{*e.ModelBiasAppSpecification.ImageUri, *e.ModelBiasJobInput.GroundTruthS3Input.S3Uri, *e.ModelBiasJobInput.EndpointInput.InferenceAttribute}
	want = []string{"205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0", "s3://" + b.bucket + "/truth/bias", "predictions[*]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bias (-want +got):\n%s", diff)
	}
	b.remove()
}

// TestMonitorFindsBadModels proves that what jobs measure is judged by the limits,
// by the job's constraints and by the alarms alike, and shown as the monitor's state.
func TestMonitorFindsBadModels(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	seen := made(t, b.backend.Monitors(), b.spec())
	if seen.Status.State != mlops.MonitorWaiting {
		t.Errorf("before any run it is %s", seen.Status.State)
	}
	const quality, bias = "bench--watch--quality", "bench--watch--bias"
	if s := b.run(quality, map[string]float64{"accuracy": 0.95}); s.State != mlops.MonitorBroken || !strings.Contains(s.LastReport.Reason, "ground truth") {
		t.Fatalf("without truth it is %s, want broken", s.State)
	}
	b.truth()
	s := b.run(quality, map[string]float64{"accuracy": 0.95, "f1": 0.9})
	if s.State != mlops.MonitorOK || !s.LastViolated.IsZero() || len(s.LastReport.Checks["model_quality"].Features) != 2 {
		t.Fatalf("a good model: %+v", s)
	}
	if s = b.run(bias, map[string]float64{"blue/DPPL": -0.1, "red/DPPL": 0.1}); s.State != mlops.MonitorOK || s.LastReport.Checks["bias"].State != mlops.MonitorOK {
		t.Fatalf("a fair model: %+v", s)
	}
	if s = b.run(bias, map[string]float64{"blue/DPPL": -0.5, "red/DPPL": 0.5}); s.State != mlops.MonitorViolated || s.LastViolated.IsZero() {
		t.Fatalf("an unfair model: %+v", s)
	}
	report := s.LastReport.Checks["bias"]
	low := report.Features[1]
	if report.State != mlops.MonitorViolated || !low.Violated || low.Statistic != "demographic_parity_difference" || *low.Threshold != -0.2 {
		t.Errorf("the report is %+v", report)
	}
	if q := s.LastReport.Checks["model_quality"].State; q != mlops.MonitorOK {
		t.Errorf("the model's quality is %s by then", q)
	}
	violated := s.LastViolated
	if s = b.run(quality, map[string]float64{"accuracy": 0.95, "f1": 0.1}); s.State != mlops.MonitorViolated || s.LastReport.Checks["model_quality"].State != mlops.MonitorViolated {
		t.Errorf("a bad model: %+v", s)
	}
	if s.LastViolated.Before(violated) {
		t.Errorf("last violated %s, and before that %s", s.LastViolated, violated)
	}
	b.remove()
}

// TestMonitorTrainsOnBadModels proves that the pipeline is started by the jobs of the
// checks that are to start it, and by no other.
func TestMonitorTrainsOnBadModels(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	made(t, b.backend.Monitors(), b.spec(func(s *mlops.MonitorSpec) {
		s.DataDrift = &mlops.DriftCheck{}
		s.OnViolation = &mlops.OnViolation{Pipeline: b.pipeline, Checks: []string{"bias"}}
	}))
	out, err := b.c.events.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: sdk.String("bench--watch-train")})
	if err != nil {
		t.Fatal(err)
	}
	if p := *out.EventPattern; !strings.Contains(p, "monitoring-schedule/bench--watch--bias") || strings.Contains(p, "quality") || strings.Contains(p, `bench--watch"`) {
		t.Errorf("the rule listens to %s", p)
	}
	b.remove()
}

// TestMonitorChangesItsChecks proves that a check that is dropped leaves nothing, and
// that one that changes is judged by its new definition.
func TestMonitorChangesItsChecks(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	first := made(t, b.backend.Monitors(), b.spec(func(s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{} }))
	if first.Native["predictions_schedule_arn"] == "" {
		t.Errorf("native is %v", first.Native)
	}
	for _, step := range []struct {
		name   string
		change func(*mlops.MonitorSpec)
		want   map[string]int // parts by what is in their names
	}{
		{"a limit", func(s *mlops.MonitorSpec) { s.ModelQuality.Min["accuracy"] = 0.7 }, map[string]int{"monitoring-schedule/": 2, "quality-job-definition/": 1, "bias-job-definition/": 1}},
		{"no bias", func(s *mlops.MonitorSpec) { s.Bias = nil }, map[string]int{"monitoring-schedule/": 1, "quality-job-definition/": 1, "bias-job-definition/": 0}},
		{"health alone", func(s *mlops.MonitorSpec) {
			s.Bias, s.ModelQuality, s.Baseline, s.Health = nil, nil, nil, &mlops.HealthCheck{MinRequests: 1}
		}, map[string]int{"monitoring-schedule/": 0, "job-definition/": 0}},
	} {
		spec := b.spec(step.change)
		change, err := b.monitors.Update(t.Context(), spec.ID(), spec)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		settledReady(t, b.backend.Monitors(), change)
		got := map[string]int{}
		for part := range step.want {
			got[part] = strings.Count(strings.Join(b.account.World.Names(), "\n"), part)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	b.remove()
}

// TestMonitorIsMadeAgain proves that a monitor of a former one's name describes its
// baseline anew: names of jobs are taken for ever, and their files are gone.
func TestMonitorIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	drift := func(s *mlops.MonitorSpec) { s.ModelQuality, s.Bias, s.DataDrift = nil, nil, &mlops.DriftCheck{} }
	first := made(t, b.backend.Monitors(), b.spec(drift))
	b.remove()
	second := made(t, b.backend.Monitors(), b.spec(drift))
	if first.Native["baseline_job_arn"] == second.Native["baseline_job_arn"] {
		t.Errorf("both by the job %s", first.Native["baseline_job_arn"])
	}
	b.remove()
}

// TestMonitorIsDeletedWhileMade proves that a deletion leaves nothing at whichever
// step the creation was.
func TestMonitorIsDeletedWhileMade(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	for steps := range 7 {
		spec := b.spec(func(s *mlops.MonitorSpec) { s.DataDrift, s.PredictionDrift = &mlops.DriftCheck{}, &mlops.DriftCheck{} })
		if _, err := b.monitors.Create(t.Context(), spec); err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		for range steps {
			if _, err := b.monitors.Get(t.Context(), spec.ID()); err != nil {
				t.Fatal(err)
			}
			if err := b.monitors.Advance(t.Context(), spec.ID()); err != nil {
				t.Fatal(err)
			}
		}
		if b.remove(); t.Failed() {
			t.Fatalf("after %d steps", steps)
		}
	}
}

// TestGroupsOfBaseline proves that what cannot be compared is refused, with the
// attribute at fault.
func TestGroupsOfBaseline(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	for _, c := range []struct{ name, data, at, words string }{
		{"no such column", "age,prediction\n31,1\n", "baseline", `no column "colour"`},
		{"one group", "age,colour\n31,red\n42,red\n", "bias.group", "1 values"},
		{"fractions", "age,colour\n31,0.5\n42,0.7\n", "bias.group", "text or whole numbers"},
		{"many", "age,colour\n" + strings.Join(strings.Fields("1,a 1,b 1,c 1,d 1,e 1,f 1,g 1,h 1,i 1,j 1,k"), "\n") + "\n", "bias.group", "11 values"},
		{"not in CloudWatch's letters", "age,colour\n31,röd\n42,blå\n", "bias.group", "ASCII"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "data.csv")
			if err := os.WriteFile(file, []byte(c.data), 0o600); err != nil {
				t.Fatal(err)
			}
			spec := b.spec(func(s *mlops.MonitorSpec) { s.Name, s.Baseline.URI = "refused", file })
			_, err := b.monitors.Create(t.Context(), spec)
			if mlops.CodeOf(err) != mlops.Invalid || fieldOf(err) != c.at || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %q at %q, want it to say %q at %q", err, fieldOf(err), c.words, c.at)
			}
		})
	}
}

// fieldOf is the attribute at fault.
func fieldOf(err error) string {
	e, _ := errors.AsType[*mlops.Error](err)
	if e == nil {
		return ""
	}
	return e.Field
}

// TestTruthOutOfReach proves that truth that no job could read is refused at plan.
func TestTruthOutOfReach(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	for uri, refused := range map[string]bool{"s3://elsewhere/truth": true, "s3://" + b.bucket + "/truth": false, "s3://" + b.bucket + "2/truth": true} {
		check := mlops.NewChecker()
		spec := b.spec(func(s *mlops.MonitorSpec) { s.ModelQuality.GroundTruth = uri })
		if err := b.monitors.Preflight(t.Context(), spec, check); err != nil {
			t.Fatal(err)
		}
		if err := check.Err(); (err != nil) != refused || refused && fieldOf(err) != "model_quality.ground_truth_uri" {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
