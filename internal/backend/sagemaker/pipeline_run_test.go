package sagemaker

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// userImage is an image of the user's own.
const userImage = "123456789012.dkr.ecr.us-east-1.amazonaws.com/steps:1"

// works is a registry whose jobs are run for real.
func works(t *testing.T, looks int, env ...string) registry {
	t.Helper()
	r := newRegistry(t, simulated.Config{Looks: looks})
	r.account.World.SetHooks(simulated.Hooks{RunStep: newContainers(t, env...).run})
	return r
}

// training is a pipeline of the three ways in which a step may be run.
func training(environment mlops.ID) mlops.PipelineSpec {
	return mlops.PipelineSpec{
		Environment: environment, Name: "train",
		Parameters: map[string]mlops.Parameter{
			"depth": {Type: "integer", Default: new("4")},
			"note":  {Type: "string", Default: new("")},
		},
		Steps: map[string]mlops.Step{
			"prepare": {
				Script: `
import os
rows = open(os.environ["MLOPS_INPUT_RAW"]).read().splitlines()[1:]
with open(os.environ["MLOPS_OUTPUT_TRAIN"], "w") as f:
    f.write("\n".join(sorted(rows)) + "\n")
`,
				Inputs: map[string]string{"raw": "{{datasets.people}}"}, Outputs: []string{"train"},
			},
			"fit": {
				Command: []string{"sh", "-c", `echo "$DEPTH {{params.depth}} {{run.id}} [{{params.note}}] $(cat {{inputs.train}})" > {{outputs.model}}; mkdir {{outputs.parts}}; echo 1 > {{outputs.parts}}/one`},
				Env:     map[string]string{"DEPTH": "depth={{params.depth}}"},
				Inputs:  map[string]string{"train": "{{steps.prepare.outputs.train}}"}, Outputs: []string{"model", "parts"},
			},
			"judge": {
				Image:   userImage,
				Command: []string{"sh", "-c", `grep -q 'depth={{params.depth}}' {{inputs.model}} && test -f "$PARTS/one" && echo '{"accuracy": 0.5}' > "$MLOPS_OUTPUT_METRICS"`},
				Env:     map[string]string{"PARTS": "{{steps.fit.outputs.parts}}"},
				Inputs:  map[string]string{"model": "{{steps.fit.outputs.model}}"}, Outputs: []string{"metrics"},
			},
		},
	}
}

// TestRunWorks proves that data and values reach the steps, that their outputs are
// where the run says, and that its evidence is of these bytes.
func TestRunWorks(t *testing.T) {
	t.Parallel()
	r := works(t, 2)
	r.dataset("name\nzoe\nada\n", nil)
	spec := training(r.environment)
	made(t, r.Pipelines(), spec)
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Parameters: map[string]string{"depth": "7"}, Triggers: map[string]string{"a": "b"}})
	if run.Status.State != mlops.RunSucceeded || run.Status.StartedAt.IsZero() || run.Status.FinishedAt.Before(run.Status.StartedAt) {
		t.Errorf("the run is %s, from %s to %s", run.Status.State, run.Status.StartedAt, run.Status.FinishedAt)
	}
	if got, want := r.kept(run.Status.Outputs["prepare.train"]), "ada\nzoe\n"; got != want {
		t.Errorf("prepare.train is %q, want %q", got, want)
	}
	model := "depth=7 7 " + run.Status.Run + " [] ada\nzoe\n"
	if got := r.kept(run.Status.Outputs["fit.model"]); got != model {
		t.Errorf("fit.model is %q, want %q", got, model)
	}
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.5}, run.Status.Metrics); diff != "" {
		t.Error(diff)
	}
	lineage := run.Status.Lineage
	if lineage == nil || lineage.Steps["fit"].Outputs["model"] != digestOf(model) {
		t.Errorf("the lineage is %+v, without %s", lineage, digestOf(model))
	}
	if got := lineage.Steps["prepare"].Inputs["raw"]; got != digestOf("name\nzoe\nada\n") || lineage.Datasets[r.environment.Child(mlops.NounDataset, "people")].Digest != got {
		t.Errorf("the step read %q, and the run %v", got, lineage.Datasets)
	}
	if diff := cmp.Diff(map[string]string{"depth": "7", "note": ""}, lineage.Parameters); diff != "" {
		t.Error(diff)
	}
	if log := run.Native["log.fit"]; !strings.HasPrefix(log, processingLogs+"/pipelines-"+run.Status.Run) {
		t.Errorf("the log is in %q", log)
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestOutputsAreApart proves that an output whose name begins as another's does is
// not read as a part of it.
func TestOutputsAreApart(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{
		"a": {Command: []string{"sh", "-c", "echo 1 > {{outputs.train}}; echo 2 > {{outputs.train2}}"}, Outputs: []string{"train", "train2"}},
		"b": {Command: []string{"cp", "{{inputs.in}}", "{{outputs.out}}"}, Inputs: map[string]string{"in": "{{steps.a.outputs.train}}"}, Outputs: []string{"out"}},
	}}
	made(t, r.Pipelines(), spec)
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	if got := r.kept(run.Status.Outputs["b.out"]); got != "1\n" {
		t.Errorf("the step read %q", got)
	}
}

