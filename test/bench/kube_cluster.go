package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// The environment in every cluster, and the version that all endpoints serve.
const (
	kubeEnvironment = "kubernetes/bench/bench"
	kubeNamespace   = "bench"
	kubeVersion     = kubeEnvironment + "/models/served/versions/1"
	kubeImage       = "registry.example.com/serve:1"
)

// kubeHead begins a configuration with objects in a cluster.
const kubeHead = providerHead + "provider \"mlops\" {\n  kubernetes = { cluster = \"bench\" }\n}\n"

// kubeBase are the objects that all others refer to, with places for the gateway, the
// address of the MLflow server and the number of models.
const kubeBase = kubeHead + `
resource "mlops_environment" "e" {
  name       = "bench"
  stage      = "dev"
  kubernetes = { gateway = %q, storage_uri = "s3://models" }
  registry   = { mlflow = { uri = %q } }
}
resource "mlops_model" "many" {
  count       = %d
  environment = mlops_environment.e.id
  name        = "many-${count.index}"
}
resource "mlops_model" "served" {
  environment = mlops_environment.e.id
  name        = "served"
}
resource "mlops_model_version" "served" {
  model        = mlops_model.served.id
  artifact_uri = "${path.module}/main.tf" # nothing looks into what is served
  format       = "custom"
  image        = "` + kubeImage + `"
  approval     = "approved"
}
`

// kube is a real control plane of which every call of the provider's is counted.
type kube struct {
	cluster *kubetest.Cluster
	objects dynamic.Interface
	gateway string // namespace and name
	cli     cli
	seen    int // calls that were counted before
}

// kinds of objects that an endpoint comes to.
var (
	kubeGateways    = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}
	kubeRoutes      = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	kubeServices    = schema.GroupVersionResource{Group: "serving.kserve.io", Version: "v1beta1", Resource: "inferenceservices"}
	kubeDeployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

// openKube starts a cluster, and says how long its control plane took, and all of it.
func openKube(ctx context.Context, s site, path, name string, parts ...kubetest.Part) (k *kube, took [2]time.Duration, err error) {
	k = &kube{cluster: &kubetest.Cluster{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	begin := time.Now()
	if err = k.cluster.Open(ctx); err != nil {
		return k, took, err
	}
	took[0] = time.Since(begin)
	if err = k.cluster.Open(ctx, parts...); err != nil {
		return k, took, err
	}
	took[1] = time.Since(begin)
	if k.objects, err = dynamic.NewForConfig(k.cluster.Access().Config()); err != nil {
		return k, took, err
	}
	k.cli, err = newCLI(s, path, filepath.Join(s.dir, "no-engine"), filepath.Join(s.dir, name+"-cli"), s.binary)
	access := k.cluster.Counted()
	k.cli.extra = []string{"KUBE_HOST=" + access.Host, "KUBE_TOKEN=" + access.Token, "KUBE_CLUSTER_CA_CERT_DATA=" + string(access.CA), "KUBECONFIG=" + os.DevNull}
	return k, took, err
}

func (k *kube) close() error { return k.cluster.Close() }

// base applies what all endpoints refer to.
func (k *kube) base(ctx context.Context, dir, mlflow string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), fmt.Appendf(nil, kubeBase, k.gateway, mlflow, manyModels), 0o600); err != nil {
		return err
	}
	return k.cli.apply(ctx, dir)
}

// since lists the calls since it was last asked, by kind.
func (k *kube) since() (ledger, error) {
	l := ledger{Calls: map[string]int{}}
	all, err := k.cluster.Calls("")
	if err != nil {
		return l, err
	}
	for _, call := range all[k.seen:] {
		l.Calls[call.String()]++
	}
	k.seen = len(all)
	return l, nil
}

// afresh is an object as somebody would write it who wants another such.
func afresh(o *unstructured.Unstructured) *unstructured.Unstructured {
	out := o.DeepCopy()
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "ownerReferences", "finalizers"} {
		unstructured.RemoveNestedField(out.Object, "metadata", field)
	}
	return out
}
