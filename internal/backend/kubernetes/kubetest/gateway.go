package kubetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// Gateway does what a gateway's makers do: it takes routes of the Gateway API, says so
// in their status, and sends requests where they lead. Nothing runs behind it, so it
// answers with where a request would have gone. Routes whose names begin with "refused"
// are not taken.
type Gateway struct {
	once    sync.Once
	err     error // why it cannot start
	name    string
	objects *objects
	server  *httptest.Server

	mu     sync.Mutex
	routes map[string]gatewayRoute             // by namespace and name
	behind map[string]func(service string) int // what answers, by namespace; 200 where there is none
}

// GatewayAnswer is where a request went.
type GatewayAnswer struct {
	Service string   `json:"service"`
	Path    string   `json:"path"`
	Mirrors []string `json:"mirrors"`
}

// Start starts the gateway in a cluster, once, and returns its namespace and name. It
// ends with the test binary, as the cluster does.
func (g *Gateway) Start(t testing.TB, c *Cluster) string {
	t.Helper()
	at, err := g.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Open is Start without a test.
func (g *Gateway) Open(ctx context.Context, c *Cluster) (string, error) {
	g.once.Do(func() { g.err = g.run(ctx, c) })
	return "default/" + g.name, g.err
}

func (g *Gateway) run(ctx context.Context, c *Cluster) error {
	g.routes, g.behind, g.objects = map[string]gatewayRoute{}, map[string]func(string) int{}, c.objects
	g.server = httptest.NewServer(g)
	at, err := url.Parse(g.server.URL)
	if err != nil {
		return err
	}
	g.name = Name("gateway")
	_, err = c.objects.applyAll(ctx, "default", fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s}
spec: {gatewayClassName: test, listeners: [{name: http, port: %s, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
`, g.name, at.Port()))
	if err != nil {
		return err
	}
	ref := Ref{Resource: "gateways.gateway.networking.k8s.io", Namespace: "default", Name: g.name}
	if err := c.objects.patch(ctx, ref, `{status: {addresses: [{type: IPAddress, value: 127.0.0.1}]}}`, "status"); err != nil {
		return err
	}
	return g.watch() //nolint:contextcheck // it lasts as long as the binary, not as whoever starts it
}

// watch takes routes as they come and go; the watch survives that the server is away.
func (g *Gateway) watch() error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(g.objects.client, 0)
	informer := factory.ForResource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}).Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: g.take, UpdateFunc: func(_, now any) { g.take(now) },
		DeleteFunc: func(gone any) {
			if o, ok := gone.(*unstructured.Unstructured); ok {
				g.set(o, nil)
			}
		},
	})
	factory.Start(make(chan struct{}))
	return err
}

func (g *Gateway) set(o *unstructured.Unstructured, r *gatewayRoute) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := o.GetNamespace() + "/" + o.GetName()
	delete(g.routes, key)
	if r != nil {
		g.routes[key] = *r
	}
}

// take takes a route as it is now, and says so.
func (g *Gateway) take(object any) {
	o, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	var r gatewayRoute
	if err := through(o.Object, &r); err != nil || len(r.Spec.Parents) == 0 || r.Spec.Parents[0]["name"] != g.name {
		return
	}
	g.set(o, &r)
	if r.judged(o.GetGeneration()) {
		return
	}
	accepted := "True"
	if strings.HasPrefix(o.GetName(), "refused") {
		accepted = "False"
	}
	condition := func(kind, status string) map[string]any {
		return map[string]any{
			"type": kind, "status": status, "reason": kind, "message": "by the test", "observedGeneration": o.GetGeneration(),
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		}
	}
	body, err := json.Marshal(map[string]any{"status": map[string]any{"parents": []any{map[string]any{
		"controllerName": "example.com/gateway", "parentRef": r.Spec.Parents[0],
		"conditions": []any{condition("Accepted", accepted), condition("ResolvedRefs", "True")},
	}}}})
	if err != nil {
		return
	}
	// What fails is tried again with the next event.
	_ = g.objects.patch(context.Background(), Ref{Resource: "httproutes.gateway.networking.k8s.io", Namespace: o.GetNamespace(), Name: o.GetName()}, string(body), "status")
}

// ServeHTTP sends a request where the routes lead it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	rule, base, namespace := g.match(r)
	if rule == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(rule.Backends) == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer := rule.answer(r.URL.Path, base)
	w.WriteHeader(g.status(namespace, answer.Service))
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // of texts
}

// Answers says with which status the services of a namespace answer.
func (g *Gateway) Answers(namespace string, status func(service string) int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.behind[namespace] = status
}

// status is what a service answers with.
func (g *Gateway) status(namespace, service string) int {
	g.mu.Lock()
	of := g.behind[namespace]
	g.mu.Unlock()
	if of == nil {
		return http.StatusOK
	}
	return of(service)
}

// match finds the rule that the Gateway API gives precedence: an exact path before a
// prefix, and more headers before fewer.
func (g *Gateway) match(r *http.Request) (best *gatewayRule, base, namespace string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rank := -1
	for key, of := range g.routes {
		if len(of.Spec.Hosts) > 0 && of.Spec.Hosts[0] != strings.Split(r.Host, ":")[0] {
			continue
		}
		for i := range of.Spec.Rules {
			if n, path := of.Spec.Rules[i].rank(r); n > rank {
				rank, best, base = n, &of.Spec.Rules[i], path
				namespace, _, _ = strings.Cut(key, "/")
			}
		}
	}
	return best, base, namespace
}
