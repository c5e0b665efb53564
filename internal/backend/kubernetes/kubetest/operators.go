package kubetest

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed testdata/argo.yaml
var argoSettings string

// startArgo starts Argo's controller, which reports nothing when it is ready: it
// takes the workflows that it finds.
func (c *Cluster) startArgo(ctx context.Context) error {
	if _, err := c.objects.applyAll(ctx, "argo", argoSettings); err != nil {
		return err
	}
	return c.run(ctx, argo, command{
		path: c.programs.argo(),
		args: []string{
			"--kubeconfig=" + c.Kubeconfig(), "--namespace=argo", "--qps=200", "--burst=400",
			"--executor-image=argoexec", // which nobody pulls
		},
		// Tests wait for what it does next.
		env: []string{"LEADER_ELECTION_DISABLE=true", "DEFAULT_REQUEUE_TIME=500ms", "CRON_SYNC_PERIOD=1s"},
	})
}

// kserveModule is where KServe's own manifests come from.
const kserveModule = "github.com/kserve/kserve"

// startKServe starts KServe's manager, and has the API server ask its webhooks.
func (c *Cluster) startKServe(ctx context.Context) error {
	// It looks for Knative when it starts, and only then.
	if err := c.install(ctx, source{knativeModule, "config/core/300-resources/service.yaml"}); err != nil {
		return err
	}
	if err := c.settleKServe(ctx); err != nil {
		return err
	}
	var webhooks, metrics, probe string
	if err := freePorts(ctx, &webhooks, &metrics, &probe); err != nil {
		return err
	}
	// The manager looks for its certificate in the directory for temporary files.
	err := errors.Join(
		c.authority.serve(c.file("kserve-files/k8s-webhook-server/serving-certs")),
		c.run(ctx, kserve, command{
			path: c.programs.kserve(),
			args: []string{
				"--kubeconfig=" + c.Kubeconfig(), "--webhook-port=" + webhooks,
				"--metrics-addr=127.0.0.1:" + metrics, "--health-probe-addr=127.0.0.1:" + probe,
			},
			env: []string{"TMPDIR=" + c.file("kserve-files"), "POD_NAMESPACE=kserve"},
		}),
	)
	if err != nil {
		return err
	}
	if err := c.answers(ctx, kserve, "http://127.0.0.1:"+probe+"/readyz"); err != nil {
		return err
	}
	return c.guardKServe(ctx, "https://127.0.0.1:"+webhooks)
}

// settleKServe writes what the manager reads when it starts: its configuration, for
// Standard mode without Istio.
func (c *Cluster) settleKServe(ctx context.Context) error {
	if _, err := c.objects.applyAll(ctx, "", "{apiVersion: v1, kind: Namespace, metadata: {name: kserve}}"); err != nil {
		return err
	}
	found, err := c.sources(
		source{kserveModule, "config/configmap/inferenceservice.yaml"},
		source{kserveModule, "config/storagecontainers/default.yaml"},
	)
	if err != nil {
		return err
	}
	settings := found[0]
	unstructured.RemoveNestedField(settings.Object, "data", "_example")
	err = errors.Join(
		edit(settings, "deploy", "defaultDeploymentMode", "Standard"),
		edit(settings, "ingress", "disableIstioVirtualHost", true),
	)
	if err != nil {
		return err
	}
	return c.applyEach(ctx, found)
}

// edit changes one value of a document in JSON that a config map has.
func edit(settings *unstructured.Unstructured, name, key string, value any) error {
	text, _, err := unstructured.NestedString(settings.Object, "data", name)
	if err != nil {
		return err
	}
	document := map[string]any{}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return fmt.Errorf("KServe's setting %s: %w", name, err)
	}
	document[key] = value
	changed, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return unstructured.SetNestedField(settings.Object, string(changed), "data", name)
}

// guardKServe registers the manager's webhooks, and then its runtimes, which pass
// them.
func (c *Cluster) guardKServe(ctx context.Context, url string) error {
	webhooks, err := c.sources(source{kserveModule, "config/webhook/manifests.yaml"})
	if err != nil {
		return err
	}
	for _, configuration := range webhooks {
		if err := point(configuration, url, c.access.CA); err != nil {
			return err
		}
	}
	runtimes, err := c.sources(source{kserveModule, "config/runtimes/kserve-*.yaml"})
	if err != nil {
		return err
	}
	return c.applyEach(ctx, append(webhooks, runtimes...))
}

// point has a configuration of webhooks call a server outside the cluster.
func point(configuration *unstructured.Unstructured, url string, authority []byte) error {
	unstructured.RemoveNestedField(configuration.Object, "metadata", "creationTimestamp")
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, one := range webhooks {
		webhook, ok := one.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: a webhook is %T", configuration.GetName(), one)
		}
		path, _, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
		if err != nil {
			return err
		}
		webhook["clientConfig"] = map[string]any{"url": url + path, "caBundle": base64.StdEncoding.EncodeToString(authority)}
	}
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}

func (c *Cluster) applyEach(ctx context.Context, all []*unstructured.Unstructured) error {
	for _, object := range all {
		if _, err := c.objects.apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}
