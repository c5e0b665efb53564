package sagemaker

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wheel writes the smallest package that pip installs, and returns its directory.
func wheel(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	f, err := os.Create(filepath.Join(directory, "greeting-1.0-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, content := range map[string]string{
		"greeting.py":                     "WORD = 'hello'\n",
		"greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
		"greeting-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"greeting-1.0.dist-info/RECORD":   "greeting.py,,\ngreeting-1.0.dist-info/METADATA,,\ngreeting-1.0.dist-info/WHEEL,,\ngreeting-1.0.dist-info/RECORD,,\n",
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return directory
}

// TestPackages proves that a step's packages are installed before it runs, and that
// a run without them says so.
func TestPackages(t *testing.T) {
	t.Parallel()
	installed := t.TempDir()
	r := works(t, 0, "PIP_NO_INDEX=1", "PIP_FIND_LINKS="+wheel(t), "PIP_TARGET="+installed, "PYTHONPATH="+installed)
	step := mlops.Step{Script: "import greeting, os\nopen(os.environ['MLOPS_OUTPUT_WORD'], 'w').write(greeting.WORD)", Packages: []string{"greeting==1.0"}, Outputs: []string{"word"}}
	spec := mlops.PipelineSpec{Environment: r.environment, Name: "one", Steps: map[string]mlops.Step{"only": step}}
	made(t, r.Pipelines(), spec)
	run := made(t, r.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: spec.ID()})
	if got := r.kept(run.Status.Outputs["only.word"]); got != "hello" {
		t.Errorf("the step wrote %q", got)
	}
	step.Packages = []string{"greeting==2.0"}
	spec.Steps["only"] = step
	settledReady(t, r.Pipelines(), r.the(r.Pipelines().Update(t.Context(), spec.ID(), spec)))
	failed := settledAt(t, r.PipelineRuns(), r.the(r.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: spec.ID()})).Ref)
	if failed.Phase != mlops.PhaseFailed || !strings.Contains(failed.Reason, "packages could not be installed") {
		t.Errorf("the run is %s because %q", failed.Phase, failed.Reason)
	}
}
