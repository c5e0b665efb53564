package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// machines are nodes of a type, and with an accelerator, that samples ask for.
const machines = `
apiVersion: v1
kind: Node
metadata:
  name: machine-0
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: machine-0, node.kubernetes.io/instance-type: m7i.large}
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110", ephemeral-storage: 1Ti}
  capacity: {cpu: "32", memory: 256Gi, pods: "110", ephemeral-storage: 1Ti}
---
apiVersion: v1
kind: Node
metadata:
  name: gpu-1
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: gpu-1, cloud.google.com/gke-accelerator: nvidia-l4}
spec: {taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110", ephemeral-storage: 1Ti, nvidia.com/gpu: "8"}
  capacity: {cpu: "32", memory: 256Gi, pods: "110", ephemeral-storage: 1Ti, nvidia.com/gpu: "8"}
`

// servingSettings are those of an environment that has all that endpoints can need.
func servingSettings(t *testing.T) mlops.Settings {
	t.Helper()
	return mlops.Settings{
		targetGateway: gateways.Start(t, &control), targetStorage: "s3://bucket", targetPrometheus: "http://prometheus.monitoring:9090",
	}
}

// adaptEndpoint makes of the suite's samples what KServe takes: its logger has no
// samples, and the cluster's nodes have no L4 and no machine type.
func adaptEndpoint(spec any) any {
	s, ok := spec.(mlops.ModelEndpointSpec)
	if !ok {
		return spec
	}
	if s.Capture != nil {
		s.Capture = &mlops.Capture{SamplePercent: 100}
	}
	return s
}

// breakEndpoint asks for accelerators that no node has, and waits for them but a while.
func breakEndpoint(spec mlops.ModelEndpointSpec) mlops.ModelEndpointSpec {
	variants := map[string]mlops.Variant{}
	for name, v := range spec.Variants {
		v.Compute, v.Startup = &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-none", Count: 64}}, mlops.Duration(2*time.Second)
		variants[name] = v
	}
	spec.Variants = variants
	return spec
}

// shelf keeps models and versions for tests of what serves them.
type shelf struct {
	mu       sync.Mutex
	models   map[mlops.ID]mlops.ModelSpec
	versions map[mlops.ID]mlops.ModelVersionSpec
}

// shelved is a backend with the test's models and versions.
type shelved struct {
	*backend

	shelf *shelf
}

func (s shelved) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return shelvedModels{s.shelf}
}

func (s shelved) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return shelvedVersions{s.shelf}
}

func (s shelved) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return modelEndpointKind{s.backend, s.ModelVersions()}
}

func notOnShelf(ref mlops.ID) error {
	return mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist", ref))
}

type shelvedModels struct{ *shelf }

func (k shelvedModels) Create(_ context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.models[spec.ID()] = spec
	return mlops.Change{Ref: spec.ID(), Revision: revisionOf(spec)}, nil
}

func (k shelvedModels) Get(_ context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	spec, ok := k.models[ref]
	out := mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{Ref: ref, Spec: spec, Phase: mlops.PhaseReady, Revision: revisionOf(spec)}
	if !ok {
		return out, notOnShelf(ref)
	}
	return out, nil
}

func (k shelvedModels) Update(ctx context.Context, _ mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	return k.Create(ctx, spec)
}

func (k shelvedModels) Delete(context.Context, mlops.ID) error { return errors.New("models stay") }

type shelvedVersions struct{ *shelf }

func (k shelvedVersions) Create(_ context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ref := spec.Model.Child(mlops.NounModelVersion, strconv.Itoa(len(k.versions)+1))
	k.versions[ref] = spec
	return mlops.Change{Ref: ref, Revision: revisionOf(spec)}, nil
}

func (k shelvedVersions) Get(_ context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	spec, ok := k.versions[ref]
	out := mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{Ref: ref, Spec: spec, Phase: mlops.PhaseReady, Revision: revisionOf(spec)}
	if !ok {
		return out, notOnShelf(ref)
	}
	out.Status.Digest, out.Status.URI = mlops.DigestOf(spec.ArtifactURI), spec.ArtifactURI
	return out, nil
}

func (k shelvedVersions) Update(_ context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.versions[ref] = spec
	return mlops.Change{Ref: ref, Revision: revisionOf(spec)}, nil
}

func (k shelvedVersions) Delete(context.Context, mlops.ID) error { return errors.New("versions stay") }
