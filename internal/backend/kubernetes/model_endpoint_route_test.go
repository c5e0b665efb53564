package kubernetes

import (
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
