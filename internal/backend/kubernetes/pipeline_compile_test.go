package kubernetes

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// benchLayout is an environment with an MLflow server that knows users.
func benchLayout(settings mlops.Settings) layout {
	return layoutOf(mlops.EnvironmentSpec{
		ID: "kubernetes/lab/bench", Name: "bench", Stage: "dev", Labels: map[string]string{"team": "growth"},
		Target:   mlops.Target{Backend: name, Settings: settings},
		Registry: &mlops.Registry{MLflow: &mlops.MLflow{URI: "https://mlflow.example.com/ml/", Username: "runner", Mark: "m"}},
	})
}

// storedIn is an environment with storage of its own and no MLflow server.
func storedIn(settings mlops.Settings) layout {
	l := benchLayout(settings)
	l.spec.Registry = nil
	return l
}

// training has most of what steps can have.
func training() mlops.PipelineSpec {
	four := "4"
	return mlops.PipelineSpec{
		Environment: "kubernetes/lab/bench", Name: "churn-train", Experiment: "kubernetes/lab/bench/experiments/churn", Parallelism: 3,
		Parameters: map[string]mlops.Parameter{
			"max_depth": {Type: "integer", Default: &four, Description: "of a tree"}, "source": {Type: "string"},
		},
		Steps: map[string]mlops.Step{
			"prepare": {
				Script: "print('{{not.a.template}}')\n", Packages: []string{"pandas==2.3.3", "six==1.17.0"}, Outputs: []string{"train", "test_data"},
				Inputs: map[string]string{"raw": "{{params.source}}", "table": "{{datasets.customers}}", "more": "s3://bucket/{{params.max_depth}}/x.csv"},
			},
			"fit_model": {
				Script: "print('hello')\n", Inputs: map[string]string{"train": "{{steps.prepare.outputs.train}}", "part": "{{steps.prepare.outputs.train}}/part"},
				Env:     map[string]string{"MAX_DEPTH": "{{params.max_depth}}", "TEXT": "Grüße 🚀 {{{{x}} $(date) $$", "EMPTY": ""},
				Outputs: []string{"model", "metrics"}, NoCache: true,
				Compute: &mlops.Compute{CPU: 1.5, Memory: 4 << 30, Disk: 10 << 30, Spot: true, Accelerator: &mlops.Accelerator{Type: "nvidia-l4", Count: 2}},
				Retry:   &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(10 * time.Second)}, Timeout: mlops.Duration(90*time.Second + 1),
			},
			"judge": {
				Image: "docker.io/library/busybox:1.37", Command: []string{"sh", "-c", "echo $$ > {{outputs.report}}; cat {{steps.fit_model.outputs.model}} {{run.id}}"},
				Outputs: []string{"report"}, After: []string{"prepare"}, Compute: &mlops.Compute{Native: "m7i.large"},
			},
			"tell": {Image: "example.com/tell:1", Packages: []string{"six==1.17.0"}, Command: []string{"notify", "{{params.source}}"}},
		},
	}
}

// compiledAs is a pipeline as it is applied, its schedule included.
func compiledAs(t *testing.T, l layout, spec mlops.PipelineSpec) []manifest {
	t.Helper()
	s := scene{place: place{layout: l}, noun: mlops.NounPipeline, id: spec.ID()}
	compiled, err := compilePipeline(l, spec)
	if err != nil {
		t.Fatal(err)
	}
	return []manifest{s.component(s.templateOf(), map[string]any{"spec": compiled}, nil)}
}

// manifestText is manifests as a file has them: JSON is YAML.
func manifestText(t *testing.T, all ...manifest) string {
	t.Helper()
	var docs []string
	for _, m := range all {
		raw, err := m.json()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, b.String())
	}
	return strings.Join(docs, "\n---\n") + "\n"
}

