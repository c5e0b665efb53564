package kubernetes

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lossy is a way to the tests' API server on which one answer is lost, after the server
// has done what was asked.
type lossy struct {
	*httptest.Server

	writes atomic.Int64 // so far
	lose   int64        // which write's answer is lost, from 1; 0 is none
}

func newLossy(t *testing.T, lose int64) *lossy {
	t.Helper()
	target, err := url.Parse(control.Access().Host)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(control.Access().CA)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	l := &lossy{lose: lose}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || l.writes.Add(1) != l.lose {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // closes the connection
	}))
	t.Cleanup(l.Close)
	return l
}

// over is the environment's backend with another way to the API server.
func (e estate) over(host string) estate {
	settings := testSettings()
	settings[settingHost] = host
	delete(settings, settingCA)
	e.backend = open(mlops.Options{Settings: settings, Owner: "us"})
	return e
}

// TestEnvironmentLostAnswers proves, for every write of a creation, that an apply whose
// write was carried out and not answered is finished by the next, by the same owner's
// alone, and that a deletion then leaves nothing.
func TestEnvironmentLostAnswers(t *testing.T) {
	t.Parallel()
	for _, brought := range []bool{false, true} {
		t.Run(map[bool]string{false: "made", true: "brought"}[brought], func(t *testing.T) {
			t.Parallel()
			for lost := int64(1); ; lost++ {
				e := newEstate(t, nil)
				if brought {
					e.spec.Target.Settings = mlops.Settings{targetNamespace: e.spec.Name}
					control.Apply(t, "", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "`+e.spec.Name+`"}}`)
				}
				way := newLossy(t, lost)
				change, err := e.over(way.URL).Environments().Create(t.Context(), e.spec)
				if err == nil {
					if lost <= way.writes.Load() {
						t.Errorf("the answer to write %d was lost, and nobody noticed", lost)
					}
					return
				}
				e.wantCode("the first apply", err, mlops.Unavailable)
				if lost > 1 && change.Ref != e.spec.ID {
					t.Errorf("write %d is lost, and with it the identity", lost)
				}
				_, err = openAs("them").Environments().Create(t.Context(), e.spec)
				e.wantCode("creation by others", err, mlops.AlreadyExists)
				e.apply()
				e.must(e.Environments().Delete(t.Context(), e.spec.ID))
				e.settle("gone", func() bool {
					_, err := e.Environments().Get(t.Context(), e.spec.ID)
					return e.is(err, mlops.NotFound)
				})
			}
		})
	}
}

// TestEnvironmentDenied proves that what an administrator's policy refuses shows at
// plan, in the policy's words.
func TestEnvironmentDenied(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	control.Deny(t, "networking.k8s.io", "networkpolicies", e.spec.Name, "ask the network team")
	e.wantProblem("", "ask the network team", "the NetworkPolicy mlops-")
	e.spec.Labels = map[string]string{"team": "other"}
	_, err := e.Environments().Update(t.Context(), e.spec.ID, e.spec)
	e.wantCode("update", err, mlops.Invalid, "ask the network team")
}

// TestEnvironmentWithFewRights proves which rights do for a namespace that was brought:
// to read namespaces is not among them.
func TestEnvironmentWithFewRights(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.spec.Target.Settings = mlops.Settings{targetNamespace: control.Namespace(t)}
	settings := testSettings()
	settings[settingToken] = control.As(t, `
- {apiGroups: [""], resources: [configmaps, secrets, serviceaccounts, resourcequotas, limitranges], verbs: [get, list, create, patch, delete]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [get, list, create, patch, delete, escalate, bind]}
- {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get, list, create, patch, delete]}
- {apiGroups: [argoproj.io, serving.kserve.io, gateway.networking.k8s.io, monitoring.coreos.com], resources: ["*"], verbs: [get, list]}
`).Token
	e.backend = open(mlops.Options{Settings: settings, Owner: "us"})
	if got := e.preflight(); got != nil {
		t.Fatalf("problems are %q", got)
	}
	e.apply()
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
	_, err := e.Environments().Get(t.Context(), e.spec.ID)
	e.wantCode("get", err, mlops.NotFound)

	settings[settingToken] = control.As(t, "[]").Token
	e.backend = open(mlops.Options{Settings: settings, Owner: "us"})
	_, err = e.Environments().Create(t.Context(), e.spec)
	e.wantCode("creation without any", err, mlops.PermissionDenied, "configmaps")
	if got := strings.Join(e.preflight(), "\n"); !strings.Contains(got, "cannot get resource \"configmaps\"") || !strings.Contains(got, "cluster role") {
		t.Errorf("the plan of who has no rights says %q", got)
	}
	settings[settingToken] = "nobody's"
	e.backend = open(mlops.Options{Settings: settings, Owner: "us"})
	_, err = e.Environments().Create(t.Context(), e.spec)
	e.wantCode("creation by nobody", err, mlops.Unauthenticated)
}

// TestEnvironmentOutOfReach proves that a server that does not answer is Unavailable,
// and stops no plan.
func TestEnvironmentOutOfReach(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil).over("http://127.0.0.1:1")
	_, err := e.Environments().Get(t.Context(), e.spec.ID)
	e.wantCode("get", err, mlops.Unavailable)
	c := mlops.NewChecker()
	if err := (environmentKind{e.backend}).Preflight(t.Context(), e.spec, c); e.Code(err) != mlops.Unavailable || c.Problems() != nil {
		t.Errorf("at plan: %v, problems %v", err, c.Problems())
	}
}
