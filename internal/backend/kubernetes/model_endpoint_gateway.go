package kubernetes

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// gatewaySeen is a gateway as a look finds it.
type gatewaySeen struct {
	ref     gatewayRef
	words   string // why it has no address, or ""
	scheme  string
	address string // "" where it is not known
	port    int
}

// gateway returns the gateway of an environment, which all endpoints need: one that has
// an address as it was read a moment ago.
func (k modelEndpointKind) gateway(ctx context.Context, p place) (gatewaySeen, error) {
	ref, err := p.gatewayRef()
	if err != nil {
		return gatewaySeen{words: "the environment has no gateway any more"}, nil //nolint:nilerr // it is told
	}
	key := strings.Join([]string{p.cluster.name, ref.Namespace, ref.Name, ref.Section}, "/")
	g, err := k.gateways.Get(ctx, key, placeAge, func(ctx context.Context) (gatewaySeen, error) { return k.readGateway(ctx, p, ref) })
	if g.words != "" {
		k.gateways.Forget(key)
	}
	return g, err
}

// preflightGateway warns of a gateway for which an endpoint would wait, which is no error:
// it may be made by the same apply.
func (k modelEndpointKind) preflightGateway(ctx context.Context, c *mlops.Checker, at mlops.Path, p place) error {
	if _, err := p.gatewayRef(); err != nil {
		return nil //nolint:nilerr // an environment needs none
	}
	g, err := k.gateway(ctx, p)
	if err == nil && g.words != "" {
		c.Warn(at, "The gateway cannot be used yet", "On the cluster %q, %s. An endpoint waits for it until its time is over.", p.cluster.name, g.words)
	}
	return err
}

// readGateway reads a gateway. One in a namespace that may not be read is taken to be
// reached at its usual port.
func (k modelEndpointKind) readGateway(ctx context.Context, p place, ref gatewayRef) (gatewaySeen, error) {
	g := gatewaySeen{ref: ref, scheme: "http", port: 80}
	o, err := p.cluster.get(ctx, identity{kindGateway, ref.Namespace, ref.Name})
	switch {
	case isNotFound(err):
		g.words = fmt.Sprintf("there is no Gateway %s in the namespace %s", ref.Name, ref.Namespace)
		return g, nil
	case k.is(err, mlops.PermissionDenied):
		return g, nil
	case err != nil:
		return g, err
	}
	var spec struct {
		Listeners []struct {
			Name, Protocol string
			Port           int
		}
	}
	if raw, err := plain(o.Object["spec"]); err == nil {
		_ = remarshal(raw, &spec) // what cannot be read is not there
	}
	for _, l := range spec.Listeners {
		if (ref.Section == "" || ref.Section == l.Name) && (l.Protocol == "HTTP" || l.Protocol == "HTTPS") {
			g.scheme, g.port = strings.ToLower(l.Protocol), l.Port
			break
		}
	}
	status := statusOf[struct{ Addresses []struct{ Value string } }](o)
	if len(status.Addresses) == 0 {
		g.words = fmt.Sprintf("the Gateway %s has no address yet", ref.Name)
		return g, nil
	}
	g.address = status.Addresses[0].Value
	return g, nil
}

// url is where an endpoint answers, "" where that is not known.
func (g gatewaySeen) url(l layout, endpoint string) string {
	host := l.host(endpoint)
	if host == "" {
		host = g.address
	}
	if host == "" {
		return ""
	}
	if g.scheme == "http" && g.port != 80 || g.scheme == "https" && g.port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(g.port))
	}
	return (&url.URL{Scheme: g.scheme, Host: host, Path: l.path(endpoint)}).String()
}

// routeStatus is what a gateway says of a route.
type routeStatus struct {
	Parents []struct {
		ParentRef  gatewayRef `json:"parentRef"`
		Conditions []struct {
			Type, Status, Reason, Message string
			ObservedGeneration            int64 `json:"observedGeneration"`
		}
	}
}

// routeRefused says why the gateway does not take the route, or "".
func (e endpointState) routeRefused() string {
	if e.serverless {
		return ""
	}
	for _, p := range statusOf[routeStatus](e.object).Parents {
		for _, c := range p.Conditions {
			if c.Type == "Accepted" && c.Status == "False" && c.ObservedGeneration >= e.object.GetGeneration() {
				return fmt.Sprintf("the Gateway %s refuses the route: %s: %s", p.ParentRef.Name, c.Reason, c.Message)
			}
		}
	}
	return ""
}

// routeProblem says why the route does not lead anywhere yet, or "".
func (e endpointState) routeProblem() string {
	if e.serverless {
		return e.trafficProblem()
	}
	if e.gateway.words != "" {
		return e.gateway.words
	}
	if words := e.routeRefused(); words != "" {
		return words
	}
	accepted := false
	for _, p := range statusOf[routeStatus](e.object).Parents {
		for _, c := range p.Conditions {
			current := c.ObservedGeneration >= e.object.GetGeneration()
			accepted = accepted || c.Type == "Accepted" && c.Status == "True" && current
			if c.Type == "ResolvedRefs" && c.Status == "False" && current {
				return fmt.Sprintf("the Gateway %s does not find all servers: %s: %s", p.ParentRef.Name, c.Reason, c.Message)
			}
		}
	}
	if !accepted {
		return fmt.Sprintf("the Gateway %s has not taken the route yet", e.gateway.ref.Name)
	}
	return ""
}
