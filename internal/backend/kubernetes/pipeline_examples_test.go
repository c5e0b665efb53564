package kubernetes

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// argoModule is where Argo's own examples come from.
const argoModule = "github.com/argoproj/argo-workflows/v3"

// graphFacts are what a workflow does, whoever wrote it.
type graphFacts struct {
	Steps       map[string]stepFacts
	Parameters  map[string]string
	Parallelism int64
	Schedule    []string // when, where, and whether it is suspended
}

type stepFacts struct {
	After   []string
	Image   string
	Program []string // with places of artifacts by their names
	Reads   []string // "step.output"
	Writes  []string
	Retry   []string // how often, the first pause, its factor
	Seconds int64
	Kept    bool // whether its outputs are remembered
}

// exampleTemplate is a template as Argo's examples have them.
type exampleTemplate struct {
	argoTemplate

	Steps [][]exampleTask `json:"steps"`
	DAG   struct {
		Tasks []exampleTask `json:"tasks"`
	} `json:"dag"`
}

type exampleTask struct {
	argoTask

	Depends string `json:"depends"`
}

// factsOf reads what the spec of a workflow says, in Argo's own words.
func factsOf(t *testing.T, spec any) graphFacts {
	t.Helper()
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		Entrypoint  string            `json:"entrypoint"`
		Arguments   argoArguments     `json:"arguments"`
		Templates   []exampleTemplate `json:"templates"`
		Parallelism int64             `json:"parallelism"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		t.Fatal(err)
	}
	templates := map[string]exampleTemplate{}
	for _, one := range w.Templates {
		templates[one.Name] = one
	}
	facts := graphFacts{Steps: map[string]stepFacts{}, Parameters: map[string]string{}, Parallelism: w.Parallelism}
	for _, p := range w.Arguments.Parameters {
		facts.Parameters[p.Name] = *p.Value
	}
	entry := templates[w.Entrypoint]
	if entry.Container != nil {
		facts.Steps["only"] = stepFactsOf(entry, exampleTask{})
	}
	var before []string
	for _, group := range append(entry.Steps, entry.DAG.Tasks) {
		var names []string
		for _, task := range group {
			one := stepFactsOf(templates[task.Template], task)
			one.After = append(one.After, before...)
			facts.Steps[strings.ToLower(task.Name)] = one
			names = append(names, strings.ToLower(task.Name))
		}
		before = names
	}
	return facts
}

var outputOfTask = regexp.MustCompile(`\{\{(?:steps|tasks)\.([^.]+)\.outputs\.artifacts\.([^}]+)\}\}`)

// stepFactsOf is what a template does as a task.
func stepFactsOf(of exampleTemplate, task exampleTask) stepFacts {
	out := stepFacts{Seconds: of.Deadline, Kept: of.Memoize != nil}
	for _, word := range append(task.Dependencies, strings.Split(task.Depends, "&&")...) {
		if word = strings.ToLower(strings.TrimSpace(word)); word != "" {
			out.After = append(out.After, word)
		}
	}
	slices.Sort(out.After)
	if task.Arguments != nil {
		for _, a := range task.Arguments.Artifacts {
			if m := outputOfTask.FindStringSubmatch(a.From); m != nil {
				out.Reads = append(out.Reads, m[1]+"."+m[2])
			}
		}
	}
	var bent []string // what stands for what in the program
	if of.Inputs != nil {
		bent = append(bent, inputsBent(*of.Inputs, task)...)
	}
	if of.Outputs != nil {
		for _, a := range of.Outputs.Artifacts {
			out.Writes, bent = append(out.Writes, a.Name), append(bent, a.Path, "<"+a.Name+">")
		}
	}
	out.Image = of.Container.Image
	for _, part := range append(slices.Clone(of.Container.Command), of.Container.Args...) {
		out.Program = append(out.Program, strings.NewReplacer(bent...).Replace(part))
	}
	out.Retry = retryFacts(of.Retry)
	return out
}

func inputsBent(in argoArguments, task exampleTask) (bent []string) {
	for _, a := range in.Artifacts {
		bent = append(bent, a.Path, "<"+a.Name+">")
	}
	for _, p := range in.Parameters {
		value := "{{workflow.parameters." + p.Name + "}}" // of the entrypoint
		if task.Arguments != nil {
			for _, given := range task.Arguments.Parameters {
				if given.Name == p.Name {
					value = *given.Value
				}
			}
		}
		bent = append(bent, "{{inputs.parameters."+p.Name+"}}", value)
	}
	return bent
}

// retryFacts has the pause as a duration: a bare number is of seconds.
func retryFacts(r *argoRetry) []string {
	if r == nil {
		return nil
	}
	out := []string{r.Limit}
	if r.Backoff != nil {
		pause, err := time.ParseDuration(r.Backoff.Duration)
		if err != nil {
			pause, _ = time.ParseDuration(r.Backoff.Duration + "s")
		}
		out = append(out, pause.String(), r.Backoff.Factor)
	}
	return out
}

// TestArgoExamples proves that what Argo's makers give as examples, said in the
// portable words, is compiled to what does the same.
func TestArgoExamples(t *testing.T) {
	t.Parallel()
	echo := func(word string, after ...string) mlops.Step {
		return mlops.Step{Image: "alpine:3.7", Command: []string{"echo", word}, After: after}
	}
	hello := "hello world"
	message := map[string]mlops.Parameter{"message": {Type: "string", Default: &hello}}
	for _, test := range []struct {
		file string
		spec mlops.PipelineSpec
	}{
		{"dag-diamond", mlops.PipelineSpec{Steps: map[string]mlops.Step{
			"a": echo("A"), "b": echo("B", "a"), "c": echo("C", "a"), "d": echo("D", "b", "c"),
		}}},
		{"dag-multiroot", mlops.PipelineSpec{Steps: map[string]mlops.Step{
			"a": echo("A"), "b": echo("B"), "c": echo("C", "a"), "d": echo("D", "a", "b"),
		}}},
		{"retry-backoff", mlops.PipelineSpec{Steps: map[string]mlops.Step{"only": {
			Image: "python:alpine3.6", Command: []string{"python", "-c", "import random; import sys; exit_code = random.choice([0, 1, 1]); sys.exit(exit_code)"},
			Retry: &mlops.Retry{Attempts: 11, Backoff: mlops.Duration(time.Second)},
		}}}},
		{"timeouts-step", mlops.PipelineSpec{Steps: map[string]mlops.Step{"only": {
			Image: "argoproj/argosay:v2", Command: []string{"bash", "-c", "echo 123; sleep 1d"}, Timeout: mlops.Duration(10 * time.Second),
		}}}},
		{"global-parameters", mlops.PipelineSpec{Parameters: message, Steps: map[string]mlops.Step{"only": {Image: "busybox", Command: []string{"echo", "{{params.message}}"}}}}},
		{"arguments-parameters", mlops.PipelineSpec{Parameters: message, Steps: map[string]mlops.Step{"only": {Image: "busybox", Command: []string{"echo", "{{params.message}}"}}}}},
		{"artifact-passing", mlops.PipelineSpec{Steps: map[string]mlops.Step{
			"generate-artifact": {Image: "busybox", Command: []string{"sh", "-c", "sleep 1; echo hello world | tee {{outputs.hello-art}}"}, Outputs: []string{"hello-art"}},
			"consume-artifact": {
				Image: "alpine:latest", Command: []string{"sh", "-c", "cat {{inputs.message}}"}, Inputs: map[string]string{"message": "{{steps.generate-artifact.outputs.hello-art}}"},
			},
		}}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			example := kubetest.Samples(t, argoModule, "examples/"+test.file+".yaml")[0]
			want := factsOf(t, example.Object["spec"])
			test.spec.Environment, test.spec.Name = "kubernetes/lab/bench", "example"
			compiled, err := compilePipeline(storedIn(mlops.Settings{targetStorage: "s3://bucket"}), test.spec)
			if err != nil {
				t.Fatal(err)
			}
			got := factsOf(t, compiled)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-Argo's +ours):\n%s", test.file, diff)
			}
		})
	}
}

// TestArgoExamplesInPart proves the same of examples that have other things too.
func TestArgoExamplesInPart(t *testing.T) {
	t.Parallel()
	limited := kubetest.Samples(t, argoModule, "examples/parallelism-limit.yaml")[0]
	step := map[string]mlops.Step{"sleep": {Image: "alpine:latest", Command: []string{"sh", "-c", "sleep 10"}}}
	of := func(spec mlops.PipelineSpec, settings mlops.Settings) any {
		spec.Environment, spec.Name, spec.Steps = "kubernetes/lab/bench", "example", step
		compiled, err := compilePipeline(storedIn(settings), spec)
		if err != nil {
			t.Fatal(err)
		}
		return compiled
	}
	if got, want := factsOf(t, of(mlops.PipelineSpec{Parallelism: 2}, nil)).Parallelism, factsOf(t, limited.Object["spec"]).Parallelism; got != want {
		t.Errorf("parallelism is %d, want %d", got, want)
	}
	memoized := kubetest.Samples(t, argoModule, "examples/memoize-simple.yaml")[0]
	if want := factsOf(t, memoized.Object["spec"]).Steps["only"].Kept; factsOf(t, of(mlops.PipelineSpec{}, mlops.Settings{targetController: "argo/argo"})).Steps["sleep"].Kept != want {
		t.Errorf("a step's outputs are to be remembered: %t", want)
	}
	cron := kubetest.Samples(t, argoModule, "examples/cron-workflow.yaml")[0]
	var want cronSpec
	raw, err := json.Marshal(cron.Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	got := cronOf(&mlops.Schedule{Cron: "* * * * *", Timezone: "America/Los_Angeles"})
	if !slices.Equal(got.Schedules, want.Schedules) || got.Timezone != want.Timezone || got.Suspend != want.Suspend {
		t.Errorf("the schedule is %+v, want %+v", got, want)
	}
}
