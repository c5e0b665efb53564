package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// versions are those that an endpoint serves, is about to serve, or keeps warm.
func (e endpointState) versions() []mlops.ID {
	used := map[mlops.ID]bool{}
	add := func(s mlops.ModelEndpointSpec) {
		for _, v := range s.Variants {
			used[v.Version] = true
		}
	}
	if e.facts.Failure == "" {
		add(e.facts.Asked.Spec)
	}
	if b := e.facts.Before; b != nil && (e.facts.Done.IsZero() || time.Now().Before(e.keptUntil())) {
		add(b.Spec)
	}
	return slices.Collect(maps.Keys(used))
}

// The keys by which KServe finds the header of requests to a host in a secret.
const (
	keyOfHost    = "https-host" // also of http
	keyOfHeaders = "headers"
)

// hasToken reports whether the environment's registry is asked with a token.
func (l layout) hasToken() bool {
	m := l.spec.MLflowRegistry()
	return m != nil && (m.Token != "" || m.Mark != "")
}

// headersForKServe is what of a registry's secret KServe gives to what fetches models.
// KServe puts it into a variable, whose value Kubernetes expands: so there is no dollar
// in it.
func headersForKServe(m mlops.MLflow) map[string]string {
	u, err := url.Parse(m.URI)
	if err != nil {
		return nil
	}
	who := "Bearer " + m.Token
	if m.Username != "" {
		who = "Basic " + base64.StdEncoding.EncodeToString([]byte(m.Username+":"+m.Token))
	}
	headers, err := json.Marshal(map[string]string{"Authorization": who})
	if err != nil {
		return nil
	}
	return map[string]string{keyOfHost: strings.ToLower(u.Hostname()), keyOfHeaders: strings.ReplaceAll(string(headers), "$", `\u0024`)}
}