// TestRunReuses proves that what ran with the same inputs is left out, and what did
// not is run.
func TestRunReuses(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	r.dataset("name\nada\n", nil)
	spec := training(r.environment)
	judge := spec.Steps["judge"]
	judge.NoCache = true
	spec.Steps["judge"] = judge
	prepare := spec.Steps["prepare"]
	made(t, r.Pipelines(), spec)
	first := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	r.must(r.PipelineRuns().Delete(t.Context(), first.Ref))
	second := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Triggers: map[string]string{"again": "1"}})
	got := map[string]bool{}
	for name, s := range second.Status.Steps {
		got[name] = s.Cached
	}
	// fit says the run's ID, which is another.
	if diff := cmp.Diff(map[string]bool{"prepare": true, "fit": false, "judge": false}, got); diff != "" {
		t.Error(diff)
	}
	if got := r.kept(second.Status.Outputs["prepare.train"]); got != "ada\n" {
		t.Errorf("the output that was used again is %q", got)
	}
	prepare.Script += "\n# other code\n"
	spec.Steps["prepare"] = prepare
	settledReady(t, r.Pipelines(), r.the(r.Pipelines().Update(t.Context(), spec.ID(), spec)))
	third := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Triggers: map[string]string{"again": "2"}})
	if third.Status.Steps["prepare"].Cached {
		t.Error("a step with other code was left out")
	}
}

