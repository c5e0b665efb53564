package sagemaker

import (
	"context"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Factory describes the backend.
func Factory() mlops.Factory {
	return mlops.Factory{
		Name:         name,
		Summary:      "Amazon SageMaker AI: managed pipelines, model registry, endpoints and monitoring in an AWS account.",
		Settings:     settings(),
		Target:       target(),
		Capabilities: capabilities(),
		Catalogue:    catalogue,
		Scope:        scope,
		Open: func(_ context.Context, o mlops.Options) (mlops.Backend, error) {
			return open(o), nil
		},
	}
}

// backend is AWS as one set of credentials and one owner see it.
type backend struct {
	options mlops.Options

	mu          sync.Mutex
	regions     map[string]*clients
	places      verbs.Recent[mlops.ID, place] // many nouns need the same
	whereabouts whereabouts
	registering verbs.Turns // by what is being registered: a model, a dataset
	written     versions    // that this process wrote
	quotas      accountQuotas
	images      imagesSeen
	followers   followers
	looks       endpointLooks
}

// Environments returns the kind of environments.
func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return environmentKind{b}
}

// Experiments returns the kind of experiments.
func (b *backend) Experiments() mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return experimentKind{b}
}

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return datasetKind{b}
}

// Pipelines returns the kind of pipelines.
func (b *backend) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return pipelineKind{b}
}

// PipelineRuns returns the kind of runs.
func (b *backend) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return pipelineRunKind{b}
}

// Models returns the kind of models.
func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] { return modelKind{b} }

// ModelVersions returns the kind of versions.
func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return modelVersionKind{b}
}

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return modelEndpointKind{b}
}

// Monitors returns the kind of monitors.
func (b *backend) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	return monitorKind{b}
}

// Close does nothing: connections are let go when they are idle.
func (b *backend) Close() error { return nil }
