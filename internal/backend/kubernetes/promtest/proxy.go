package promtest

import (
	"regexp"
	"testing"
)

// Proxy counts the requests to a server as Knative's proxy beside it does.
type Proxy struct {
	URL    string // that takes requests
	Target string // that is scraped
}

// proxying is how the proxy says where it listens.
var proxying = regexp.MustCompile(`(?m)^(http://\S+) (http://\S+)$`)

// NewProxy starts one in front of the server at a URL.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	at := launch(t, proxying, tool(t, "knative-proxy", ""), "--server", server)
	return &Proxy{at[0], at[1]}
}
