package kubernetes

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// headerServer is the header by which a request reaches one server, whatever the
// weights are: smoke tests have it.
const headerServer = "X-Mlops-Server"

// defaultRequest is how long a request may take where nobody says.
const defaultRequest = time.Minute

// servicePort is that of KServe's services.
const servicePort = 80

// predictor is the service that KServe makes for an inference service.
func predictor(server string) string { return server + "-predictor" }

// route is the spec of an HTTPRoute.
type route struct {
	Parents []gatewayRef `json:"parentRefs"`
	Hosts   []string     `json:"hostnames,omitempty"`
	Rules   []routeRule  `json:"rules"`
}

// routeRule sends what matches to servers by their weights.
type routeRule struct {
	Matches  []map[string]any  `json:"matches"`
	Filters  []map[string]any  `json:"filters,omitempty"`
	Backends []routeBackend    `json:"backendRefs,omitempty"`
	Timeouts map[string]string `json:"timeouts,omitempty"`
}

type routeBackend struct {
	Name   string `json:"name"`
	Port   int    `json:"port"`
	Weight *int64 `json:"weight,omitempty"`
}

// routeContent is the route of what is in force, in which the servers that are asked
// for can be reached too. Without anything in force, nobody answers. In Knative mode it is
// nothing: what carries the record leads nowhere.
func routeContent(s scene, spec mlops.ModelEndpointSpec, facts endpointFacts) map[string]any {
	if s.knative() {
		return map[string]any{}
	}
	parent, err := s.gatewayRef()
	r := route{Rules: []routeRule{}}
	if err == nil {
		r.Parents = []gatewayRef{parent}
	}
	if host := s.host(s.id.Name()); host != "" {
		r.Hosts = []string{host}
	}
	path := s.path(s.id.Name())
	r.Rules = serverRules(path, facts)
	force := facts.force()
	whole := routeRule{Matches: []map[string]any{pathMatch("Exact", path)}, Filters: rewriteWhole(path, "/")}
	below := routeRule{Matches: []map[string]any{pathMatch("PathPrefix", path)}, Filters: rewriteBelow(path)}
	if force != nil {
		whole.Filters = rewriteWhole(path, force.Predict)
		whole.Backends = force.backends()
		below.Backends = whole.Backends
		mirror := mirrors(spec, facts)
		whole.Filters, below.Filters = append(whole.Filters, mirror...), append(below.Filters, mirror...)
		timeouts := map[string]string{"request": gatewayDuration(time.Duration(force.Spec.Timeout))}
		if !facts.Done.IsZero() {
			timeouts["request"] = gatewayDuration(time.Duration(spec.Timeout))
		}
		whole.Timeouts, below.Timeouts = timeouts, timeouts
	}
	r.Rules = append(r.Rules, whole, below)
	return map[string]any{"spec": r}
}

// weigh holds what an endpoint has against its environment, and its route against what
// its record comes to.
func (s scene) weigh(e *endpointState) {
	e.moved = e.movedFrom(s.layout)
	if e.moved == "" && !e.serverless && e.record.Spec != nil && !e.facts.Done.IsZero() { // until then the next step writes the route
		e.bent = e.bentIn(routeContent(s, e.spec(), e.facts)["spec"])
	}
}

// bentIn says what of a route somebody changed, or "".
func (e endpointState) bentIn(asked any) string {
	want, err := plain(asked)
	if err != nil {
		return ""
	}
	have, err := plain(e.object.Object["spec"])
	if err != nil {
		return ""
	}
	if at := missing(want, have, "spec"); at != "" {
		return "somebody changed " + at + " of the HTTPRoute " + e.object.GetName()
	}
	return ""
}

