// Package crds pins the modules that the resource definitions of test clusters, and
// the stages of their nodes and pods, are read from, in the module cache. Nothing
// imports it. KServe, Knative, Argo and kwok have the versions that ../kubernetes builds.
module github.com/terraform-mlops/terraform-provider-mlops/internal/tools/kubernetes-crds

go 1.26.0

require (
	github.com/argoproj/argo-workflows/v3 v3.7.9
	github.com/kedacore/keda/v2 v2.17.3
	github.com/kserve/kserve v0.17.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
	knative.dev/caching v0.0.0-20260120130310-f1fc03b7f5ee
	knative.dev/networking v0.0.0-20260120131110-a7cdca238a0d
	knative.dev/serving v0.48.1
	sigs.k8s.io/gateway-api v1.4.2-0.20260116062110-0d0ca872766e
	sigs.k8s.io/kwok v0.8.0
)
