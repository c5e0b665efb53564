package sagemaker

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// epochs is a step that trains three epochs, goes on after the last that is in its
// checkpoints, and in the first one waits until it is killed.
const epochs = `
import os, time
saved = os.path.join(os.environ["MLOPS_CHECKPOINTS"], "last", "epoch")
parent = os.getppid()
begun = int(open(saved).read()) if os.path.exists(saved) else 0
for epoch in range(begun + 1, 4):
    os.makedirs(os.path.dirname(saved), exist_ok=True)
    with open(saved, "w") as f:
        f.write(str(epoch))
    while begun == 0 and os.getppid() == parent:
        time.sleep(0.01)
    if begun == 0:
        os._exit(1)
rows = open(os.environ["MLOPS_INPUT_TRAIN"]).read()
people = open(os.environ["PEOPLE"]).read()
with open(os.environ["MLOPS_OUTPUT_MODEL"], "w") as f:
    f.write("after %d: %s depth %s, of %s" % (begun, rows.strip(), os.environ["DEPTH"], people.split()[0]))
os.mkdir(os.environ["MLOPS_OUTPUT_PARTS"])
with open(os.path.join(os.environ["MLOPS_OUTPUT_PARTS"], "one"), "w") as f:
    f.write("1")
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w") as f:
    f.write('{"accuracy": 0.75}')
`

// onSpot is a pipeline whose middle steps run on spot capacity: one by our program,
// and one in an image of the user's. Both read from and are read by others.
func onSpot(environment mlops.ID) mlops.PipelineSpec {
	spot := &mlops.Compute{CPU: 2, Spot: true}
	return mlops.PipelineSpec{
		Environment: environment, Name: "spot", Parameters: map[string]mlops.Parameter{"depth": {Type: "integer", Default: new("4")}},
		Steps: map[string]mlops.Step{
			"prepare": {Command: []string{"sh", "-c", "echo rows > {{outputs.train}}; echo others > {{outputs.train2}}"}, Outputs: []string{"train", "train2"}},
			"fit": {
				Script: epochs, Compute: spot, Env: map[string]string{"DEPTH": "{{params.depth}}", "PEOPLE": "{{datasets.people}}"},
				Inputs: map[string]string{"train": "{{steps.prepare.outputs.train}}"}, Outputs: []string{"model", "parts", "metrics"},
			},
			"judge": {
				Image: userImage, Compute: spot, Env: map[string]string{"PARTS": "{{steps.fit.outputs.parts}}"},
				Command: []string{"sh", "-c", `test -d "$MLOPS_CHECKPOINTS" && test -f "$PARTS/one" && tr a-z A-Z < {{inputs.model}} > {{outputs.loud}}`},
				Inputs:  map[string]string{"model": "{{steps.fit.outputs.model}}"}, Outputs: []string{"loud"},
			},
			"report": {
				Command: []string{"sh", "-c", "cat {{inputs.loud}} {{steps.fit.outputs.parts}}/one > {{outputs.page}}"},
				Inputs:  map[string]string{"loud": "{{steps.judge.outputs.loud}}"}, Outputs: []string{"page"},
			},
		},
	}
}

// worksOnSpot is a registry whose jobs are run for real, and lose their capacity once
// when this file is in their checkpoints.
func worksOnSpot(t *testing.T, looks int, taken string) registry {
	t.Helper()
	r := newRegistry(t, simulated.Config{Looks: looks})
	c := newContainers(t)
	c.interrupts = taken
	r.account.World.SetHooks(simulated.Hooks{RunStep: c.run})
	return r
}

// TestSpotDefinition compares the steps on spot capacity with a file, and has them
// taken by a service that holds them to the request for a training job.
func TestSpotDefinition(t *testing.T) {
	t.Parallel()
	spec := onSpot("sagemaker/us-east-1/bench")
	fit := spec.Steps["fit"]
	fit.Retry, fit.Timeout, fit.Packages = &mlops.Retry{Attempts: 2, Backoff: mlops.Duration(time.Second)}, mlops.Duration(time.Hour), []string{"six==1.17.0"}
	fit.Compute = &mlops.Compute{Native: "ml.g5.xlarge", Disk: 100 << 30, Spot: true}
	spec.Steps["fit"] = fit
	text, _ := compiled(t, spec, walled(), "bench--churn")
	wantDefinition(t, text, "definition_spot.json")
}