// serverRules lead to each server by itself.
func serverRules(path string, facts endpointFacts) []routeRule {
	predicts := map[string]string{}
	if b := facts.Before; b != nil {
		for _, name := range b.Servers {
			predicts[name] = b.Predict
		}
	}
	if facts.Failure == "" {
		for _, name := range facts.Asked.Servers {
			predicts[name] = facts.Asked.Predict
		}
	}
	rules := []routeRule{}
	for _, name := range slices.Sorted(maps.Keys(predicts)) {
		match := pathMatch("Exact", path)
		match["headers"] = []map[string]string{{"type": "Exact", "name": headerServer, "value": name}}
		rules = append(rules, routeRule{
			Matches: []map[string]any{match}, Filters: rewriteWhole(path, predicts[name]),
			Backends: []routeBackend{{Name: predictor(name), Port: servicePort}},
		})
	}
	return rules
}

// backends are the servers of a form with their shares. Variants that are the same
// server have theirs together.
func (f endpointForm) backends() []routeBackend {
	shares := map[string]int64{}
	for variant, v := range f.Spec.Variants {
		if server := f.Servers[variant]; server != "" {
			shares[server] += v.Traffic
		}
	}
	var out []routeBackend
	for _, server := range slices.Sorted(maps.Keys(shares)) {
		weight := shares[server]
		out = append(out, routeBackend{Name: predictor(server), Port: servicePort, Weight: &weight})
	}
	return out
}

// mirrors copy requests to the new servers, while a rollout begins with that. A request
// says to which: gateways make the copy after they have changed the headers.
func mirrors(spec mlops.ModelEndpointSpec, facts endpointFacts) []map[string]any {
	if facts.Shadow.IsZero() || !facts.Done.IsZero() || facts.Failure != "" {
		return nil
	}
	if len(fresh(facts)) == 0 {
		return nil
	}
	out := []map[string]any{{"type": "RequestHeaderModifier", "requestHeaderModifier": map[string]any{
		"set": []map[string]string{{"name": mlops.HeaderCopies, "value": strings.Join(fresh(facts), ",")}},
	}}}
	for _, server := range fresh(facts) {
		out = append(out, map[string]any{"type": "RequestMirror", "requestMirror": map[string]any{
			"backendRef": routeBackend{Name: predictor(server), Port: servicePort}, "percent": spec.Rollout.Stages()[0],
		}})
	}
	return out
}

// fresh are the names of the servers that are asked for and not in force.
func fresh(facts endpointFacts) []string {
	var old []string
	if facts.Before != nil {
		old = slices.Collect(maps.Values(facts.Before.Servers))
	}
	all := slices.Sorted(maps.Values(facts.Asked.Servers))
	return slices.DeleteFunc(slices.Compact(all), func(server string) bool { return slices.Contains(old, server) })
}

func pathMatch(how, path string) map[string]any {
	return map[string]any{"path": map[string]string{"type": how, "value": path}}
}

// rewriteWhole gives a request the path at which servers answer.
func rewriteWhole(from, to string) []map[string]any {
	to = cmp.Or(to, "/")
	if from == to {
		return nil
	}
	return rewrite(map[string]string{"type": "ReplaceFullPath", "replaceFullPath": to})
}

// rewriteBelow takes the endpoint's own path from a request.
func rewriteBelow(path string) []map[string]any {
	if path == "/" {
		return nil
	}
	return rewrite(map[string]string{"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"})
}

func rewrite(path map[string]string) []map[string]any {
	return []map[string]any{{"type": "URLRewrite", "urlRewrite": map[string]any{"path": path}}}
}

// gatewayDuration writes a duration as the Gateway API reads it (GEP-2257).
func gatewayDuration(d time.Duration) string {
	d = cmp.Or(d, defaultRequest)
	if d%time.Second == 0 && d < 99999*time.Second {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	seconds, rest := d/time.Second, d%time.Second/time.Millisecond
	if seconds == 0 {
		return strconv.FormatInt(max(1, int64(rest)), 10) + "ms"
	}
	return strconv.FormatInt(int64(seconds), 10) + "s" + strconv.FormatInt(int64(rest), 10) + "ms"
}
