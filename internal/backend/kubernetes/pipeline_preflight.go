package kubernetes

import (
	"context"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Preflight refuses what only the cluster does not take, and what this environment has
// no place for; see mlops.Preflighter.
func (k pipelineKind) Preflight(ctx context.Context, spec mlops.PipelineSpec, c *mlops.Checker) error {
	s, known, err := k.preflight(ctx, c, pipelineDemands(spec))
	if !known {
		return err
	}
	seen, err := k.look(ctx, s)
	if ok, err := k.mayBe(c, err); !ok {
		return err
	}
	return k.rehearsePipeline(ctx, c, s, spec, seen.record)
}

// rehearsePipeline has the API server judge the objects of a pipeline.
func (k pipelineKind) rehearsePipeline(ctx context.Context, c *mlops.Checker, s scene, spec mlops.PipelineSpec, former record) error {
	if len(spec.Datasets()) > 0 {
		spec.Schedule = nil // its runs are given datasets that may be made by the same apply
	}
	parts, err := k.parts(ctx, s, spec, former)
	if err != nil {
		return k.report(c, err)
	}
	return k.rehearse(ctx, c, s.cluster, pipelineOrigins(), parts...)
}

// checkPipeline refuses what would fail later, or mean something else.
func checkPipeline(c *mlops.Checker, spec mlops.PipelineSpec) {
	checkSchedule(c, spec)
	if spec.Definition != "" && c.Known(mlops.At("definition")) {
		if err := checkDefinition(spec); err != nil {
			c.Add(mlops.At("definition"), "Not a pipeline of Argo Workflows", "%s.", err)
		}
	}
	native := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		at := mlops.At("steps", mlops.Key(name))
		if other, taken := native[nativeStep(name)]; taken {
			c.Add(at, "Names collide", "Argo has no underscores in names, and would call both %q and %q %q; rename one.", other, name, nativeStep(name))
		}
		native[nativeStep(name)] = name
		checkStep(c, at, spec.Steps[name])
	}
	for _, x := range externalOf(spec) {
		if x.dataset == "" {
			anywhere := layout{spec: mlops.EnvironmentSpec{ID: spec.Environment, Registry: &mlops.Registry{MLflow: &mlops.MLflow{}}}}
			checkExternal(c, anywhere, x)
		}
	}
}

// checkStep refuses variables that a container cannot have, and machines that no node
// can say to be.
func checkStep(c *mlops.Checker, at mlops.Path, s mlops.Step) {
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		if problems := validation.IsEnvVarName(key); len(problems) > 0 {
			c.Add(at.With("env", mlops.Key(key)), "Not a name here", "%q is no name of a container's variable: %s.", key, problems[0])
		}
	}
	if s.Compute != nil && s.Compute.Native != "" {
		if problems := validation.IsValidLabelValue(s.Compute.Native); len(problems) > 0 {
			c.Add(at.With("compute", "native"), "Not a machine type", "%q is no value of the label %s: %s.", s.Compute.Native, labelMachine, problems[0])
		}
	}
}

// checkExternal refuses an input that says where data is and can be nowhere. What it
// is made of by a run's parameters is looked at when that starts.
func checkExternal(c *mlops.Checker, l layout, x external) {
	t, err := mlops.ParseTemplate(x.uri)
	if err != nil || len(t.References()) > 0 || !c.Known(x.at) {
		return
	}
	if _, err := (artifacts{layout: l}).locate(x.uri); err != nil {
		c.Add(x.at, "Nothing to fetch", "%s.", err)
	}
}

// checkArtifacts refuses outputs that the environment has no place for, and data that
// is where it has no way to.
func checkArtifacts(c *mlops.Checker, spec mlops.PipelineSpec, l layout) {
	_, err := artifactsOf(l)
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		if len(spec.Steps[name].Outputs) > 0 && err != nil {
			c.Add(mlops.At("steps", mlops.Key(name), "outputs"), "No place for outputs", "%s.", err)
		}
	}
	checkDatasets(c, spec, l)
	for _, x := range externalOf(spec) {
		if strings.HasPrefix(x.uri, mlflowScheme+":") {
			checkExternal(c, l, x)
		}
	}
	if spec.Experiment != "" && l.spec.MLflowRegistry() == nil {
		c.Add(mlops.At("experiment"), "No MLflow server", "Experiments are in an MLflow server: give the environment a registry.mlflow.")
	}
}

// checkDatasets refuses datasets that steps have no way to: they are in the MLflow
// server, which steps reach by user name and password.
func checkDatasets(c *mlops.Checker, spec mlops.PipelineSpec, l layout) {
	m := l.spec.MLflowRegistry()
	open := m != nil && opensToSteps(*m)
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		for _, in := range slices.Sorted(maps.Keys(spec.Steps[name].Inputs)) {
			t, err := mlops.ParseTemplate(spec.Steps[name].Inputs[in])
			reads := func(r mlops.Reference) bool { return r.Kind == mlops.RefDataset }
			if err != nil || open || !slices.ContainsFunc(t.References(), reads) {
				continue
			}
			at, words := mlops.At("steps", mlops.Key(name), "inputs", mlops.Key(in)), "Datasets are in an MLflow server: give the environment a registry.mlflow."
			if m != nil {
				words = "Datasets are in the environment's MLflow server, which steps reach by user name and password: add registry.mlflow.username to the environment, which has a token alone."
			}
			c.Add(at, "No way to the data", "%s", words)
		}
	}
}

// Preflight refuses values that the steps cannot fetch; see mlops.Preflighter.
func (k pipelineRunKind) Preflight(ctx context.Context, spec mlops.PipelineRunSpec, c *mlops.Checker) error {
	s, err := pipelineKind(k).scene(ctx, spec.Pipeline)
	if k.is(err, mlops.NotFound) {
		return nil // it is made by the same apply
	}
	if err != nil {
		return err
	}
	if err := s.cluster.needs(ctx, needsArgo); err != nil {
		return k.report(c, err)
	}
	return nil
}
