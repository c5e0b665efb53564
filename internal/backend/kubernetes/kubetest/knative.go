package kubetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// The labels and annotations of what a revision runs on. The last two are the play's own.
const (
	labelOfService  = "serving.knative.dev/service"
	labelOfRevision = "serving.knative.dev/revision"
	noteOfTemplate  = "kubetest/template"
	noteOfReady     = "kubetest/was-ready"
)

// startKnative plays Knative: its controller, its autoscaler and its ingress. KServe reads
// one setting of its makers.
func (c *Cluster) startKnative(ctx context.Context) error {
	_, err := c.objects.applyAll(ctx, "", `
apiVersion: v1
kind: Namespace
metadata: {name: knative-serving}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-autoscaler, namespace: knative-serving}
data: {}
`)
	if err != nil {
		return err
	}
	return (&knativePlay{objects: c.objects}).start() //nolint:contextcheck // it lasts as long as the binary
}

// knativePlay does what Knative does with a service, as far as others see it: each change
// of its template is a revision, which runs on a deployment; the newest one that is ready
// gets the share of the latest; and the status says so. Revisions without traffic have no
// pods. No request is sent anywhere, and nothing is scaled by requests.
type knativePlay struct {
	objects *objects
	due     workqueue.TypedInterface[Ref] // each service once, however often it is looked at
}

// knativeHands is how many services are settled at once.
const knativeHands = 4

// start begins to watch; the watch survives that the server is away. What fails is tried
// again a second later.
func (p *knativePlay) start() error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(p.objects.client, time.Second)
	services := schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	p.due = workqueue.NewTyped[Ref]()
	settle := func(object any) {
		if o, ok := object.(*unstructured.Unstructured); ok {
			p.due.Add(Ref{Resource: "services.serving.knative.dev", Namespace: o.GetNamespace(), Name: o.GetName()})
		}
	}
	for range knativeHands {
		go p.work()
	}
	_, err := factory.ForResource(services).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: settle, UpdateFunc: func(_, now any) { settle(now) },
	})
	factory.Start(make(chan struct{}))
	return err
}

// work settles services, one at a time and each by one hand.
func (p *knativePlay) work() {
	for {
		service, ended := p.due.Get()
		if ended {
			return
		}
		_ = p.settle(context.Background(), service)
		p.due.Done(service)
	}
}

// revision is a revision as the play keeps it: a deployment.
type revision struct {
	name     string
	template string // digest of what it was made of
	ready    bool   // it was
	replicas int64  // asked for
	running  int64
}

// settle brings a service a step further.
func (p *knativePlay) settle(ctx context.Context, of Ref) error {
	service, err := p.objects.get(ctx, of)
	if err != nil || service.GetDeletionTimestamp() != nil {
		return err
	}
	all, err := p.revisions(ctx, service)
	if err != nil {
		return err
	}
	template, _, _ := unstructured.NestedMap(service.Object, "spec", "template")
	raw, err := json.Marshal(template)
	if err != nil {
		return err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(raw))[:32]
	if len(all) == 0 || all[len(all)-1].template != digest {
		made := revision{name: fmt.Sprintf("%s-%05d", of.Name, len(all)+1), template: digest, replicas: 1}
		if err := p.run(ctx, service, template, made); err != nil {
			return err
		}
		all = append(all, made)
	}
	return p.report(ctx, service, all)
}

