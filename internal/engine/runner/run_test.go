//go:build unix

package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestRunCarriesOutputsMetricsAndLineage(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	size := "3"
	e.putPipeline(mlops.PipelineSpec{
		Environment: environment, Name: "work",
		Parameters: map[string]mlops.Parameter{"size": {Type: "integer", Default: &size}},
		Steps: map[string]mlops.Step{
			"prepare": sh(`printf data >"$MLOPS_OUTPUT_TRAIN_SET"`, "train-set"),
			"train": {
				Script: "import json, os\n" +
					"data = open(os.environ['MLOPS_INPUT_TRAIN']).read()\n" +
					"open(os.environ['MLOPS_OUTPUT_MODEL'], 'w').write(data + os.environ['SIZE'] + os.environ['MLOPS_STEP'] + os.environ['OMP_NUM_THREADS'])\n" +
					"json.dump({'accuracy': 0.5, 'n': 2}, open(os.environ['MLOPS_OUTPUT_METRICS'], 'w'))\n",
				Inputs:  map[string]string{"train": "{{steps.prepare.outputs.train-set}}"},
				Env:     map[string]string{"SIZE": "{{params.size}}"},
				Outputs: []string{"model", "metrics"},
				Compute: &mlops.Compute{CPU: 0.5},
			},
		},
	})
	o := e.run("1")
	wantState(t, o, mlops.RunSucceeded)
	if o.Phase != mlops.PhaseReady || o.Revision == "" {
		t.Errorf("phase %s, revision %q: a run that succeeded is ready with its revision", o.Phase, o.Revision)
	}
	if got, want := output(t, o, "train.model"), "data3train1"; got != want {
		t.Errorf("model is %q, want %q", got, want)
	}
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.5, "n": 2}, o.Status.Metrics); diff != "" {
		t.Error("metrics (-want +got):", diff)
	}
	wantLineage(t, o)
}

func wantLineage(t *testing.T, o observed) {
	t.Helper()
	l := o.Status.Lineage
	if l == nil {
		t.Fatal("no lineage")
	}
	if diff := cmp.Diff(map[string]string{"size": "3"}, l.Parameters); diff != "" {
		t.Error("parameters (-want +got):", diff)
	}
	const sumOfData = "sha256:3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
	if got := l.Steps["prepare"].Outputs["train-set"]; got != sumOfData {
		t.Errorf("digest of the output is %s, want %s", got, sumOfData)
	}
	if got := l.Steps["train"].Inputs["train"]; got != sumOfData {
		t.Errorf("digest of the input is %s, want %s", got, sumOfData)
	}
	if !strings.HasPrefix(l.Steps["train"].Code, "sha256:") || !strings.HasSuffix(l.Engine, "test") {
		t.Errorf("code %q, engine %q", l.Steps["train"].Code, l.Engine)
	}
}

func TestFailedStepFailsTheRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		step mlops.Step
		want []string
	}{
		{"exit status and log", sh("echo about to fail; exit 7"), []string{`step "bad"`, "status 7", "about to fail", "bad.1.log"}},
		{"no such program", mlops.Step{Command: []string{"no-such-program"}}, []string{"status 127", "no-such-program"}},
		{"missing output", sh("true", "model"), []string{`did not write its output "model"`, "outputs/model", "$MLOPS_OUTPUT_MODEL"}},
		{"output is a link", sh(`ln -s /etc/passwd "$MLOPS_OUTPUT_MODEL"`, "model"), []string{"cannot be kept: /", "is a symbolic link"}},
		{"metrics nested", sh(`echo '{"a": {"b": 1}}' >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"flat JSON object", `"a" is an object`}},
		{"metrics not a number", sh(`echo '{"a": "b"}' >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{`"a" is a string`}},
		{"metrics a list", sh(`echo '[1]' >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"flat JSON object"}},
		{"metrics null", sh(`echo null >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"flat JSON object"}},
		{"metrics not JSON", sh(`echo accuracy=1 >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"not JSON"}},
		{"metrics NaN", sh(`echo '{"a": NaN}' >"$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"NaN", "finite"}},
		{"metrics a directory", sh(`mkdir "$MLOPS_OUTPUT_METRICS"`, "metrics"), []string{"JSON file"}},
		{"script error", mlops.Step{Script: "raise SystemExit('no data')"}, []string{"status 1", "no data"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			after := sh("true")
			after.After = []string{"bad"}
			e.addPipeline(map[string]mlops.Step{"bad": tt.step, "later": after})
			o := e.run("1")
			wantState(t, o, mlops.RunFailed)
			wantReason(t, o, tt.want...)
			if o.Phase != mlops.PhaseFailed {
				t.Errorf("phase is %s", o.Phase)
			}
			if got := o.Status.Steps["later"].State; got != mlops.RunCancelled {
				t.Errorf("the step after the failed one is %s, want %s", got, mlops.RunCancelled)
			}
		})
	}
}

func TestFailureEndsTheOtherSteps(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	alive := newMark(t)
	e.addPipeline(map[string]mlops.Step{
		"bad":  sh("while ! test -e " + alive + "; do sleep 0.05; done; exit 1"),
		"long": sh("touch " + alive + "; exec sleep 600"),
	})
	o := e.run("1")
	wantReason(t, o, `step "bad"`)
	if got := o.Status.Steps["long"]; got.State != mlops.RunCancelled || !strings.Contains(got.Reason, `"bad" failed`) {
		t.Errorf("the other step is %s because %q", got.State, got.Reason)
	}
	wantNoProcesses(t, alive)
}

func TestOneLogPerAttempt(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	first := filepath.Join(t.TempDir(), "first")
	step := sh("if test -e "+first+`; then echo fine; echo 1 >"$MLOPS_OUTPUT_X"; else touch `+first+"; echo broken; exit 1; fi", "x")
	step.Retry = &mlops.Retry{Attempts: 3}
	e.addPipeline(map[string]mlops.Step{"flaky": step})
	o := e.run("1")
	wantState(t, o, mlops.RunSucceeded)
	if got := o.Status.Steps["flaky"].Attempt; got != 2 {
		t.Errorf("succeeded at attempt %d, want 2", got)
	}
	logs := filepath.Join(e.dir, "environments/dev/runs/work", o.Status.Run, "logs")
	for name, want := range map[string]string{"flaky.1.log": "broken\n", "flaky.2.log": "fine\n"} {
		got, err := os.ReadFile(filepath.Join(logs, name))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
		}
	}
}

func TestMetricsOfSeveralSteps(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{
		"a": sh(`echo '{"loss": 1, "only": 3}' >"$MLOPS_OUTPUT_METRICS"`, "metrics"),
		"b": sh(`echo '{"loss": 2}' >"$MLOPS_OUTPUT_METRICS"`, "metrics"),
	})
	o := e.run("1")
	want := map[string]float64{"a.loss": 1, "b.loss": 2, "only": 3}
	if diff := cmp.Diff(want, o.Status.Metrics); diff != "" {
		t.Error("metrics (-want +got):", diff)
	}
}

func TestEnvironmentIsTheStepsOwn(t *testing.T) {
	t.Setenv("MLOPS_TEST_SECRET", "of the engine")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"show": sh(`env >"$MLOPS_OUTPUT_ENV"; pwd >"$MLOPS_OUTPUT_DIR"`, "env", "dir")})
	o := e.run("1")
	wantState(t, o, mlops.RunSucceeded)
	env := output(t, o, "show.env")
	if strings.Contains(env, "of the engine") {
		t.Error("the step got a variable of the engine's own")
	}
	for _, want := range []string{"PIP_INDEX_URL=http://127.0.0.1:1/simple\n", "MLOPS_RUN_ID=" + o.Status.Run + "\n", "PATH="} {
		if !strings.Contains(env, want) {
			t.Errorf("the step lacks %q in\n%s", want, env)
		}
	}
	if got := strings.TrimSpace(output(t, o, "show.dir")); filepath.Base(got) != "work" {
		t.Errorf("the step ran in %s", got)
	}
}

func TestPackagesAreInstalled(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	script := mlops.Step{
		Script:   "import os, six\nopen(os.environ['MLOPS_OUTPUT_VERSION'], 'w').write(six.__version__)\n",
		Packages: []string{"six==1.17.0"}, Outputs: []string{"version"},
	}
	command := sh(`python -c 'import six; print(six.__version__, end="")' >"$MLOPS_OUTPUT_VERSION"`, "version")
	command.Packages = script.Packages
	e.addPipeline(map[string]mlops.Step{"script": script, "command": command})
	o := e.run("1")
	wantState(t, o, mlops.RunSucceeded)
	for name := range o.Status.Steps {
		if got := output(t, o, name+".version"); got != "1.17.0" {
			t.Errorf("step %s saw version %q", name, got)
		}
		if diff := cmp.Diff(script.Packages, o.Status.Lineage.Steps[name].Packages); diff != "" {
			t.Errorf("step %s: packages (-want +got): %s", name, diff)
		}
	}
}

func TestPackagesThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	c := config(e.dir, e.store)
	c.Python = pyenv.New("/no/such/python", t.TempDir(), c.Log)
	e.Service = runner.New(c)
	e.start()
	step := sh("true")
	step.Packages = []string{"six==1.17.0"}
	e.addPipeline(map[string]mlops.Step{"bad": step})
	o := e.run("1")
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, `step "bad" could not be started`, "/no/such/python")
}
