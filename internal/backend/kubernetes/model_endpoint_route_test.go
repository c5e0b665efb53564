package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestGatewayDuration proves that durations are written as the Gateway API reads them.
func TestGatewayDuration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		d    time.Duration
		want string
	}{
		{"none", 0, "60s"},
		{"seconds", 90 * time.Second, "90s"},
		{"less", 250 * time.Millisecond, "250ms"},
		{"both", 1500 * time.Millisecond, "1s500ms"},
	} {
		if got := gatewayDuration(tt.d); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestGatewayURL proves where endpoints are, with a domain and without.
func TestGatewayURL(t *testing.T) {
	t.Parallel()
	at := func(domain string) layout {
		return layout{whereabouts: whereabouts{namespace: "ml"}, spec: mlops.EnvironmentSpec{Target: mlops.Target{Settings: mlops.Settings{targetDomain: domain}}}}
	}
	for _, tt := range []struct {
		name    string
		gateway gatewaySeen
		domain  string
		want    string
	}{
		{"address", gatewaySeen{scheme: "http", address: "10.0.0.9", port: 80}, "", "http://10.0.0.9/ml/iris"},
		{"port", gatewaySeen{scheme: "http", address: "10.0.0.9", port: 8080}, "", "http://10.0.0.9:8080/ml/iris"},
		{"domain", gatewaySeen{scheme: "https", address: "10.0.0.9", port: 443}, "example.com", "https://iris-ml.example.com/"},
		{"nowhere yet", gatewaySeen{scheme: "http", port: 80}, "", ""},
	} {
		if got := tt.gateway.url(at(tt.domain), "iris"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestServerNames proves that the longest name leaves room for what KServe makes of it,
// in a namespace of any length that is let through, and that names that are cut stay
// apart.
func TestServerNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 62)
	for length := 1; length <= 63; length++ {
		w := whereabouts{namespace: strings.Repeat("n", length)}
		if w.serverRoom() <= stemMark {
			continue // such names are refused
		}
		stem := w.serverStem(long + "a")
		host := predictor(stem+"-"+revisionOf("x")[:10]) + "-" + w.namespace
		if len(host) > 63 {
			t.Errorf("%s has %d characters", host, len(host))
		}
		if stem == w.serverStem(long+"b") {
			t.Errorf("two endpoints have servers of the same name: %s", stem)
		}
	}
	if got := (whereabouts{namespace: strings.Repeat("n", 33)}).serverStem("iris"); got != "iris" {
		t.Errorf("a short name was cut: %s", got)
	}
}

// TestCopiesAreNamed proves that requests say to which servers they are copied while they
// are, in both rules that users' requests match, and in no other.
func TestCopiesAreNamed(t *testing.T) {
	t.Parallel()
	s := scene{place: place{layout: layout{whereabouts: whereabouts{namespace: "ml"}}}, id: "kubernetes/test/dev/endpoints/iris"}
	form := func(server string) endpointForm {
		return endpointForm{Servers: map[string]string{"main": server}, Spec: mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": {Traffic: 100}}}}
	}
	before := form("iris-old")
	facts := endpointFacts{Asked: form("iris-new"), Before: &before, Shadow: time.Now()}
	spec := mlops.ModelEndpointSpec{Rollout: &mlops.Rollout{Strategy: mlops.RolloutShadow, Steps: []int64{50}}}
	count := func(facts endpointFacts) (named int) {
		content, _ := routeContent(s, spec, facts)["spec"].(route)
		for _, rule := range content.Rules {
			text, err := json.Marshal(rule.Filters)
			if err != nil {
				t.Fatal(err)
			}
			named += strings.Count(string(text), `{"requestHeaderModifier":{"set":[{"name":"`+mlops.HeaderCopies+`","value":"iris-new"}]}`)
		}
		return named
	}
	if got := count(facts); got != 2 {
		t.Errorf("%d rules name the copies, want two", got)
	}
	facts.Shadow = time.Time{}
	if got := count(facts); got != 0 {
		t.Errorf("%d rules name copies of which there are none", got)
	}
}
