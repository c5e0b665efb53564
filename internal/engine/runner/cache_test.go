//go:build unix

package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestCache(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	outside := filepath.Join(t.TempDir(), "data.csv")
	write(t, outside, "1")
	produced, consumed := outside+".produced", outside+".consumed"
	steps := func(env string) map[string]mlops.Step {
		produce := sh(note(produced)+`mkdir "$MLOPS_OUTPUT_TREE" && cp "$MLOPS_INPUT_DATA" "$MLOPS_OUTPUT_TREE/file"`, "tree")
		produce.Inputs = map[string]string{"data": outside}
		consume := sh(note(consumed)+`cat {{inputs.tree}}/file >{{outputs.copy}}; echo '{"n": 1}' >$MLOPS_OUTPUT_METRICS`, "copy", "metrics")
		consume.Inputs = map[string]string{"tree": "{{steps.produce.outputs.tree}}"}
		consume.Env = map[string]string{"WORD": env}
		return map[string]mlops.Step{"produce": produce, "consume": consume}
	}
	e.addPipeline(steps("a"))
	first := e.run("1")
	wantState(t, first, mlops.RunSucceeded)

	check := func(what string, runs int, step, file string, wantCached bool, o observed) {
		t.Helper()
		wantState(t, o, mlops.RunSucceeded)
		if got := o.Status.Steps[step].Cached; got != wantCached {
			t.Errorf("%s: step %s cached is %t", what, step, got)
		}
		if got := lines(t, file); got != runs {
			t.Errorf("%s: step %s has run %d times, want %d", what, step, got, runs)
		}
	}
	second := e.run("2")
	check("nothing changed", 1, "produce", produced, true, second)
	check("nothing changed", 1, "consume", consumed, true, second)
	if output(t, second, "consume.copy") != "1" || second.Status.Metrics["n"] != 1 {
		t.Errorf("cached outputs are %v, metrics %v", second.Status.Outputs, second.Status.Metrics)
	}

	e.addPipeline(steps("b"))
	third := e.run("3")
	check("env of one changed", 1, "produce", produced, true, third)
	check("env of one changed", 2, "consume", consumed, false, third)

	write(t, outside, "2")
	fourth := e.run("4")
	check("file outside changed", 2, "produce", produced, false, fourth)
	check("file outside changed", 3, "consume", consumed, false, fourth)
	if got := output(t, fourth, "consume.copy"); got != "2" {
		t.Errorf("the output is %q", got)
	}

	// A cached step's outputs are its own: they outlive the run they came from.
	if err := e.Delete(e.ctx, first.Ref); err != nil {
		t.Fatal(err)
	}
	e.gone(first.Ref)
	if got := output(t, second, "consume.copy"); got != "1" {
		t.Errorf("after the first run was removed, the second's output is %q", got)
	}
}

func TestCacheRefusesWhatChanged(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"say": sh(`printf true >"$MLOPS_OUTPUT_WORD"`, "word")})
	first := e.run("1")
	write(t, strings.TrimPrefix(first.Status.Outputs["say.word"], "file://"), "false")
	second := e.run("2")
	if second.Status.Steps["say"].Cached || output(t, second, "say.word") != "true" {
		t.Errorf("an output that was tampered with was taken over: %+v", second.Status.Steps)
	}
}

func TestNoCacheAndRunID(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	always := sh("true")
	always.NoCache = true
	named := sh(`printf {{run.id}} >"$MLOPS_OUTPUT_ID"`, "id")
	e.addPipeline(map[string]mlops.Step{"always": always, "named": named})
	e.run("1")
	o := e.run("2")
	for name, step := range o.Status.Steps {
		if step.Cached {
			t.Errorf("step %s was cached", name)
		}
	}
	if got := output(t, o, "named.id"); got != o.Status.Run {
		t.Errorf("{{run.id}} is %q, want %q", got, o.Status.Run)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