// TestRunFails proves that the reason names the step, what it said last, and where
// its log is, and that attempts are made.
func TestRunFails(t *testing.T) {
	t.Parallel()
	const unsteady = `
import os, sys
marker = os.environ["HOME"] + "/tried"
if os.path.exists(marker):
    open(os.environ["MLOPS_OUTPUT_MODEL"], "w").write("second")
    sys.exit()
open(marker, "w").close()
sys.exit(3)
`
	for _, tt := range []struct {
		name string
		step mlops.Step
		want string // empty for success
	}{
		{"status and last lines", mlops.Step{Script: "import sys\nprint('no such column: age')\nsys.exit(3)"}, "exit status 3\nno such column: age"},
		{"traceback", mlops.Step{Script: "1/0"}, "ZeroDivisionError"},
		{"lost output", mlops.Step{Script: "pass", Outputs: []string{"model"}}, "did not write its outputs: model"},
		{"lost output of an image", mlops.Step{Image: userImage, Command: []string{"true"}, Outputs: []string{"model"}}, `did not write its output "model"`},
		{"metrics in a list", mlops.Step{Command: []string{"sh", "-c", "echo '[1]' > {{outputs.metrics}}"}, Outputs: []string{"metrics"}}, "flat JSON object of numbers"},
		{"a word among metrics", mlops.Step{Command: []string{"sh", "-c", `echo '{"a": 1, "b": "x"}' > {{outputs.metrics}}`}, Outputs: []string{"metrics"}}, `b is "x"`},
		{"no number among metrics", mlops.Step{Command: []string{"sh", "-c", `echo '{"a": NaN}' > {{outputs.metrics}}`}, Outputs: []string{"metrics"}}, "NaN is no number"},
		{"bad metrics of an image", mlops.Step{Image: userImage, Command: []string{"sh", "-c", "echo '[1]' > {{outputs.metrics}}"}, Outputs: []string{"metrics"}}, "flat JSON object of numbers"},
		{"timeout", mlops.Step{Command: []string{"sleep", "60"}, Timeout: mlops.Duration(time.Second)}, "its timeout is 1 s"},
		{"attempts that are used up", mlops.Step{Script: "raise SystemExit(5)", Retry: &mlops.Retry{Attempts: 2}}, "exit status 5"},
		{"second attempt", mlops.Step{Script: unsteady, Outputs: []string{"model"}, Retry: &mlops.Retry{Attempts: 2}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := works(t, 0)
			spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": tt.step}}
			made(t, r.Pipelines(), spec)
			run := settledAt(t, r.PipelineRuns(), r.the(r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID()})).Ref)
			if tt.want == "" && run.Phase != mlops.PhaseReady {
				t.Errorf("the run failed: %s", run.Reason)
			}
			if tt.want != "" && (run.Phase != mlops.PhaseFailed || !strings.Contains(run.Reason, tt.want) || !strings.Contains(run.Reason, `step "only"`)) {
				t.Errorf("the run is %s because %q, want %q", run.Phase, run.Reason, tt.want)
			}
			again := r.the(r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID()}))
			if same := again.Ref == run.Ref; same != (tt.want == "") {
				t.Errorf("asked once more, %s became %s", run.Ref, again.Ref)
			}
			if tt.want != "" && run.Status.State != mlops.RunFailed {
				t.Errorf("its state is %s", run.Status.State)
			}
		})
	}
}

// TestRunValues proves that values which would not reach the steps are refused.
func TestRunValues(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	spec := mlops.PipelineSpec{
		Environment: r.environment, Name: "one",
		Parameters: map[string]mlops.Parameter{"shown": {Type: "string", Default: new("x")}, "raw": {Type: "string", Default: new("x")}, "free": {Type: "string", Default: new("")}},
		Steps: map[string]mlops.Step{
			"ours":  {Command: []string{"sh", "-c", `test "$A" = "[{{params.free}}]"`}, Env: map[string]string{"A": "[{{params.shown}}]"}},
			"yours": {Command: []string{"echo", "{{params.raw}}"}, Image: userImage},
		},
	}
	made(t, r.Pipelines(), spec)
	for _, tt := range []struct {
		name   string
		values map[string]string
		want   mlops.Code // empty for success
	}{
		{"empty, for our program", map[string]string{"shown": ""}, ""},
		{"same of both", map[string]string{"shown": "größe 🚀 {{x}}", "free": "größe 🚀 {{x}}"}, ""},
		{"empty, for the user's", map[string]string{"raw": ""}, mlops.Invalid},
		{"long", map[string]string{"shown": strings.Repeat("x", 257)}, mlops.Invalid},
		{"longer", map[string]string{"free": strings.Repeat("x", 1025)}, mlops.Invalid},
	} {
		change, err := r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID(), Parameters: tt.values})
		if tt.want != "" {
			if r.Code(err) != tt.want {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		r.must(err)
		if run := settledAt(t, r.PipelineRuns(), change.Ref); run.Phase != mlops.PhaseReady {
			t.Errorf("%s: %s", tt.name, run.Reason)
		}
	}
}

