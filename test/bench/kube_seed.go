package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kubeObject is an object as it rests when an endpoint serves.
type kubeObject struct {
	kind   schema.GroupVersionResource
	object *unstructured.Unstructured
}

// kubeSample are the objects of one endpoint.
type kubeSample []kubeObject

// sample reads the objects of an endpoint: its route, its servers, and the deployments
// that KServe made of these.
func (k *kube) sample(ctx context.Context, name string) (kubeSample, error) {
	var out kubeSample
	for _, kind := range []schema.GroupVersionResource{kubeRoutes, kubeServices, kubeDeployments} {
		found, err := k.objects.Resource(kind).Namespace(kubeNamespace).List(ctx, metav1.ListOptions{LabelSelector: "terraform-mlops.github.io/name=" + name})
		if err != nil {
			return nil, err
		}
		if len(found.Items) != 1 {
			return nil, fmt.Errorf("the endpoint %s has %d %s, not one", name, len(found.Items), kind.Resource)
		}
		out = append(out, kubeObject{kind, &found.Items[0]})
	}
	return out, nil
}

// renamed is the sample under another name of the same length.
func (s kubeSample) renamed(from, to string) (kubeSample, error) {
	out := make(kubeSample, len(s))
	for i, o := range s {
		text, err := json.Marshal(afresh(o.object).Object)
		if err != nil {
			return nil, err
		}
		next := &unstructured.Unstructured{}
		if err := next.UnmarshalJSON(bytes.ReplaceAll(text, []byte(from), []byte(to))); err != nil {
			return nil, err
		}
		out[i] = kubeObject{o.kind, next}
	}
	return out, nil
}

// make makes the objects with the status that they have.
func (s kubeSample) make(ctx context.Context, k *kube) error {
	for _, o := range s {
		at := k.objects.Resource(o.kind).Namespace(o.object.GetNamespace())
		made, err := at.Create(ctx, o.object, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		made.Object["status"] = o.object.Object["status"]
		if _, err := at.UpdateStatus(ctx, made, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// seed makes n endpoints in a cluster that has none, each a copy of a sample. Nothing
// in the cluster may act upon them.
func (k *kube) seed(ctx context.Context, s kubeSample, n int) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(8)
	for i := range n {
		work.Go(func() error {
			member, err := s.renamed(sampleName, memberName(i))
			if err != nil {
				return err
			}
			return member.make(ctx, k)
		})
	}
	return work.Wait()
}

// gatewayOf reads the gateway of a cluster, to make it in another.
func (k *kube) gatewayOf(ctx context.Context) (kubeSample, error) {
	namespace, name, _ := strings.Cut(k.gateway, "/")
	o, err := k.objects.Resource(kubeGateways).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return kubeSample{{kubeGateways, afresh(o)}}, nil
}
