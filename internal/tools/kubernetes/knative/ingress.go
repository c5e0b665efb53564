package main

import (
	"context"

	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	informer "knative.dev/networking/pkg/client/injection/informers/networking/v1alpha1/ingress"
	reconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/networking/pkg/config"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	events "knative.dev/pkg/reconciler"
)

// gateway is where a cluster would have the gateway of its ingress.
const gateway = "gateway.knative-serving.svc.cluster.local"

// ingress says what a gateway's controller says when it has set the gateway up: that it
// is ready. No request is sent anywhere.
type ingress struct{}

// newIngressController makes a controller for the class of ingresses that is Knative's
// default.
func newIngressController(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	impl := reconciler.NewImpl(ctx, &ingress{}, config.IstioIngressClassName)
	_, err := informer.Get(ctx).Informer().AddEventHandler(controller.HandleAll(impl.Enqueue))
	if err != nil {
		panic(err) // it has been stopped, and was never started
	}
	return impl
}

// ReconcileKind reports an ingress as ready.
func (*ingress) ReconcileKind(_ context.Context, i *v1alpha1.Ingress) events.Event {
	at := []v1alpha1.LoadBalancerIngressStatus{{DomainInternal: gateway}}
	i.Status.InitializeConditions()
	i.Status.MarkNetworkConfigured()
	i.Status.MarkLoadBalancerReady(at, at)
	return nil
}