// TestRunLine proves that a repeated request finds its run, that others start
// another, and that a resource's runs go together.
func TestRunLine(t *testing.T) {
	t.Parallel()
	r := works(t, 0)
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": {Script: "pass"}}}
	made(t, r.Pipelines(), spec)
	ask := mlops.PipelineRunSpec{Pipeline: spec.ID(), Triggers: map[string]string{"n": "1"}}
	first := made(t, r.PipelineRuns(), ask)
	if again := r.the(r.PipelineRuns().Create(t.Context(), ask)); again.Ref != first.Ref {
		t.Errorf("a repeated request started %s beside %s", again.Ref, first.Ref)
	}
	if same := r.the(r.PipelineRuns().Update(t.Context(), first.Ref, ask)); same.Ref != first.Ref {
		t.Errorf("an update to the same started %s", same.Ref)
	}
	ask.Triggers = map[string]string{"n": "2"}
	second := settledReady(t, r.PipelineRuns(), r.the(r.PipelineRuns().Update(t.Context(), first.Ref, ask)))
	if second.Ref == first.Ref || second.Spec.After != first.Ref {
		t.Errorf("after %s comes %s, which says %q", first.Ref, second.Ref, second.Spec.After)
	}
	r.must(r.PipelineRuns().Delete(t.Context(), second.Ref))
	for _, ref := range []mlops.ID{first.Ref, second.Ref} {
		if _, err := r.PipelineRuns().Get(t.Context(), ref); r.Code(err) != mlops.NotFound {
			t.Errorf("get %s: %v", ref, err)
		}
	}
	made(t, r.PipelineRuns(), ask) // as one that failed in an update, which no state knows
	r.must(r.Pipelines().Delete(t.Context(), spec.ID()))
	files, err := r.store(t.Context(), r.environment)
	r.must(err)
	for _, folder := range []string{"runs/", "pipelines/", "code/"} {
		left, err := files.below(t.Context(), files.place.Bucket, files.place.key(folder))
		if r.must(err); len(left) > 0 {
			t.Errorf("%s has %v after all was deleted", folder, left)
		}
	}
}

// TestDeleteWhileScheduledRuns proves that a run that a schedule started does not
// keep its pipeline from being deleted.
func TestDeleteWhileScheduledRuns(t *testing.T) {
	t.Parallel()
	r := works(t, 12)
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": {Script: "pass"}}}
	made(t, r.Pipelines(), spec)
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	started, err := c.sagemaker.StartPipelineExecution(t.Context(), &sagemaker.StartPipelineExecutionInput{
		PipelineName: sdk.String(pipelineName(spec.ID())), ClientRequestToken: sdk.String(strings.Repeat("t", 32)),
	})
	r.must(err)
	runs, err := pipelineRunKind{r.backend}.List(t.Context(), spec.ID())
	r.must(err)
	if len(runs) != 1 || runs[0].Ref.Name() != lastSegment(*started.PipelineExecutionArn) || !runs[0].Spec.Detached {
		t.Errorf("the runs are %+v", runs)
	}
	r.must(r.Pipelines().Delete(t.Context(), spec.ID()))
	if _, err := r.Pipelines().Update(t.Context(), spec.ID(), spec); r.Code(err) != mlops.Conflict {
		t.Errorf("update while it is deleted: %v", err)
	}
	for range patientLooks {
		seen, err := r.Pipelines().Get(t.Context(), spec.ID())
		if r.Code(err) == mlops.NotFound {
			return
		}
		if r.must(err); seen.Phase != mlops.PhaseDeleting {
			t.Fatalf("it is %s", seen.Phase)
		}
		if seen.Due {
			r.must(pipelineKind{r.backend}.Advance(t.Context(), spec.ID()))
		}
	}
	t.Error("it is never gone")
}