// TestCompiled compares templates with files, and has Argo's own validation judge them.
// UPDATE_GOLDEN=1 writes the files.
func TestCompiled(t *testing.T) {
	t.Parallel()
	small := mlops.PipelineSpec{Environment: "kubernetes/lab/bench", Name: "small", Steps: map[string]mlops.Step{
		"write": {Command: []string{"sh", "-c", "echo 1 > $MLOPS_OUTPUT_X"}, Outputs: []string{"x"}},
		"read":  {Command: []string{"cat", "{{inputs.x}}"}, Inputs: map[string]string{"x": "{{steps.write.outputs.x}}"}},
	}}
	for _, test := range []struct {
		name   string
		layout layout
		spec   mlops.PipelineSpec
	}{
		{"mlflow", benchLayout(mlops.Settings{targetController: "argo/argo"}), training()},
		{"restricted", benchLayout(mlops.Settings{targetPodSecurity: "restricted", targetStepImage: "example.com/python:3"}), small},
		{"s3", storedIn(mlops.Settings{targetStorage: "s3://bucket/team/", targetStorageSecret: "keys", targetStorageURL: "http://minio:9000", targetStorageRegion: "eu-central-1"}), small},
		{"gcs", storedIn(mlops.Settings{targetStorage: "gs://bucket"}), small},
		{"azure", storedIn(mlops.Settings{targetStorage: "https://account.blob.core.windows.net/container/prefix", targetStorageSecret: "keys"}), small},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := manifestText(t, compiledAs(t, test.layout, test.spec)...)
			golden(t, filepath.Join("testdata", "pipelines", test.name+".json"), got)
			if err := kubetest.CheckWorkflows(t, got); err != nil {
				t.Errorf("Argo refuses it: %v", err)
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestLiteral proves that what a container gets after Argo and the kubelet have filled
// in their references is what was written.
func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "plain", "$HOME", "$(date)", "$$", "$$$(x)", "{{", "{{{", "{{x}}", "a{", "{", "}}", "$", "${A}", "$((1+1))", "{$(MLOPS_BRACE)", "Grüße {\n{",
	} {
		w := &wiring{}
		sent := w.literal(text)
		if strings.Contains(sent+"{workflow", "{{") {
			t.Errorf("%q is sent as %q, which Argo reads", text, sent)
		}
		if got := kubelet(sent, map[string]string{brace: "{"}); got != text {
			t.Errorf("%q is sent as %q and becomes %q", text, sent, got)
		}
	}
}

// kubelet expands references to variables as Kubernetes documents them.
func kubelet(text string, vars map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		if strings.HasPrefix(rest, "$$") {
			b.WriteByte('$')
			i++
			continue
		}
		if end := strings.IndexByte(rest, ')'); strings.HasPrefix(rest, "$(") && end > 0 {
			if v, ok := vars[rest[2:end]]; ok {
				b.WriteString(v)
				i += end
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// TestStores proves where outputs go, and that what Argo says of them is said back.
func TestStores(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		layout layout
		want   string
	}{
		{"mlflow", benchLayout(nil), "mlflow-artifacts:/mlops/bench/runs/p/r/s/o.tgz"},
		{"s3", storedIn(mlops.Settings{targetStorage: "s3://bucket"}), "s3://bucket/runs/p/r/s/o"},
		{"gcs", storedIn(mlops.Settings{targetStorage: "gs://bucket/a/b"}), "gs://bucket/a/b/runs/p/r/s/o"},
		{"azure", storedIn(mlops.Settings{targetStorage: "https://acc.blob.core.windows.net/c"}), "https://acc.blob.core.windows.net/c/runs/p/r/s/o"},
	} {
		at, err := artifactsOf(test.layout)
		if err != nil {
			t.Fatal(err)
		}
		uri, _ := at.output("p", "r", "s", "o")
		location, err := at.locate(uri)
		if err != nil {
			t.Fatal(err)
		}
		if uri != test.want || at.uri(location) != test.want {
			t.Errorf("%s: outputs go to %s, which is read as %s, want %s", test.name, uri, at.uri(location), test.want)
		}
	}
}

// TestNoStore proves that steps with outputs are refused where these have no place, and
// steps without are not.
func TestNoStore(t *testing.T) {
	t.Parallel()
	bearer := benchLayout(nil)
	bearer.spec.Registry.MLflow.Username = ""
	spec := mlops.PipelineSpec{Steps: map[string]mlops.Step{"a": {Command: []string{"true"}}, "b": {Command: []string{"true"}, Outputs: []string{"x"}}}}
	for _, test := range []struct {
		name   string
		layout layout
		want   string
	}{
		{"nothing", storedIn(nil), "give it a registry.mlflow, or a kubernetes.storage_uri"},
		{"volume", storedIn(mlops.Settings{targetStorage: "pvc://claim"}), "cannot be kept in a volume"},
		{"bearer", bearer, "registry.mlflow.username"},
	} {
		c := mlops.NewChecker()
		checkArtifacts(c, spec, test.layout)
		if p := c.Problems(); len(p) != 1 || p[0].Path.String() != `steps["b"].outputs` || !strings.Contains(p[0].Detail, test.want) {
			t.Errorf("%s: problems are %v, want one at the outputs of b that says %q", test.name, p, test.want)
		}
		if _, err := compilePipeline(test.layout, mlops.PipelineSpec{Name: "x", Steps: map[string]mlops.Step{"a": spec.Steps["a"]}}); err != nil {
			t.Errorf("%s: without outputs: %v", test.name, err)
		}
	}
}

// TestMemoized proves what a step's outputs are remembered by: everything that they
// depend on, and nothing else.
func TestMemoized(t *testing.T) {
	t.Parallel()
	keys := func(change func(*mlops.PipelineSpec)) map[string]string {
		spec := training()
		spec.Steps = maps.Clone(spec.Steps)
		change(&spec)
		c, err := newCompiler(benchLayout(mlops.Settings{targetController: "argo/argo"}), spec)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for step := range spec.Steps {
			if m := c.memoize(step); m != nil {
				out[step] = m.Key
			}
		}
		return out
	}
	before := keys(func(*mlops.PipelineSpec) {})
	if got := slices.Sorted(maps.Keys(before)); !slices.Equal(got, []string{"prepare", "tell"}) {
		t.Fatalf("memoized are %q: one that always runs, and what comes after it, is not to be", got)
	}
	if !strings.Contains(before["prepare"], "workflow.parameters['0-dataset-customers']") || !strings.Contains(before["prepare"], "workflow.parameters['max_depth']") {
		t.Errorf("the key %s does not depend on the dataset, or on a value", before["prepare"])
	}
	after := keys(func(s *mlops.PipelineSpec) {
		step := s.Steps["prepare"]
		step.Packages = []string{"pandas==2.3.4"}
		s.Steps["prepare"] = step
	})
	if after["prepare"] == before["prepare"] || after["tell"] != before["tell"] {
		t.Errorf("after a change of prepare the keys are %v, were %v", after, before)
	}
}
