package kubetest

import (
	"context"
	_ "embed"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where Knative's own manifests come from.
const (
	knativeModule    = "knative.dev/serving"
	networkingModule = "knative.dev/networking"
)

//go:embed testdata/knative.yaml
var knativeGround string

// knativeSettings are what its config maps say other than their makers: images of which no
// registry is asked, windows as short as they can be, and what the guide says of pods that
// choose their nodes. With the activator always in front of a revision, its pods may go
// without anybody's having asked it.
func knativeSettings() map[string]map[string]any {
	return map[string]map[string]any{
		"config-deployment": {
			"queue-sidecar-image":               "queue-proxy",
			"registries-skipping-tag-resolving": "index.docker.io,registry.example.com,ghcr.io,nvcr.io,quay.io",
		},
		"config-autoscaler": {"stable-window": "6s", "scale-to-zero-grace-period": "6s", "target-burst-capacity": "-1"},
		"config-features": {
			"kubernetes.podspec-affinity": "enabled", "kubernetes.podspec-nodeselector": "enabled", "kubernetes.podspec-tolerations": "enabled",
		},
		"config-domain": {"knative.example.com": ""},
	}
}

// startKnative starts Knative's controllers, and has the API server ask them what it would
// ask its webhook.
func (c *Cluster) startKnative(ctx context.Context) error {
	if err := c.settleKnative(ctx); err != nil {
		return err
	}
	var port string
	if err := freePorts(ctx, &port); err != nil {
		return err
	}
	address := "127.0.0.1:" + port
	err := errors.Join(
		c.authority.serve(c.file("knative-files")),
		c.run(ctx, knative, command{
			path: c.programs.knative(),
			args: []string{"-kubeconfig=" + c.Kubeconfig(), "-address=" + address, "-certificates=" + c.file("knative-files")},
			env:  []string{"SYSTEM_NAMESPACE=knative-serving", "POD_NAME=knative"},
		}),
	)
	if err != nil {
		return err
	}
	if err := c.answers(ctx, knative, "https://"+address+"/readyz"); err != nil {
		return err
	}
	return c.guardKnative(ctx, "https://"+address+"/admit")
}

// settleKnative writes what the controllers read when they start. KServe reads one of the
// settings, too.
func (c *Cluster) settleKnative(ctx context.Context) error {
	if _, err := c.objects.applyAll(ctx, "", knativeGround); err != nil {
		return err
	}
	found, err := c.sources(
		source{knativeModule, "config/core/configmaps/*.yaml"},
		source{networkingModule, "config/config-network.yaml"},
	)
	if err != nil {
		return err
	}
	for _, settings := range found {
		unstructured.RemoveNestedField(settings.Object, "data", "_example")
		for key, value := range knativeSettings()[settings.GetName()] {
			if err := unstructured.SetNestedField(settings.Object, value, "data", key); err != nil {
				return err
			}
		}
	}
	return c.applyEach(ctx, found)
}

// guardKnative registers the webhook that sets defaults, which refuses what is not valid
// too.
func (c *Cluster) guardKnative(ctx context.Context, url string) error {
	webhooks, err := c.sources(source{knativeModule, "config/core/webhooks/defaulting.yaml"})
	if err != nil {
		return err
	}
	for _, configuration := range webhooks {
		if err := point(configuration, url, c.access.CA); err != nil {
			return err
		}
	}
	return c.applyEach(ctx, webhooks)
}
