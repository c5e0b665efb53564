package mlopstest

import (
	"maps"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// noun is what rules need to know of one noun.
type noun struct {
	name mlops.Noun
	kind func(mlops.Backend) anyKind
	// spec returns a valid spec that differs by name; what it refers to is made.
	spec func(l *lab, name string) any
	// change returns the spec with another value that the user may change.
	change func(spec any) any
	// named nouns have the ID that their spec says; the others are numbered.
	named bool
	// renewed nouns answer change with a successor.
	renewed bool
}

// nouns describes every noun, dependencies first.
func nouns() []noun {
	return []noun{
		environmentNoun(), experimentNoun(), datasetNoun(), pipelineNoun(), pipelineRunNoun(), modelNoun(), modelVersionNoun(),
		modelEndpointNoun(), monitorNoun(),
	}
}

func nounOf(name mlops.Noun) noun {
	for _, n := range nouns() {
		if n.name == name {
			return n
		}
	}
	panic("mlopstest: no noun " + string(name))
}

func environmentNoun() noun {
	return noun{
		name:   mlops.NounEnvironment,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Environments()) },
		spec:   func(l *lab, name string) any { return l.environmentSpec(name) },
		change: with(func(s *mlops.EnvironmentSpec) { s.Labels = changed(s.Labels) }),
		named:  true,
	}
}

func experimentNoun() noun {
	return noun{
		name:   mlops.NounExperiment,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Experiments()) },
		spec:   func(l *lab, name string) any { return l.experimentSpec(name) },
		change: with(func(s *mlops.ExperimentSpec) { s.Description = "changed" }),
		named:  true,
	}
}

func datasetNoun() noun {
	return noun{
		name:   mlops.NounDataset,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Datasets()) },
		spec:   func(l *lab, name string) any { return l.datasetSpec(name) },
		change: with(func(s *mlops.DatasetSpec) { s.Labels = changed(s.Labels) }),
		named:  true,
	}
}

func pipelineNoun() noun {
	return noun{
		name:   mlops.NounPipeline,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Pipelines()) },
		spec:   func(l *lab, name string) any { return l.pipelineSpec(name) },
		change: with(func(s *mlops.PipelineSpec) { s.Description = "changed" }),
		named:  true,
	}
}

func pipelineRunNoun() noun {
	return noun{
		name:    mlops.NounPipelineRun,
		kind:    func(b mlops.Backend) anyKind { return erase(b.PipelineRuns()) },
		spec:    func(l *lab, name string) any { return l.runSpec(name) },
		change:  with(func(s *mlops.PipelineRunSpec) { s.Triggers = changed(s.Triggers) }),
		renewed: true,
	}
}

func modelNoun() noun {
	return noun{
		name:   mlops.NounModel,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Models()) },
		spec:   func(l *lab, name string) any { return l.modelSpec(name) },
		change: with(func(s *mlops.ModelSpec) { s.Description = "changed" }),
		named:  true,
	}
}

func modelVersionNoun() noun {
	return noun{
		name:   mlops.NounModelVersion,
		kind:   func(b mlops.Backend) anyKind { return erase(b.ModelVersions()) },
		spec:   func(l *lab, name string) any { return l.versionSpec("bytes of " + name) },
		change: with(func(s *mlops.ModelVersionSpec) { s.Description = "changed" }),
	}
}

func modelEndpointNoun() noun {
	return noun{
		name:   mlops.NounModelEndpoint,
		kind:   func(b mlops.Backend) anyKind { return erase(b.ModelEndpoints()) },
		spec:   func(l *lab, name string) any { return l.endpointSpec(name) },
		change: with(func(s *mlops.ModelEndpointSpec) { s.Labels = changed(s.Labels) }),
		named:  true,
	}
}

func monitorNoun() noun {
	return noun{
		name:   mlops.NounMonitor,
		kind:   func(b mlops.Backend) anyKind { return erase(b.Monitors()) },
		spec:   func(l *lab, name string) any { return l.monitorSpec(name) },
		change: with(func(s *mlops.MonitorSpec) { s.Description = "changed" }),
		named:  true,
	}
}

// with turns a change of a spec's copy into one of an erased spec.
func with[Spec any](change func(*Spec)) func(any) any {
	return func(spec any) any {
		s := as[Spec](spec)
		change(&s)
		return s
	}
}

// changed returns a copy with one more entry.
func changed(m map[string]string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out["changed"] = "yes"
	return out
}

// parentOf returns the ID under which an object of a spec is listed, empty for
// an environment.
func parentOf(spec any) mlops.ID {
	switch s := spec.(type) {
	case mlops.ExperimentSpec:
		return s.Environment
	case mlops.DatasetSpec:
		return s.Environment
	case mlops.PipelineSpec:
		return s.Environment
	case mlops.PipelineRunSpec:
		return s.Pipeline
	case mlops.ModelSpec:
		return s.Environment
	case mlops.ModelVersionSpec:
		return s.Model
	case mlops.ModelEndpointSpec:
		return s.Environment
	case mlops.MonitorSpec:
		return s.Endpoint.Environment()
	default:
		return ""
	}
}

// idOf returns the ID that a named noun's spec says.
func idOf(spec any) mlops.ID {
	if s, ok := spec.(mlops.EnvironmentSpec); ok {
		return s.ID
	}
	if s, ok := spec.(interface{ ID() mlops.ID }); ok {
		return s.ID()
	}
	return ""
}
