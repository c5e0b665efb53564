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

func (l *lab) experiment() mlops.ID {
	return l.one("experiment", experimentNoun(), func() any { return l.experimentSpec(l.fresh()) })
}

func (l *lab) dataset() mlops.ID {
	return l.one("dataset", datasetNoun(), func() any { return l.datasetSpec(l.fresh()) })
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

// endpoint is one that a monitor can watch.
func (l *lab) endpoint() mlops.ID {
	return l.one("endpoint", modelEndpointNoun(), func() any {
		s := l.endpointSpec(l.fresh())
		if l.harness.Factory.Capabilities.Supports(mlops.FeatureEndpointCapture) {
			s.Capture = &mlops.Capture{SamplePercent: 100}
		}
		return s
	})
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

// table is a small table of data, with a column of predictions.
const table = "age,colour,prediction\n31,red,1\n42,blue,0\n27,red,1\n55,green,0\n"

// trainCommand writes a model, its metrics, and what it was trained on.
const trainCommand = `printf model > "$MLOPS_OUTPUT_MODEL"; printf '{"accuracy": 0.9}' > "$MLOPS_OUTPUT_METRICS"; ` +
	`printf 'age,colour,prediction\n31,red,1\n42,blue,0\n' > "$MLOPS_OUTPUT_DATA"`

func (l *lab) experimentSpec(name string) mlops.ExperimentSpec {
	return mlops.ExperimentSpec{Environment: l.environment(), Name: name, Labels: map[string]string{}}
}

func (l *lab) datasetSpec(name string) mlops.DatasetSpec {
	return mlops.DatasetSpec{
		Environment: l.environment(),
		Name:        name,
		Labels:      map[string]string{},
		URI:         l.world.Artifact(l.T, table),
		Format:      "csv",
	}
}

func (l *lab) pipelineSpec(name string) mlops.PipelineSpec {
	return l.world.Pipeline(mlops.PipelineSpec{
		Environment: l.environment(),
		Name:        name,
		Parameters:  map[string]mlops.Parameter{},
		Steps: map[string]mlops.Step{
			"train": {Command: []string{"sh", "-c", trainCommand}, Outputs: []string{"model", "metrics", "data"}},
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
	spec := mlops.ModelVersionSpec{
		Model:       l.model(),
		ArtifactURI: l.world.Artifact(l.T, content),
		Format:      "custom",
		Command:     l.world.Command,
		Labels:      map[string]string{},
		Approval:    "approved",
	}
	if l.world.byImage {
		spec.Command, spec.Image = nil, l.world.Image
	}
	return spec
}

func (l *lab) endpointSpec(name string) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: l.environment(),
		Name:        name,
		Labels:      map[string]string{},
		Variants:    map[string]mlops.Variant{"main": {Version: l.version(), Traffic: 100}},
	}
}

// monitorSpec watches health alone, which needs nothing but an endpoint. It is
// checked at the turn of the year.
func (l *lab) monitorSpec(name string) mlops.MonitorSpec {
	percent := 5.0
	return mlops.MonitorSpec{
		Endpoint: l.endpoint(),
		Name:     name,
		Labels:   map[string]string{},
		Schedule: mlops.Schedule{Cron: "0 3 1 1 *"},
		Health:   &mlops.HealthCheck{MaxErrorPercent: &percent},
	}
}
