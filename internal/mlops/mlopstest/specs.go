package mlopstest

import (
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// one makes an object once in a world, and waits for it.
func (l *lab) one(key string, n noun, spec func() any) mlops.ID {
	l.Helper()
	if _, ok := l.made[key]; !ok {
		l.made[key] = l.create(n, spec()).Ref
	}
	return l.made[key]
}

// The objects that others refer to.

func (l *lab) environment() mlops.ID {
	return l.one("environment", environmentNoun(), func() any { return l.environmentSpec(l.fresh()) })
}

func (l *lab) pipeline() mlops.ID {
	return l.one("pipeline", pipelineNoun(), func() any { return l.pipelineSpec(l.fresh()) })
}

func (l *lab) run() mlops.ID {
	return l.one("run", pipelineRunNoun(), func() any { return l.runSpec(l.fresh()) })
}

func (l *lab) model() mlops.ID {
	return l.one("model", modelNoun(), func() any { return l.modelSpec(l.fresh()) })
}

func (l *lab) version() mlops.ID {
	return l.one("version", modelVersionNoun(), func() any { return l.versionSpec("bytes") })
}

// The specs, valid and small.

func (l *lab) environmentSpec(name string) mlops.EnvironmentSpec {
	return mlops.EnvironmentSpec{
		ID:     mlops.EnvironmentID(l.harness.Factory.Name, l.world.Scope, name),
		Name:   name,
		Stage:  "dev",
		Target: l.world.Target,
		Labels: map[string]string{},
	}
}

// trainCommand writes a model and its metrics.
const trainCommand = `printf model > "$MLOPS_OUTPUT_MODEL"; printf '{"accuracy": 0.9}' > "$MLOPS_OUTPUT_METRICS"`

func (l *lab) pipelineSpec(name string) mlops.PipelineSpec {
	return l.world.Pipeline(mlops.PipelineSpec{
		Environment: l.environment(),
		Name:        name,
		Parameters:  map[string]mlops.Parameter{},
		Steps: map[string]mlops.Step{
			"train": {Command: []string{"sh", "-c", trainCommand}, Outputs: []string{"model", "metrics"}},
		},
	})
}

func (l *lab) runSpec(name string) mlops.PipelineRunSpec {
	return mlops.PipelineRunSpec{
		Pipeline:   l.pipeline(),
		Parameters: map[string]string{},
		Triggers:   map[string]string{"name": name},
	}
}

func (l *lab) modelSpec(name string) mlops.ModelSpec {
	return mlops.ModelSpec{Environment: l.environment(), Name: name, Labels: map[string]string{}}
}

func (l *lab) versionSpec(content string) mlops.ModelVersionSpec {
	return mlops.ModelVersionSpec{
		Model:       l.model(),
		ArtifactURI: l.world.Artifact(l.T, content),
		Format:      "custom",
		Command:     l.world.Command,
		Labels:      map[string]string{},
		Approval:    "approved",
	}
}

func (l *lab) endpointSpec(name string) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: l.environment(),
		Name:        name,
		Labels:      map[string]string{},
		Variants:    map[string]mlops.Variant{"main": {Version: l.version(), Traffic: 100}},
	}
}
