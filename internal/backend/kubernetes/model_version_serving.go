package kubernetes

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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

// servingURI is where KServe fetches a version from: its archive, where the registry
// has one.
func servingURI(seen versionObserved) string {
	return cmp.Or(seen.Native[nativeServing], seen.Status.URI)
}

// nativeServing is where a version says what servers fetch.
const nativeServing = "serving_uri"

// canFetch refuses a version that its server would have no leave to fetch: KServe looks
// for the credentials among the secrets of the service account, which may be the user's.
func (k modelEndpointKind) canFetch(ctx context.Context, p place, seen versionObserved) error {
	if p.ownAccount || !p.hasToken() || seen.Native[nativeServing] == "" {
		return nil
	}
	account, err := p.cluster.get(ctx, p.of(kindServiceAccount, p.serviceAccount))
	if isNotFound(err) || k.is(err, mlops.PermissionDenied) {
		return nil
	}
	if err != nil {
		return err
	}
	has, _, err := unstructured.NestedSlice(account.Object, "secrets")
	for _, one := range has {
		if of, _ := one.(map[string]any); of["name"] == nameOfRegistry {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return &mlops.Error{Code: mlops.PermissionDenied, Field: "environment", Err: fmt.Errorf(
		`the service account %[1]s, which the environment brings, does not have the secret %[2]s, by which KServe fetches models from the registry: kubectl patch serviceaccount %[1]s -n %[3]s -p '{"secrets": [{"name": "%[2]s"}]}'`,
		p.serviceAccount, nameOfRegistry, p.namespace)}
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
