package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// testGateway does what a gateway's makers do: it takes routes, says so in their
// status, and sends requests where they lead. Behind it nothing runs, so it answers
// with where a request would have gone.
type testGateway struct {
	once    sync.Once
	name    string
	objects dynamic.Interface
	server  *httptest.Server

	mu     sync.Mutex
	routes map[string]route                    // by namespace and name
	behind map[string]func(service string) int // what answers, by namespace; 200 where there is none
}

// gateways is the gateway that the tests of this package share.
//
//nolint:gochecknoglobals // as the control plane is
var gateways testGateway

// start starts the gateway, once, and returns the setting that names it.
func (g *testGateway) start(t *testing.T) string {
	t.Helper()
	g.once.Do(func() { g.run(t) })
	return "default/" + g.name
}

func (g *testGateway) run(t *testing.T) {
	t.Helper()
	g.routes, g.behind = map[string]route{}, map[string]func(string) int{}
	g.server = httptest.NewServer(g) // ends with the test binary, as the control plane does
	at, err := url.Parse(g.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	g.name = kubetest.Name("gateway")
	control.Apply(t, "default", fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s}
spec: {gatewayClassName: test, listeners: [{name: http, port: %s, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
`, g.name, at.Port()))
	ref := kubetest.Ref{Resource: "gateways.gateway.networking.k8s.io", Namespace: "default", Name: g.name}
	control.Patch(t, ref, `{status: {addresses: [{type: IPAddress, value: 127.0.0.1}]}}`, "status")
	if g.objects, err = dynamic.NewForConfig(control.Access().Config()); err != nil {
		t.Fatal(err)
	}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(g.objects, 0)
	informer := factory.ForResource(kindHTTPRoute.resource()).Informer()
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: g.take, UpdateFunc: func(_, now any) { g.take(now) },
		DeleteFunc: func(gone any) {
			if o, ok := gone.(*unstructured.Unstructured); ok {
				g.set(o, nil)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(make(chan struct{}))
}

func (g *testGateway) set(o *unstructured.Unstructured, r *route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := o.GetNamespace() + "/" + o.GetName()
	delete(g.routes, key)
	if r != nil {
		g.routes[key] = *r
	}
}

// take takes a route as it is now, and says so.
func (g *testGateway) take(object any) {
	o, ok := object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	var r route
	if err := remarshal(o.Object["spec"], &r); err != nil || len(r.Parents) == 0 || r.Parents[0].Name != g.name {
		return
	}
	g.set(o, &r)
	accepted := "True"
	if strings.HasPrefix(o.GetName(), "refused") {
		accepted = "False"
	}
	for _, p := range statusOf[routeStatus](o).Parents {
		for _, c := range p.Conditions {
			if c.ObservedGeneration == o.GetGeneration() {
				return
			}
		}
	}
	condition := func(kind, status string) map[string]any {
		return map[string]any{
			"type": kind, "status": status, "reason": kind, "message": "by the test", "observedGeneration": o.GetGeneration(),
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		}
	}
	body, err := json.Marshal(map[string]any{"status": map[string]any{"parents": []any{map[string]any{
		"controllerName": "example.com/gateway", "parentRef": r.Parents[0],
		"conditions": []any{condition("Accepted", accepted), condition("ResolvedRefs", "True")},
	}}}})
	if err != nil {
		return
	}
	// What fails is tried again with the next event.
	_, _ = g.objects.Resource(kindHTTPRoute.resource()).Namespace(o.GetNamespace()).
		Patch(context.Background(), o.GetName(), types.MergePatchType, body, metav1.PatchOptions{}, "status")
}

// gatewayAnswer is where a request went.
type gatewayAnswer struct {
	Service string   `json:"service"`
	Path    string   `json:"path"`
	Mirrors []string `json:"mirrors"`
}

// ServeHTTP sends a request where the routes lead it.
func (g *testGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	out := gatewayAnswer{Service: drawn(rule.Backends), Path: r.URL.Path}
	for _, f := range rule.Filters {
		switch f["type"] {
		case "URLRewrite":
			out.Path = rewritten(f, r.URL.Path, base)
		case "RequestMirror":
			var m struct {
				RequestMirror struct{ BackendRef routeBackend }
			}
			_ = remarshal(f, &m)
			out.Mirrors = append(out.Mirrors, m.RequestMirror.BackendRef.Name)
		}
	}
	w.WriteHeader(g.status(namespace, out.Service))
	body, _ := json.Marshal(out) //nolint:errchkjson // of texts
	_, _ = w.Write(body)
}

// status is what a service answers with.
func (g *testGateway) status(namespace, service string) int {
	g.mu.Lock()
	of := g.behind[namespace]
	g.mu.Unlock()
	if of == nil {
		return http.StatusOK
	}
	return of(service)
}

// answers says what the services of a namespace answer with.
func (g *testGateway) answers(t *testing.T, namespace string, status func(service string) int) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.behind[namespace] = status
}

// drawn is one of the services by their weights; without any it is the first.
func drawn(all []routeBackend) string {
	var sum int64
	for _, b := range all {
		if b.Weight != nil {
			sum += *b.Weight
		}
	}
	if sum == 0 {
		return all[0].Name
	}
	at := rand.Int64N(sum)
	for _, b := range all {
		if b.Weight == nil {
			continue
		}
		if at -= *b.Weight; at < 0 {
			return b.Name
		}
	}
	return all[0].Name
}

func rewritten(filter map[string]any, path, base string) string {
	var f struct {
		URLRewrite struct {
			Path struct{ ReplaceFullPath, ReplacePrefixMatch string }
		}
	}
	_ = remarshal(filter, &f)
	if full := f.URLRewrite.Path.ReplaceFullPath; full != "" {
		return full
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(path, base), "/")
}

// match finds the rule that the Gateway API gives precedence: an exact path before a
// prefix, and more headers before fewer.
func (g *testGateway) match(r *http.Request) (best *routeRule, base, namespace string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rank := -1
	for key, of := range g.routes {
		if len(of.Hosts) > 0 && of.Hosts[0] != strings.Split(r.Host, ":")[0] {
			continue
		}
		for i := range of.Rules {
			if n, path := ruleRank(of.Rules[i], r); n > rank {
				rank, best, base = n, &of.Rules[i], path
				namespace, _, _ = strings.Cut(key, "/")
			}
		}
	}
	return best, base, namespace
}

// ruleRank is how well a rule fits a request, -1 where it does not.
func ruleRank(rule routeRule, r *http.Request) (int, string) {
	var m struct {
		Path    struct{ Type, Value string }
		Headers []struct{ Name, Value string }
	}
	if len(rule.Matches) != 1 || remarshal(rule.Matches[0], &m) != nil {
		return -1, ""
	}
	for _, h := range m.Headers {
		if r.Header.Get(h.Name) != h.Value {
			return -1, ""
		}
	}
	rank := len(m.Headers) + len(m.Path.Value)*10
	prefix := strings.TrimSuffix(m.Path.Value, "/") + "/"
	switch {
	case m.Path.Type == "Exact" && r.URL.Path == m.Path.Value:
		return rank + 1000, m.Path.Value
	case m.Path.Type == "PathPrefix" && strings.HasPrefix(r.URL.Path+"/", prefix):
		return rank, m.Path.Value
	}
	return -1, ""
}

// ask sends a request to an endpoint's URL, and returns where it went.
func ask(t *testing.T, endpoint string) (int, gatewayAnswer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var out gatewayAnswer
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, out
}
