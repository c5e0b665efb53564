package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiwatch "k8s.io/apimachinery/pkg/watch"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// atOnce is how many objects Terraform makes at a time.
const atOnce = 10

// write makes what n endpoints come to, as many at a time as Terraform does, and waits
// for each until KServe calls it ready. It is the least that a client needs.
func (k *kube) write(ctx context.Context, sample kubeSample, n int) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for i := range n {
		work.Go(func() error {
			member, err := sample.renamed(sampleName, kubeName("g", i))
			if err != nil {
				return err
			}
			return k.writeOne(ctx, member)
		})
	}
	return work.Wait()
}

func (k *kube) writeOne(ctx context.Context, member kubeSample) error {
	var service string
	for _, o := range member {
		if o.kind == kubeDeployments { // KServe makes that
			continue
		}
		unstructured.RemoveNestedField(o.object.Object, "status")
		if _, err := k.objects.Resource(o.kind).Namespace(kubeNamespace).Create(ctx, o.object, metav1.CreateOptions{}); err != nil {
			return err
		}
		if o.kind == kubeServices {
			service = o.object.GetName()
		}
	}
	return k.ready(ctx, service)
}

// ready watches an inference service until it is ready.
func (k *kube) ready(ctx context.Context, name string) error {
	w, err := k.objects.Resource(kubeServices).Namespace(kubeNamespace).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		o, ok := event.Object.(*unstructured.Unstructured)
		if ok && event.Type != apiwatch.Deleted && kubetest.Condition(o, "Ready") == "True" {
			return nil
		}
	}
	return errors.Join(ctx.Err(), errors.New("the watch of "+name+" ended before it was ready"))
}