// revisions are those that there are of a service, the newest last.
func (p *knativePlay) revisions(ctx context.Context, service *unstructured.Unstructured) ([]revision, error) {
	found, err := p.objects.list(ctx, Ref{Resource: "deployments.apps", Namespace: service.GetNamespace()}, labelOfService+"="+service.GetName())
	if err != nil {
		return nil, err
	}
	var all []revision
	for i := range found {
		o := &found[i]
		r := revision{name: o.GetLabels()[labelOfRevision], template: o.GetAnnotations()[noteOfTemplate], ready: o.GetAnnotations()[noteOfReady] != ""}
		r.replicas, _, _ = unstructured.NestedInt64(o.Object, "spec", "replicas")
		r.running, _, _ = unstructured.NestedInt64(o.Object, "status", "readyReplicas")
		if r.running > 0 && !r.ready {
			r.ready = true
			if err := p.patch(ctx, service, r, `{metadata: {annotations: {`+noteOfReady+`: "yes"}}}`); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b revision) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// patch changes the deployment of a revision.
func (p *knativePlay) patch(ctx context.Context, service *unstructured.Unstructured, r revision, document string) error {
	return p.objects.patch(ctx, Ref{Resource: "deployments.apps", Namespace: service.GetNamespace(), Name: r.name + "-deployment"}, document)
}

// run makes the deployment of a revision, with the labels and annotations that Knative
// hands on.
func (p *knativePlay) run(ctx context.Context, service *unstructured.Unstructured, template map[string]any, made revision) error {
	labels, _, _ := unstructured.NestedStringMap(template, "metadata", "labels")
	notes, _, _ := unstructured.NestedStringMap(template, "metadata", "annotations")
	spec, _, _ := unstructured.NestedMap(template, "spec")
	for _, own := range []string{"containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"} {
		delete(spec, own)
	}
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelOfService], labels[labelOfRevision] = service.GetName(), made.name
	raw, err := json.Marshal(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": made.name + "-deployment", "namespace": service.GetNamespace(), "labels": labels, "annotations": map[string]string{noteOfTemplate: made.template},
			"ownerReferences": []map[string]any{{
				"apiVersion": service.GetAPIVersion(), "kind": service.GetKind(), "name": service.GetName(), "uid": service.GetUID(), "controller": true,
			}},
		},
		"spec": map[string]any{
			"replicas": made.replicas, "selector": map[string]any{"matchLabels": map[string]string{labelOfRevision: made.name}},
			"template": map[string]any{"metadata": map[string]any{"labels": labels, "annotations": notes}, "spec": spec},
		},
	})
	if err != nil {
		return err
	}
	_, err = p.objects.applyAll(ctx, service.GetNamespace(), string(raw))
	return err
}

// report writes what has come of a service, and lets revisions sleep that nobody needs.
func (p *knativePlay) report(ctx context.Context, service *unstructured.Unstructured, all []revision) error {
	created, ready := all[len(all)-1], ""
	for _, r := range all {
		if r.ready {
			ready = r.name
		}
	}
	traffic, used := p.traffic(service, ready)
	for _, r := range all {
		if r.name != created.name && !used[r.name] && r.replicas > 0 {
			if err := p.patch(ctx, service, r, `{spec: {replicas: 0}}`); err != nil {
				return err
			}
		}
	}
	state, reason := "Unknown", "Deploying"
	if created.ready {
		state, reason = "True", ""
	}
	url := "http://" + service.GetName() + "." + service.GetNamespace() + ".knative.example.com"
	status := map[string]any{
		"observedGeneration": service.GetGeneration(), "latestCreatedRevisionName": created.name, "traffic": traffic, "url": url,
		"address":    map[string]any{"url": "http://" + service.GetName() + "." + service.GetNamespace() + ".svc.cluster.local"},
		"conditions": conditions(state, reason, "Ready", "ConfigurationsReady"),
	}
	if ready != "" {
		status["latestReadyRevisionName"] = ready
		status["conditions"] = append(conditions(state, reason, "Ready", "ConfigurationsReady"), conditions("True", "", "RoutesReady")...)
	}
	return p.say(ctx, service, status)
}

// traffic is the spec's, with the names of revisions: those that there are not yet get
// none.
func (p *knativePlay) traffic(service *unstructured.Unstructured, ready string) (traffic []any, used map[string]bool) {
	asked, _, _ := unstructured.NestedSlice(service.Object, "spec", "traffic")
	traffic, used = []any{}, map[string]bool{ready: true}
	for _, one := range asked {
		target, _ := one.(map[string]any)
		named, _ := target["revisionName"].(string)
		if named == "" {
			named = ready
		}
		if named == "" {
			continue
		}
		used[named] = true
		latest, _ := target["latestRevision"].(bool)
		out := map[string]any{"revisionName": named, "latestRevision": latest, "percent": target["percent"]}
		if tag, ok := target["tag"].(string); ok {
			out["tag"] = tag
		}
		traffic = append(traffic, out)
	}
	return traffic, used
}

func conditions(state, reason string, kinds ...string) []any {
	var out []any
	for _, kind := range kinds {
		out = append(out, map[string]any{"type": kind, "status": state, "reason": reason})
	}
	return out
}

// say writes a status, if it is another than there is.
func (p *knativePlay) say(ctx context.Context, service *unstructured.Unstructured, status map[string]any) error {
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	have, err := json.Marshal(map[string]any{"status": service.Object["status"]})
	if err != nil || string(have) == string(body) {
		return err
	}
	ref := Ref{Resource: "services.serving.knative.dev", Namespace: service.GetNamespace(), Name: service.GetName()}
	return p.objects.patch(ctx, ref, string(body), "status")
}
