package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// condition is what something says of one side of its state.
type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// inferenceStatus is what KServe says of an inference service.
type inferenceStatus struct {
	Conditions  []condition `json:"conditions"`
	ModelStatus struct {
		TransitionStatus string `json:"transitionStatus"`
		States           struct {
			TargetModelState string `json:"targetModelState"`
		} `json:"states"`
		LastFailureInfo struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"lastFailureInfo"`
	} `json:"modelStatus"`
}

// inferenceService is as much of an inference service as a look reads.
type inferenceService struct {
	Metadata struct {
		Name              string            `json:"name"`
		Annotations       map[string]string `json:"annotations"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec   json.RawMessage `json:"spec"`
	Status inferenceStatus `json:"status"`
}

// server reads an inference service.
func (o inferenceService) server() server {
	s := server{leaving: o.Metadata.DeletionTimestamp != "", spec: bytes.Clone(o.Spec)}
	for _, c := range o.Status.Conditions {
		switch {
		case c.Type == "Ready" && c.Status == "True":
			// KServe does not always note the generation that it has seen. What changes
			// in place is scaling alone, by which a server stays ready.
			s.ready = !s.leaving
		case c.Type == "PredictorReady" && c.Status != "True":
			s.progress = strings.TrimSpace("KServe says of the predictor " + c.Status + ": " + strings.TrimSuffix(c.Reason+": "+c.Message, ": "))
		}
	}
	model := o.Status.ModelStatus
	if model.States.TargetModelState == "FailedToLoad" || model.TransitionStatus == "InvalidSpec" {
		s.failure = strings.TrimSuffix("KServe says "+model.LastFailureInfo.Reason+": "+model.LastFailureInfo.Message, ": ")
	}
	if s.ready {
		s.failure, s.progress = "", ""
	}
	return s
}

// servers lists the servers of endpoints, by endpoint and name.
func (p place) servers(ctx context.Context, selector string) (map[mlops.ID]map[string]server, error) {
	out := map[mlops.ID]map[string]server{}
	err := p.cluster.each(ctx, kindInferenceService, p.namespace, selector, func(raw []byte) error {
		var o inferenceService
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		of := mlops.ID(o.Metadata.Annotations[noteID])
		if out[of] == nil {
			out[of] = map[string]server{}
		}
		out[of][o.Metadata.Name] = o.server()
		return nil
	})
	return out, withoutKind(err)
}

// serversSeen is what endpoints run on, as a look finds it.
type serversSeen struct {
	servers    map[mlops.ID]map[string]server // in standard mode, by endpoint and name
	serverless bool
	knative    map[mlops.ID]*knativeSeen // in Knative mode, by endpoint
	replicas   map[string]int64
	gateway    gatewaySeen
}

// seen looks at what endpoints run on.
func (k modelEndpointKind) seen(ctx context.Context, p place, selector string, counted bool) (seen serversSeen, err error) {
	if seen.serverless = p.knative(); seen.serverless {
		seen.knative, err = p.knatives(ctx, selector)
	} else {
		seen.servers, err = p.servers(ctx, selector)
	}
	if err == nil && counted {
		seen.replicas, err = k.replicas(ctx, p, selector)
	}
	if err == nil && !seen.serverless {
		seen.gateway, err = k.gateway(ctx, p)
	}
	return seen, err
}

// give adds to an endpoint what it runs on, which is then nobody else's.
func (a serversSeen) give(e *endpointState) {
	id := e.record.ID
	if e.serverless = a.serverless; e.serverless {
		e.knative = a.knative[id]
		e.runOnKnative(a.replicas)
		delete(a.knative, id)
		return
	}
	e.runOn(a.servers[id], a.replicas)
	e.gateway = a.gateway
	delete(a.servers, id)
}

// labelService is KServe's label of what belongs to an inference service.
const labelService = "serving.kserve.io/inferenceservice"

// serverIn is the server that the labels of what KServe or Knative made are of.
func serverIn(labels map[string]string) string {
	return cmp.Or(labels[labelServer], labels[labelService])
}

// replicas counts the replicas of servers that are ready. What may not be read is not
// told.
func (k modelEndpointKind) replicas(ctx context.Context, p place, selector string) (map[string]int64, error) {
	out := map[string]int64{}
	err := p.cluster.each(ctx, kindDeployment, p.namespace, selector, func(raw []byte) error {
		var o struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Status struct {
				ReadyReplicas int64 `json:"readyReplicas"`
			} `json:"status"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		out[serverIn(o.Metadata.Labels)] += o.Status.ReadyReplicas
		return nil
	})
	if k.is(err, mlops.PermissionDenied) {
		err = nil
	}
	return out, err
}

// hopeless are the reasons of a container that waits, by which it will not start, or
// not without somebody's help.
func hopeless() []string {
	return []string{"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError"}
}

// diagnose asks the pods of servers that are not ready what they wait for, and of those
// that were started again the ends of their logs. What may not be read is not told.
func (k modelEndpointKind) diagnose(ctx context.Context, s scene, e *endpointState) {
	for _, t := range k.troubles(ctx, s.place, []*endpointState{e}) {
		if tail := s.cluster.tailIf(ctx, s.namespace, t.pod, t.container); tail != "" {
			t.words += "\nlast lines of its log:\n" + tail
		}
		e.blame(t)
	}
}

// trouble is what keeps a pod of a server from being ready.
type trouble struct {
	endpoint  string // as the label has it
	server    string
	pod       string
	container string // whose log may tell more, or ""
	words     string
	final     bool
}

// few is of how many endpoints pods are asked for by name; of more, those of all are
// listed.
const few = 50

// troubles asks by one list what the servers of endpoints wait for that are not ready.
func (k modelEndpointKind) troubles(ctx context.Context, p place, all []*endpointState) []trouble {
	var names []string
	for _, e := range all {
		if e.waits() {
			names = append(names, labelValue(e.record.ID.Name()))
		}
	}
	if len(names) == 0 {
		return nil
	}
	selector := selects(mlops.NounModelEndpoint)
	if len(names) <= few {
		selector += "," + labelName + " in (" + strings.Join(names, ",") + ")"
	}
	var out []trouble
	_ = p.cluster.each(ctx, kindPod, p.namespace, selector, func(raw []byte) error {
		var o pod
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if t := o.trouble(); t.words != "" && o.Metadata.DeletionTimestamp == "" {
			out = append(out, t)
		}
		return nil
	})
	return out
}

// blame notes what keeps a server from being ready, if it is not.
func (e endpointState) blame(t trouble) {
	of, there := e.servers[t.server]
	if !there || of.ready || !e.waits() {
		return
	}
	of.progress = t.words
	if t.final || of.failure != "" {
		of.failure = t.words
	}
	e.servers[t.server] = of
}

// tailIf is tail, of no container nothing.
func (c *cluster) tailIf(ctx context.Context, namespace, pod, container string) string {
	if container == "" {
		return ""
	}
	return c.tail(ctx, namespace, pod, container)
}

// waits reports whether a server that is asked for is not ready, and may yet be.
func (e endpointState) waits() bool {
	if e.record.Spec == nil || e.facts.Failure != "" {
		return false
	}
	for _, name := range e.facts.Asked.Servers {
		if of, there := e.servers[name]; there && !of.ready {
			return true
		}
	}
	return false
}

// containerState is how a container of a pod does.
type containerState struct {
	Name         string `json:"name"`
	RestartCount int64  `json:"restartCount"`
	State        struct {
		Waiting *struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"waiting"`
	} `json:"state"`
}

// pod is as much of a pod as tells what it waits for.
type pod struct {
	Metadata struct {
		Name              string            `json:"name"`
		Labels            map[string]string `json:"labels"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		Conditions            []condition      `json:"conditions"`
		InitContainerStatuses []containerState `json:"initContainerStatuses"`
		ContainerStatuses     []containerState `json:"containerStatuses"`
	} `json:"status"`
}

// trouble says what keeps a pod from being ready, with words "" where nothing does.
func (o pod) trouble() trouble {
	t := trouble{endpoint: o.Metadata.Labels[labelName], server: serverIn(o.Metadata.Labels), pod: o.Metadata.Name}
	for _, c := range slices.Concat(o.Status.InitContainerStatuses, o.Status.ContainerStatuses) {
		w := c.State.Waiting
		if w == nil || w.Reason == "" || w.Reason == "PodInitializing" || w.Reason == "ContainerCreating" {
			continue
		}
		t.words = fmt.Sprintf("the container %s of the pod %s waits: %s", c.Name, t.pod, strings.TrimSuffix(w.Reason+": "+w.Message, ": "))
		if c.RestartCount > 0 {
			t.container = c.Name
		}
		t.final = slices.Contains(hopeless(), w.Reason)
		return t
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			t.words = fmt.Sprintf("no node takes the pod %s: %s", t.pod, c.Message)
			return t
		}
	}
	return t
}