// TestSpotGoesOn proves that a step whose capacity is taken away goes on from its
// checkpoints, that data reach it from steps of either kind and leave it for them,
// and that the run and a version find what it wrote.
func TestSpotGoesOn(t *testing.T) {
	t.Parallel()
	r := worksOnSpot(t, 1, "last/epoch")
	r.dataset("name\nada\n", nil)
	spec := onSpot(r.environment)
	made(t, r.Pipelines(), spec)
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Parameters: map[string]string{"depth": "7"}})
	got := map[string]string{}
	for _, output := range []string{"fit.model", "judge.loud", "report.page"} {
		got[output] = r.kept(run.Status.Outputs[output])
	}
	model := "after 1: rows depth 7, of name"
	want := map[string]string{"fit.model": model, "judge.loud": strings.ToUpper(model), "report.page": strings.ToUpper(model) + "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.75}, run.Status.Metrics); diff != "" {
		t.Error(diff)
	}
	if got := run.Status.Lineage.Steps["fit"].Outputs["model"]; got != digestOf(model) {
		t.Errorf("the lineage has %s, want %s", got, digestOf(model))
	}
	version := made(t, r.ModelVersions(), mlops.ModelVersionSpec{Model: r.model, Run: run.Ref, Output: "fit.model", Format: "sklearn", Approval: "approved"})
	if version.Status.Digest != digestOf(model) {
		t.Errorf("the version is of %s, want %s", version.Status.Digest, digestOf(model))
	}
	if log := run.Native["log.fit"]; !strings.HasPrefix(log, trainingLogs+"/pipelines-"+run.Status.Run) {
		t.Errorf("the log is in %q", log)
	}
	if got := run.Status.Steps["fit"].Attempt; got != 1 {
		t.Errorf("an interruption made it attempt %d", got)
	}
	r.wantInterrupted(run.Native["job.fit"])
}

// wantInterrupted wants a job that was interrupted once, and billed for less.
func (r registry) wantInterrupted(arn string) {
	r.Helper()
	s := r.scene()
	name := lastSegment(arn)
	job, err := s.c.sagemaker.DescribeTrainingJob(r.Context(), &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	r.must(err)
	var times int
	for _, at := range job.SecondaryStatusTransitions {
		if at.Status == types.SecondaryStatusInterrupted {
			times++
		}
	}
	if times != 1 || !sdk.ToBool(job.EnableManagedSpotTraining) || job.SecondaryStatus != types.SecondaryStatusCompleted {
		r.Errorf("%d interruptions, on spot %t, %s", times, sdk.ToBool(job.EnableManagedSpotTraining), job.SecondaryStatus)
	}
}

// TestSpotRunsAreApart proves that a run finds no checkpoints of another, and is run
// although nothing has changed: SageMaker tells work apart by where checkpoints are.
func TestSpotRunsAreApart(t *testing.T) {
	t.Parallel()
	r := worksOnSpot(t, 0, "")
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": {
		Command: []string{"sh", "-c", `ls -A "$MLOPS_CHECKPOINTS" > {{outputs.list}}; echo 1 > "$MLOPS_CHECKPOINTS/epoch"`},
		Outputs: []string{"list"}, Compute: &mlops.Compute{Spot: true},
	}}}
	made(t, r.Pipelines(), spec)
	for _, trigger := range []string{"1", "2"} {
		run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Triggers: map[string]string{"n": trigger}})
		if got := r.kept(run.Status.Outputs["only.list"]); got != "" || run.Status.Steps["only"].Cached {
			t.Errorf("run %s found %q, and was left out: %t", trigger, got, run.Status.Steps["only"].Cached)
		}
		if got := r.keys("runs/" + run.Status.Run + "/only/checkpoints/"); !cmp.Equal(got, []string{"epoch"}) {
			t.Errorf("run %s kept %v", trigger, got)
		}
	}
	made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Triggers: map[string]string{"n": "3"}})
	r.must(r.Pipelines().Delete(t.Context(), spec.ID()))
	if left := r.keys("runs/"); len(left) != 0 {
		t.Errorf("the pipeline left %v", left)
	}
}

// TestSpotFails proves that a failing step on spot capacity is repeated within its
// job, finds what its first attempt saved, and says why it failed.
func TestSpotFails(t *testing.T) {
	t.Parallel()
	r := worksOnSpot(t, 0, "")
	step := mlops.Step{
		Command: []string{"sh", "-c", `echo try >> "$MLOPS_CHECKPOINTS/tries"; echo "at try $(wc -l < "$MLOPS_CHECKPOINTS/tries")"; exit 3`},
		Compute: &mlops.Compute{Spot: true}, Retry: &mlops.Retry{Attempts: 2},
	}
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": step}}
	made(t, r.Pipelines(), spec)
	failed := settledAt(t, r.PipelineRuns(), r.the(r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID()})).Ref)
	for _, words := range []string{"exit status 3", "at try 2", trainingLogs} {
		if failed.Phase != mlops.PhaseFailed || !strings.Contains(failed.Reason, words) {
			t.Errorf("the run is %s because %q, want %q", failed.Phase, failed.Reason, words)
		}
	}
}

// TestSpotJobIsRepeated proves that the job which takes the place of one that
// SageMaker failed at finds its checkpoints, and that its outputs are the run's.
func TestSpotJobIsRepeated(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{Looks: 1})
	r.account.World.SetHooks(simulated.Hooks{RunStep: func(job simulated.StepRun) (map[string][]byte, string) {
		if job.Attempt == 1 {
			job.Checkpoints["epoch"] = []byte("1")
			return nil, "InternalServerError: We encountered an internal error. Please try again."
		}
		return map[string][]byte{"model/model/data/model": append([]byte("after "), job.Checkpoints["epoch"]...)}, ""
	}})
	step := mlops.Step{Script: "pass", Outputs: []string{"model"}, Compute: &mlops.Compute{Spot: true}, Retry: &mlops.Retry{Attempts: 2}}
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": step}}
	made(t, r.Pipelines(), spec)
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	if got := r.kept(run.Status.Outputs["only.model"]); got != "after 1" || run.Status.Steps["only"].Attempt != 2 {
		t.Errorf("attempt %d wrote %q", run.Status.Steps["only"].Attempt, got)
	}
}

