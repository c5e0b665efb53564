package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// capability is something that a cluster has if somebody installed it.
type capability string

// What nouns need of a cluster.
const (
	needsKServe     capability = "KServe"
	needsArgo       capability = "Argo Workflows"
	needsPrometheus capability = "the Prometheus operator"

	needsAlertmanager capability = "the Prometheus operator's AlertmanagerConfig"
	needsGateway      capability = "the Gateway API"
	needsKEDA         capability = "KEDA"
	needsKnative      capability = "Knative Serving"
)

// requirement is what tells that a capability is there: resources of an API at a
// version, and how to get them.
type requirement struct {
	group, version string
	resources      []string
	install        string
}

// requirements says what tells of each capability, with the command of its makers
// that installs it.
func requirements() map[capability]requirement {
	return map[capability]requirement{
		needsKServe: {
			"serving.kserve.io", "v1beta1",
			[]string{"inferenceservices"},
			"helm install kserve-crd oci://ghcr.io/kserve/charts/kserve-crd --version v0.17.0 --namespace kserve --create-namespace && helm install kserve-resources oci://ghcr.io/kserve/charts/kserve-resources --version v0.17.0 --namespace kserve --set kserve.controller.deploymentMode=Standard && helm install kserve-runtime-configs oci://ghcr.io/kserve/charts/kserve-runtime-configs --version v0.17.0 --namespace kserve --set kserve.servingruntime.enabled=true",
		},
		needsArgo: {
			"argoproj.io", "v1alpha1",
			[]string{"workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults"},
			"kubectl create namespace argo && kubectl apply --namespace argo --server-side -f https://github.com/argoproj/argo-workflows/releases/download/v3.7.9/install.yaml",
		},
		needsPrometheus: {
			"monitoring.coreos.com", "v1",
			[]string{"prometheusrules", "servicemonitors"},
			"helm install monitoring oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack --namespace monitoring --create-namespace",
		},
		needsAlertmanager: {
			"monitoring.coreos.com", "v1alpha1",
			[]string{"alertmanagerconfigs"},
			"helm install monitoring oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack --namespace monitoring --create-namespace",
		},
		needsGateway: {
			"gateway.networking.k8s.io", "v1",
			[]string{"httproutes"},
			"kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.3.0/standard-install.yaml",
		},
		needsKEDA: {
			"keda.sh", "v1alpha1",
			[]string{"scaledobjects"},
			"helm install keda keda --repo https://kedacore.github.io/charts --namespace keda --create-namespace",
		},
		needsKnative: {
			"serving.knative.dev", "v1",
			[]string{"services"},
			"kubectl apply -f https://github.com/knative/serving/releases/download/knative-v1.21.1/serving-crds.yaml && kubectl wait --for=condition=Established --all crd && kubectl apply -f https://github.com/knative/serving/releases/download/knative-v1.21.1/serving-core.yaml",
		},
	}
}

// installedAge is for how long a capability that was found is taken to be there. One
// that was missing is looked for again: somebody may be installing it.
const installedAge = 5 * time.Minute

// installation is what was found of a capability.
type installation struct{ found time.Time }

// needs insists that the cluster of an environment has some capabilities. One that
// it lacks is Unsupported, and the error names the command that installs it.
func (c *cluster) needs(ctx context.Context, all ...capability) error {
	for _, one := range all {
		if err := c.need(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the cluster has a capability, for those that can be done
// without.
func (c *cluster) has(ctx context.Context, one capability) (bool, error) {
	err := c.need(ctx, one)
	if mlops.CodeOf(err) == mlops.Unsupported {
		return false, nil
	}
	return err == nil, err
}

func (c *cluster) need(ctx context.Context, one capability) error {
	c.mu.Lock()
	known := c.installed[one]
	c.mu.Unlock()
	if !known.found.IsZero() && time.Since(known.found) < installedAge {
		return nil
	}
	r := requirements()[one]
	have, err := c.served(ctx, r.group, r.version)
	if err != nil {
		return err
	}
	for _, resource := range r.resources {
		if !slices.Contains(have, resource) {
			return c.lacks(ctx, one, r)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.installed[one] = installation{time.Now()}
	return nil
}

// served lists the resources that the API server serves of an API at a version: none
// where it serves no such API.
func (c *cluster) served(ctx context.Context, group, version string) ([]string, error) {
	raw, err := c.raw(ctx, "/apis/"+group+"/"+version)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("the API server's list of what %s/%s has cannot be read: %w", group, version, err)
	}
	names := make([]string, len(list.APIResources))
	for i, r := range list.APIResources {
		names[i] = r.Name
	}
	return names, nil
}

// lacks is the error of a capability that is not there, or is there in another
// version. The command is on a line of its own, to be copied.
func (c *cluster) lacks(ctx context.Context, one capability, r requirement) error {
	others := c.versions(ctx, r.group)
	if len(others) > 0 && !slices.Contains(others, r.version) {
		return mlops.NewError(mlops.Unsupported, fmt.Errorf("the cluster %q has %s in a version that this provider does not know: it serves %s at %s, and %s is needed. To install one that does:\n\n  %s",
			c.name, one, r.group, strings.Join(others, ", "), r.version, r.install))
	}
	return mlops.NewError(mlops.Unsupported, fmt.Errorf("the cluster %q does not have %s: it does not serve %s of %s/%s. To install it:\n\n  %s",
		c.name, one, strings.Join(r.resources, ", "), r.group, r.version, r.install))
}

// versions lists the versions at which the API server serves a group, as far as it
// says so.
func (c *cluster) versions(ctx context.Context, group string) []string {
	raw, err := c.raw(ctx, "/apis/"+group)
	if err != nil {
		return nil
	}
	var g metav1.APIGroup
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil
	}
	out := make([]string, len(g.Versions))
	for i, v := range g.Versions {
		out[i] = v.Version
	}
	return out
}
