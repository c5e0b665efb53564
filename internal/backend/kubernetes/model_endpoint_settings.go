package kubernetes

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointSettings are those of an environment's settings that endpoints need.
func endpointSettings() []mlops.Setting {
	return []mlops.Setting{
		{Name: targetMode, Doc: "How endpoints are run: `standard`, as deployments behind a gateway of the Gateway API; or `knative`, as one service of Knative Serving each, which counts requests in flight by itself, holds them while a server wakes from zero, and shares the traffic between two versions while a rollout lasts. Knative's own ingress leads to these, at the URL that it gives them. Default: `standard`. Changing it replaces the environment.", Replace: true},
		{Name: targetGateway, Doc: "Gateway of the Gateway API that endpoints are reached through, as `namespace/name`, or `namespace/name/listener`. Its listener has to take routes of this namespace. Without it, the environment has no endpoints in standard mode."},
		{Name: targetDomain, Doc: "Domain under which each endpoint has the host `endpoint-namespace`. Without it, endpoints have paths at the gateway's address: `/namespace/endpoint`."},
		{Name: targetPrometheus, Doc: "URL of the Prometheus server that has the figures of endpoints, for the gates of rollouts and for scaling by requests. It is called from where Terraform runs, and by KEDA."},
		{Name: targetMetrics, Doc: "Whose figures these are: `istio`, the standard metrics of an Istio gateway, or `kserve`, those of KServe's own model servers, which count no errors. In Knative mode `istio` or `knative`, those of Knative's own proxy beside each server. Default: `istio`, in Knative mode `knative`."},
		{Name: targetCapture, Doc: "URL that captured requests and responses are sent to as CloudEvents. Without it they are kept below `storage_uri`."},
	}
}

// gatewayRef is the gateway that a layout names: the parent of routes.
type gatewayRef struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Section   string `json:"sectionName,omitempty"`
}

// gatewayRef reads the setting.
func (l layout) gatewayRef() (gatewayRef, error) {
	text := l.spec.Target.Settings.String(targetGateway)
	parts := strings.Split(text, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return gatewayRef{}, fmt.Errorf("%q names no gateway; write namespace/name, or namespace/name/listener", text)
	}
	for _, part := range parts {
		if problems := validation.IsDNS1123Subdomain(part); len(problems) > 0 {
			return gatewayRef{}, fmt.Errorf("%q is no name of an object: %s", part, strings.Join(problems, "; "))
		}
	}
	ref := gatewayRef{Group: "gateway.networking.k8s.io", Kind: "Gateway", Namespace: parts[0], Name: parts[1]}
	if len(parts) == 3 {
		ref.Section = parts[2]
	}
	return ref, nil
}

// host is the host of an endpoint, "" where endpoints have paths.
func (l layout) host(endpoint string) string {
	domain := l.spec.Target.Settings.String(targetDomain)
	if domain == "" {
		return ""
	}
	return endpoint + "-" + l.namespace + "." + domain
}

// path is where an endpoint is below its host.
func (l layout) path(endpoint string) string {
	if l.host(endpoint) != "" {
		return "/"
	}
	return "/" + l.namespace + "/" + endpoint
}

// checkServing refuses settings of endpoints that mean nothing.
func checkServing(c *mlops.Checker, s mlops.Settings) {
	l := layout{spec: mlops.EnvironmentSpec{Target: mlops.Target{Settings: s}}}
	checkMode(c, s)
	if s.String(targetGateway) != "" {
		if _, err := l.gatewayRef(); err != nil {
			c.Add(mlops.At(name, targetGateway), "Not a gateway", "%s.", err)
		}
	}
	if domain := s.String(targetDomain); domain != "" {
		if problems := validation.IsDNS1123Subdomain(domain); len(problems) > 0 {
			c.Add(mlops.At(name, targetDomain), "Not a domain", "%q is no domain: %s.", domain, strings.Join(problems, "; "))
		}
	}
	for _, setting := range []string{targetPrometheus, targetCapture} {
		u, err := url.Parse(s.String(setting))
		switch {
		case s.String(setting) == "":
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			c.Add(mlops.At(name, setting), "Not a URL", "%q is no http or https URL.", s.String(setting))
		case u.User != nil:
			c.Add(mlops.At(name, setting), "Credentials in a URL", "The URL would be in the state with what is before the @; give one that needs none.")
		}
	}
	known := []string{metricsIstio, metricsKServe}
	if l.knative() {
		known = []string{metricsIstio, metricsKnative}
	}
	if text := s.String(targetMetrics); text != "" && !slices.Contains(known, text) {
		c.Add(mlops.At(name, targetMetrics), "Unknown metrics", "%q has no figures of endpoints; use %s.%s", text, strings.Join(known, " or "), mlops.DidYouMean(text, known))
	}
}

// checkMode refuses modes that there are not, and settings that mean nothing in the one
// that is given.
func checkMode(c *mlops.Checker, s mlops.Settings) {
	modes, mode := []string{modeStandard, modeKnative}, s.String(targetMode)
	if mode != "" && !slices.Contains(modes, mode) {
		c.Add(mlops.At(name, targetMode), "Unknown mode", "%q is no way to run endpoints; use %s.%s", mode, strings.Join(modes, " or "), mlops.DidYouMean(mode, modes))
	}
	for _, setting := range []string{targetGateway, targetDomain} {
		if mode == modeKnative && s.String(setting) != "" {
			c.AddIf(mlops.At(name, setting), []mlops.Path{mlops.At(name, targetMode)}, "Nothing of Knative's", "In Knative mode endpoints are reached through Knative's own ingress, under its domain (config-domain): leave %s out.", setting)
		}
	}
}
