package kubetest

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
)

// gatewayRoute is as much of an HTTPRoute as a gateway here follows.
type gatewayRoute struct {
	Spec struct {
		Parents []map[string]any `json:"parentRefs"`
		Hosts   []string         `json:"hostnames"`
		Rules   []gatewayRule    `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			Conditions []struct {
				ObservedGeneration int64 `json:"observedGeneration"`
			} `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

type gatewayRule struct {
	Matches []struct {
		Path    struct{ Type, Value string }
		Headers []struct{ Name, Value string }
	} `json:"matches"`
	Filters []struct {
		Type       string
		URLRewrite struct {
			Path struct{ ReplaceFullPath, ReplacePrefixMatch string }
		}
		RequestMirror struct {
			BackendRef struct{ Name string }
		}
	} `json:"filters"`
	Backends []gatewayBackend `json:"backendRefs"`
}

type gatewayBackend struct {
	Name   string
	Weight int64
}

// judged reports whether the route's status is of its generation.
func (r gatewayRoute) judged(generation int64) bool {
	for _, p := range r.Status.Parents {
		for _, c := range p.Conditions {
			if c.ObservedGeneration == generation {
				return true
			}
		}
	}
	return false
}

// rank is how well the rule fits a request, and the path that it fits by; -1 where it
// does not.
func (rule gatewayRule) rank(r *http.Request) (int, string) {
	if len(rule.Matches) != 1 {
		return -1, ""
	}
	m := rule.Matches[0]
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

// drawn is one of the services, by their weights; without any it is the first.
func drawn(all []gatewayBackend) string {
	var sum int64
	for _, b := range all {
		sum += b.Weight
	}
	if sum == 0 {
		return all[0].Name
	}
	at := rand.Int64N(sum) //nolint:gosec // a share of requests is no secret
	for _, b := range all {
		if at -= b.Weight; at < 0 {
			return b.Name
		}
	}
	return all[0].Name
}

// answer says where a request to a path goes.
func (rule gatewayRule) answer(path, base string) GatewayAnswer {
	out := GatewayAnswer{Service: drawn(rule.Backends), Path: path}
	for _, f := range rule.Filters {
		to := f.URLRewrite.Path
		switch {
		case f.Type == "RequestMirror":
			out.Mirrors = append(out.Mirrors, f.RequestMirror.BackendRef.Name)
		case f.Type == "URLRewrite" && to.ReplaceFullPath != "":
			out.Path = to.ReplaceFullPath
		case f.Type == "URLRewrite":
			out.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, base), "/")
		}
	}
	return out
}

// through reads an object into a structure.
func through(from map[string]any, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
