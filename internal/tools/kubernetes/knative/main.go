// Command knative is the controllers of Knative Serving in one program, as tests run
// them: those of its controller and its autoscaler, as their makers wrote them, without
// the servers around them (metrics, leader election, collector of statistics):
//
//	knative -kubeconfig FILE -address HOST:PORT -certificates DIRECTORY
//
// At its address it answers GET /readyz when the controllers run, and the API server's
// questions at /admit (see admit). What it says in the place of programs that need
// requests to be sent is an autoscaler's word (see calm) and an ingress' (see ingress).
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	filtered "knative.dev/pkg/client/injection/kube/informers/factory/filtered"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/configmap/informer"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/signals"
	"knative.dev/pkg/system"
	"knative.dev/serving/pkg/apis/config"
	"knative.dev/serving/pkg/apis/serving"
	"knative.dev/serving/pkg/reconciler/autoscaling/kpa"
	"knative.dev/serving/pkg/reconciler/configuration"
	"knative.dev/serving/pkg/reconciler/gc"
	"knative.dev/serving/pkg/reconciler/labeler"
	"knative.dev/serving/pkg/reconciler/revision"
	"knative.dev/serving/pkg/reconciler/route"
	"knative.dev/serving/pkg/reconciler/serverlessservice"
	"knative.dev/serving/pkg/reconciler/service"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// constructors are those of Knative's controllers that services of Knative's need.
func constructors() []injection.ControllerConstructor {
	return []injection.ControllerConstructor{
		service.NewController,
		configuration.NewController,
		revision.NewController,
		route.NewController,
		labeler.NewController,
		gc.NewController,
		serverlessservice.NewController,
		func(ctx context.Context, settings configmap.Watcher) *controller.Impl {
			return kpa.NewController(ctx, settings, newCalm())
		},
		newIngressController,
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the cluster to run for")
	address := flag.String("address", "127.0.0.1:0", "address to answer at")
	certificates := flag.String("certificates", "", "folder of tls.crt and tls.key")
	flag.Parse()
	access, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	access.QPS = -1 // tests wait for what it does
	ctx := signals.NewContext()
	p, err := prepare(ctx, access)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(p.answer(*address, *certificates)) }()
	log.Fatal(controller.StartAll(p.ctx, p.controllers...))
}

// program is the controllers, and the settings by which objects are judged.
type program struct {
	ctx         context.Context
	controllers []*controller.Impl
	settings    *config.Store
}

// prepare makes the controllers and starts what they watch.
func prepare(ctx context.Context, access *rest.Config) (*program, error) {
	logger, err := zap.NewProduction()
	if err != nil {
		return nil, err
	}
	ctx = filtered.WithSelectors(logging.WithLogger(ctx, logger.Sugar()), serving.RevisionUID)
	ctx, startInformers := injection.EnableInjectionOrDie(ctx, access)
	maps := informer.NewInformedWatcher(kubeclient.Get(ctx), system.Namespace())
	p := &program{ctx: ctx, settings: config.NewStore(logger.Sugar())}
	p.settings.WatchConfigs(maps)
	for _, construct := range constructors() {
		p.controllers = append(p.controllers, construct(ctx, maps))
	}
	if err := maps.Start(ctx.Done()); err != nil {
		return nil, err
	}
	startInformers()
	return p, nil
}

// answer says that the controllers run, and answers the API server.
func (p *program) answer(address, certificates string) error {
	hook, err := admission.StandaloneWebhook(&admission.Webhook{Handler: admission.HandlerFunc(p.admit)}, admission.StandaloneOptions{})
	if err != nil {
		return err
	}
	answers := http.NewServeMux()
	answers.Handle("POST /admit", hook)
	answers.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: address, Handler: answers, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServeTLS(filepath.Join(certificates, "tls.crt"), filepath.Join(certificates, "tls.key"))
}
