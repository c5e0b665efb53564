package kubetest

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// Outcome is what becomes of a pod, whose programs nobody runs. The zero Outcome is
// that of a good one: a job's or a workflow's pod completes, any other becomes ready.
type Outcome struct {
	// ExitCode other than 0 makes the pod fail with it.
	ExitCode int
	// Waiting keeps the pod from starting, for a reason such as "ImagePullBackOff".
	Waiting string
	// Running keeps a pod running that would complete.
	Running bool
	// Outputs are the output parameters of a step of Argo's, by their names.
	Outputs map[string]string
}

// Play lets a test say what becomes of the pods of a namespace, until it ends. It is
// asked once for each pod, when that appears. Without it pods do well. Where it panics
// or ends the test, the pod fails, and that test does, no other.
func (c *Cluster) Play(t testing.TB, namespace string, outcome func(pod *unstructured.Unstructured) Outcome) {
	t.Helper()
	p := &player{t, outcome}
	c.play.set(namespace, nil, p)
	t.Cleanup(func() { c.play.set(namespace, p, nil) })
}

// player is a test that says what becomes of pods.
type player struct {
	t       testing.TB
	outcome func(pod *unstructured.Unstructured) Outcome
}

// ask returns the test's answer.
func (p *player) ask(pod *unstructured.Unstructured) Outcome {
	out := Outcome{ExitCode: 1}
	answered := make(chan struct{})
	go func() { // which ends where the test calls Fatal
		defer close(answered)
		defer func() {
			if reason := recover(); reason != nil {
				p.t.Errorf("kubetest: nobody says what becomes of pod %s/%s: %v\n%s", pod.GetNamespace(), pod.GetName(), reason, debug.Stack())
			}
		}()
		out = p.outcome(pod)
	}()
	<-answered
	return out
}

// play gives pods their outcomes. The test binary does it, not a program of the
// cluster, so that a test can decide in Go.
type play struct {
	objects *objects
	stop    chan struct{}

	mu sync.RWMutex       // held while a test is asked, which does not end meanwhile
	of map[string]*player // by namespace
}

// set replaces a namespace's player, or whoever it is if that is nil.
func (p *play) set(namespace string, was, now *player) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case was != nil && p.of[namespace] != was:
	case now == nil:
		delete(p.of, namespace)
	case p.of == nil:
		p.of = map[string]*player{namespace: now}
	default:
		p.of[namespace] = now
	}
}

// outcome asks the player of a pod's namespace, if there is one.
func (p *play) outcome(pod *unstructured.Unstructured) Outcome {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if test := p.of[pod.GetNamespace()]; test != nil {
		return test.ask(pod)
	}
	return Outcome{}
}

// start begins to watch pods; the watch survives that the server is away.
func (p *play) start(ctx context.Context, o *objects) error {
	p.objects, p.stop = o, make(chan struct{})
	factory := dynamicinformer.NewDynamicSharedInformerFactory(o.client, 0)
	informer := factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Informer()
	decide := func(object any) {
		if pod, ok := object.(*unstructured.Unstructured); ok {
			p.decide(ctx, pod)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: decide, UpdateFunc: func(_, now any) { decide(now) },
	})
	factory.Start(p.stop)
	return err
}

func (p *play) end() {
	if p.stop != nil {
		close(p.stop)
		p.stop = nil
	}
}

// decide gives a pod its outcome, if it has none. What fails is tried again when the
// pod is next seen, and is in the log of the test.
func (p *play) decide(ctx context.Context, pod *unstructured.Unstructured) {
	if pod.GetAnnotations()[outcomeKey] != "" || pod.GetDeletionTimestamp() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.report(ctx, pod, p.outcome(pod)); err != nil && !apierrors.IsNotFound(err) {
		fmt.Printf("kubetest: pod %s/%s has no outcome: %v\n", pod.GetNamespace(), pod.GetName(), err)
	}
}

// report writes a pod's outcome; its outputs are there before it can complete.
func (p *play) report(ctx context.Context, pod *unstructured.Unstructured, outcome Outcome) error {
	if node := pod.GetAnnotations()["workflows.argoproj.io/node-id"]; node != "" {
		if err := p.reportOutputs(ctx, pod, node, outcome); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": outcome.annotations(pod)}})
	if err != nil {
		return err
	}
	return p.objects.patch(ctx, Ref{Resource: "pods", Namespace: pod.GetNamespace(), Name: pod.GetName()}, string(text))
}

func (o Outcome) annotations(pod *unstructured.Unstructured) map[string]string {
	completes := false
	for _, owner := range pod.GetOwnerReferences() {
		completes = completes || owner.Kind == "Job" || owner.Kind == "Workflow"
	}
	switch {
	case o.Waiting != "":
		return map[string]string{outcomeKey: outcomeWait, "kubetest/reason": o.Waiting}
	case o.ExitCode != 0:
		return map[string]string{outcomeKey: outcomeFail, "kubetest/exit-code": strconv.Itoa(o.ExitCode)}
	case completes && !o.Running:
		return map[string]string{outcomeKey: outcomeComplete}
	default:
		return map[string]string{outcomeKey: outcomeReady}
	}
}

// reportOutputs writes what Argo's executor would report of a step: a result with
// the name of the step's node.
func (p *play) reportOutputs(ctx context.Context, pod *unstructured.Unstructured, node string, outcome Outcome) error {
	parameters := []any{}
	for name, value := range outcome.Outputs {
		parameters = append(parameters, map[string]any{"name": name, "value": value})
	}
	result := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult",
		"metadata": map[string]any{
			"name": node, "namespace": pod.GetNamespace(),
			"labels": map[string]any{
				"workflows.argoproj.io/workflow":                 pod.GetLabels()["workflows.argoproj.io/workflow"],
				"workflows.argoproj.io/report-outputs-completed": "true",
			},
		},
		"outputs": map[string]any{"exitCode": strconv.Itoa(outcome.ExitCode), "parameters": parameters, "artifacts": artifactsOf(pod)},
	}}
	_, err := p.objects.apply(ctx, result)
	return err
}

// artifactsOf are the output artifacts of a pod's step, each at the place that its
// template says: the executor reports them when it has sent the bytes there.
func artifactsOf(pod *unstructured.Unstructured) []any {
	for _, of := range []string{"initContainers", "containers"} {
		all, _, _ := unstructured.NestedSlice(pod.Object, "spec", of)
		for _, one := range all {
			c, _ := one.(map[string]any)
			env, _, _ := unstructured.NestedSlice(c, "env")
			for _, v := range env {
				v, _ := v.(map[string]any)
				text, _ := v["value"].(string)
				var template struct {
					Outputs struct {
						Artifacts []any `json:"artifacts"`
					} `json:"outputs"`
				}
				if v["name"] == "ARGO_TEMPLATE" && json.Unmarshal([]byte(text), &template) == nil && template.Outputs.Artifacts != nil {
					return template.Outputs.Artifacts
				}
			}
		}
	}
	return []any{}
}