// TestSpotRunIsStopped proves that a run which waits for capacity can be deleted.
func TestSpotRunIsStopped(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{Looks: 1})
	r.account.World.SetHooks(simulated.Hooks{RunStep: func(simulated.StepRun) (map[string][]byte, string) { return nil, simulated.Interruption }})
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": {Script: "pass", Compute: &mlops.Compute{Spot: true}}}}
	made(t, r.Pipelines(), spec)
	run := r.the(r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID()})).Ref
	for range 10 {
		seen, err := r.PipelineRuns().Get(t.Context(), run)
		r.must(err)
		if seen.Status.Steps["only"].State != mlops.RunRunning && seen.Status.Steps["only"].State != "" {
			t.Fatalf("the step is %s: %s", seen.Status.Steps["only"].State, seen.Reason)
		}
	}
	r.must(r.PipelineRuns().Delete(t.Context(), run))
	for range patientLooks {
		seen, err := r.PipelineRuns().Get(t.Context(), run)
		if r.Code(err) == mlops.NotFound {
			return
		}
		r.must(err)
		if seen.Due {
			r.must(pipelineRunKind{r.backend}.Advance(t.Context(), run))
		}
	}
	t.Error("it is never gone")
}

func TestLongestWait(t *testing.T) {
	t.Parallel()
	hour := mlops.Duration(time.Hour)
	for _, tt := range []struct {
		name string
		step mlops.Step
		want time.Duration
	}{
		{"no timeout", mlops.Step{}, 48 * time.Hour},
		{"an hour", mlops.Step{Timeout: hour}, 25*time.Hour + 15*time.Minute},
		{"nearly all there is", mlops.Step{Timeout: 119 * hour}, 120 * time.Hour},
		{"all there is", mlops.Step{Timeout: 120 * hour}, 120 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := time.Duration(longestWait(tt.step)) * time.Second
			if got != tt.want || longestWait(tt.step) < longestRun(tt.step) {
				t.Errorf("longestWait() = %s, want %s; the job itself has %d s", got, tt.want, longestRun(tt.step))
			}
		})
	}
}

// TestSpotPreflight proves that a step on spot capacity is held to the limits of
// training jobs, and to their machine types.
func TestSpotPreflight(t *testing.T) {
	t.Parallel()
	const at = `steps["s"].`
	inputs := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m["i"+strings.Repeat("x", i)] = "s3://bench/data"
		}
		return m
	}
	for _, tt := range []struct {
		name string
		step mlops.Step
		want string // path; empty for nothing
	}{
		{"more outputs than a processing job has", mlops.Step{Script: "pass", Outputs: make([]string, 30)}, ""},
		{"19 inputs", mlops.Step{Script: "pass", Inputs: inputs(19)}, ""},
		{"20 inputs", mlops.Step{Script: "pass", Inputs: inputs(20)}, at + "inputs"},
		{"a type for training alone", mlops.Step{Script: "pass", Compute: &mlops.Compute{Native: "ml.trn1.2xlarge"}}, ""},
		{"a type for endpoints", mlops.Step{Script: "pass", Compute: &mlops.Compute{Native: "ml.t2.medium"}}, at + "compute.native"},
		{"an image by itself", mlops.Step{Image: userImage}, at + "command"},
		{"a command in an image", mlops.Step{Image: userImage, Command: make([]string, 80), Outputs: []string{"x"}}, ""},
		{"a command with many outputs", mlops.Step{Image: userImage, Command: make([]string, 80), Outputs: make([]string, 20)}, at + "command"},
		{"a week", mlops.Step{Script: "pass", Timeout: mlops.Duration(7 * 24 * time.Hour)}, at + "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.step.Compute == nil {
				tt.step.Compute = &mlops.Compute{}
			}
			tt.step.Compute.Spot = true
			c := mlops.NewChecker()
			checkPipeline(c, mlops.PipelineSpec{Environment: "sagemaker/us-east-1/bench", Name: "p", Steps: map[string]mlops.Step{"s": tt.step}})
			err := c.Err()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("checkPipeline() = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestChannelNames proves that inputs of any name are channels that SageMaker takes,
// and that those of different names are different.
func TestChannelNames(t *testing.T) {
	t.Parallel()
	of := layoutOf(mlops.Step{Compute: &mlops.Compute{Spot: true}})
	seen := map[string]string{}
	for _, input := range []string{"train", strings.Repeat("x", 61), strings.Repeat("x", 62), strings.Repeat("x", 63), "mlops-code"} {
		channel, directory := of.names(input)
		if !channelForm.MatchString(channel) || channel != directory || seen[channel] != "" || channel == codeInput {
			t.Errorf("%q is the channel %q in %q, as %q", input, channel, directory, seen[channel])
		}
		seen[channel] = input
	}
}
