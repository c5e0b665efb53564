package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// inferenceStatus is what KServe says of an inference service.
type inferenceStatus struct {
	Conditions  []struct{ Type, Status, Reason, Message string }
	ModelStatus struct {
		TransitionStatus string `json:"transitionStatus"`
		States           struct {
			TargetModelState string `json:"targetModelState"`
		} `json:"states"`
		LastFailureInfo struct{ Reason, Message string } `json:"lastFailureInfo"`
	} `json:"modelStatus"`
}

// newServer reads an inference service.
func newServer(o *unstructured.Unstructured, replicas int64) server {
	status := statusOf[inferenceStatus](o)
	s := server{object: o, replicas: replicas}
	for _, c := range status.Conditions {
		switch {
		case c.Type == "Ready" && c.Status == "True":
			// KServe does not always note the generation that it has seen. What changes
			// in place is scaling alone, by which a server stays ready.
			s.ready = o.GetDeletionTimestamp() == nil
		case c.Type == "PredictorReady" && c.Status != "True":
			s.progress = strings.TrimSpace("KServe says of the predictor " + c.Status + ": " + strings.TrimSuffix(c.Reason+": "+c.Message, ": "))
		}
	}
	model := status.ModelStatus
	if model.States.TargetModelState == "FailedToLoad" || model.TransitionStatus == "InvalidSpec" {
		s.failure = strings.TrimSuffix("KServe says "+model.LastFailureInfo.Reason+": "+model.LastFailureInfo.Message, ": ")
	}
	if s.ready {
		s.failure, s.progress = "", ""
	}
	return s
}

// labelService is KServe's label of what belongs to an inference service.
const labelService = "serving.kserve.io/inferenceservice"

// readyReplicas counts the replicas of inference services that are ready.
func readyReplicas(deployments []unstructured.Unstructured) map[string]int64 {
	out := map[string]int64{}
	for i := range deployments {
		status := statusOf[struct {
			ReadyReplicas int64 `json:"readyReplicas"`
		}](&deployments[i])
		out[deployments[i].GetLabels()[labelService]] += status.ReadyReplicas
	}
	return out
}

// hopeless are the reasons of a container that waits, by which it will not start, or
// not without somebody's help.
func hopeless() []string {
	return []string{"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError"}
}

// diagnose asks the pods of servers that are not ready what they wait for. What may not
// be read is not told.
func (k modelEndpointKind) diagnose(ctx context.Context, s scene, e *endpointState) {
	if e.record.Spec == nil || e.facts.Failure != "" {
		return
	}
	if !e.waits() {
		return
	}
	pods, err := s.cluster.list(ctx, kindPod, s.namespace, s.ofEndpoint())
	if err != nil {
		return
	}
	for i := range pods {
		name := pods[i].GetLabels()[labelService]
		of, there := e.servers[name]
		if !there || of.ready || pods[i].GetDeletionTimestamp() != nil {
			continue
		}
		words, final, container := troubleOf(&pods[i])
		if words == "" {
			continue
		}
		if tail := s.cluster.tailIf(ctx, s.namespace, pods[i].GetName(), container); tail != "" {
			words += "\nlast lines of its log:\n" + tail
		}
		of.progress = words
		if final || of.failure != "" {
			of.failure = words
		}
		e.servers[name] = of
	}
}

// tailIf is tail, of no container nothing.
func (c *cluster) tailIf(ctx context.Context, namespace, pod, container string) string {
	if container == "" {
		return ""
	}
	return c.tail(ctx, namespace, pod, container)
}

// waits reports whether a server that is asked for is not ready.
func (e endpointState) waits() bool {
	for _, name := range e.facts.Asked.Servers {
		if of, there := e.servers[name]; there && !of.ready {
			return true
		}
	}
	return false
}

// containerState is how a container of a pod does.
type containerState struct {
	Name         string
	RestartCount int64 `json:"restartCount"`
	State        struct {
		Waiting *struct{ Reason, Message string }
	}
}

// troubleOf says what keeps a pod from being ready, whether that is final, and which
// container's log may tell more.
func troubleOf(pod *unstructured.Unstructured) (words string, final bool, container string) {
	status := statusOf[struct {
		Conditions            []struct{ Type, Status, Reason, Message string }
		InitContainerStatuses []containerState `json:"initContainerStatuses"`
		ContainerStatuses     []containerState `json:"containerStatuses"`
	}](pod)
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		w := c.State.Waiting
		if w == nil || w.Reason == "" || w.Reason == "PodInitializing" || w.Reason == "ContainerCreating" {
			continue
		}
		words = fmt.Sprintf("the container %s of the pod %s waits: %s", c.Name, pod.GetName(), strings.TrimSuffix(w.Reason+": "+w.Message, ": "))
		if c.RestartCount > 0 {
			container = c.Name
		}
		return words, slices.Contains(hopeless(), w.Reason), container
	}
	for _, c := range status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			return fmt.Sprintf("no node takes the pod %s: %s", pod.GetName(), c.Message), false, ""
		}
	}
	return "", false, ""
}
