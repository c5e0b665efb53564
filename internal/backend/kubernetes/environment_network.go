package kubernetes

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// opening is a range of addresses that pods may call at a port.
type opening struct {
	cidr string
	port int
}

// httpsPort and apiPort are those of registries and storage, and of API servers.
const (
	httpsPort = 443
	apiPort   = 6443
	dnsPort   = 53
)

// defaultIngress are the namespaces in which gateways and Prometheus usually are.
func defaultIngress() []string {
	return []string{"envoy-gateway-system", "istio-system", "knative-serving", "kserve", "monitoring"}
}

// egressOf is what pods may call: what is given, or the usual ports anywhere, and those
// of storage, of the registry and of the Pushgateway.
func egressOf(s mlops.Settings, registry *mlops.MLflow) []opening {
	var out []opening
	if _, given := s[targetEgress]; given {
		for _, text := range s.List(targetEgress) {
			if o, err := parseOpening(text); err == nil {
				out = append(out, o)
			}
		}
		return out
	}
	ports := []int{httpsPort, apiPort}
	services := []string{s.String(targetStorageURL), s.String(targetPushgateway)}
	if registry != nil {
		services = append(services, registry.URI)
	}
	for _, service := range services {
		if port := portOf(service); port != 0 && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	for _, port := range ports {
		out = append(out, opening{"0.0.0.0/0", port}, opening{"::/0", port})
	}
	return out
}

// parseOpening reads "10.0.0.0/8:443", or "[fd00::]/8:443".
func parseOpening(text string) (opening, error) {
	i := lastColon(text)
	if i < 0 {
		return opening{}, fmt.Errorf("%q has no port", text)
	}
	prefix, err := netip.ParsePrefix(text[:i])
	if err != nil {
		return opening{}, fmt.Errorf("%q does not begin with a range of addresses: %w", text, err)
	}
	port, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil || port == 0 {
		return opening{}, fmt.Errorf("%q does not end with a port", text)
	}
	return opening{prefix.Masked().String(), int(port)}, nil
}

// lastColon is where the port of an opening begins: the colon after the slash.
func lastColon(text string) int {
	for i := len(text) - 1; i >= 0 && text[i] != '/'; i-- {
		if text[i] == ':' {
			return i
		}
	}
	return -1
}

// portOf is the port of a URL, or 0 where there is none.
func portOf(text string) int {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return 0
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		return map[string]int{"http": 80, "https": httpsPort}[u.Scheme]
	}
	n, _ := strconv.Atoi(port) // 0 is no port
	return n
}

// homeOf is the namespace that a registry is in where its address is that of a service,
// "" where it is outside: ranges of addresses are not for pods, whose ports may be others
// than their service's.
func homeOf(registry *mlops.MLflow) string {
	if registry == nil {
		return ""
	}
	u, err := url.Parse(registry.URI)
	if err != nil {
		return ""
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) < 3 || labels[2] != "svc" {
		return ""
	}
	return labels[1]
}

// policyManifests deny all traffic, and open what is needed: the namespace itself and
// the gateways in, name resolution, the namespace itself and some addresses out.
func (l layout) policyManifests() []manifest {
	everyPod := map[string]any{}
	policy := func(name string, types []string, rules map[string]any) manifest {
		spec := map[string]any{"podSelector": everyPod, "policyTypes": types}
		maps.Copy(spec, rules)
		return l.part(l.of(kindNetworkPolicy, name), map[string]any{"spec": spec})
	}
	return []manifest{
		policy(nameOfIngress, []string{"Ingress"}, map[string]any{"ingress": l.ingressRules()}),
		policy(nameOfEgress, []string{"Egress"}, map[string]any{"egress": l.egressRules()}),
		policy(nameOfDeny, []string{"Ingress", "Egress"}, nil),
	}
}

func (l layout) ingressRules() []map[string]any {
	from := []map[string]any{{"podSelector": map[string]any{}}}
	if len(l.ingress) > 0 {
		from = append(from, map[string]any{"namespaceSelector": map[string]any{"matchExpressions": []map[string]any{
			{"key": "kubernetes.io/metadata.name", "operator": "In", "values": l.ingress},
		}}})
	}
	return []map[string]any{{"from": from}}
}

func (l layout) egressRules() []map[string]any {
	rules := []map[string]any{
		{"to": []map[string]any{{"podSelector": map[string]any{}}}},
		{"to": []map[string]any{{"namespaceSelector": map[string]any{}}}, "ports": []map[string]any{
			{"protocol": "UDP", "port": dnsPort}, {"protocol": "TCP", "port": dnsPort},
		}},
	}
	if namespace := homeOf(l.spec.MLflowRegistry()); namespace != "" {
		rules = append(rules, map[string]any{"to": []map[string]any{{"namespaceSelector": map[string]any{
			"matchLabels": map[string]string{"kubernetes.io/metadata.name": namespace},
		}}}})
	}
	for _, o := range l.egress {
		rules = append(rules, map[string]any{
			"to":    []map[string]any{{"ipBlock": map[string]string{"cidr": o.cidr}}},
			"ports": []map[string]any{{"protocol": "TCP", "port": o.port}},
		})
	}
	return rules
}
