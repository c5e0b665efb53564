package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// estate is an environment under test, on the real control plane.
type estate struct {
	*testing.T
	*backend

	spec mlops.EnvironmentSpec
}

// newEstate starts the control plane and says of which environment a test is.
func newEstate(t *testing.T, settings mlops.Settings) estate {
	t.Helper()
	control.Start(t, kubetest.Controllers)
	environment := newWorld(t).Prefix + "churn"
	if settings == nil {
		settings = mlops.Settings{}
	}
	return estate{t, openAs("us"), mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testCluster}, environment), Name: environment, Stage: "dev",
		Target: mlops.Target{Backend: name, Settings: settings}, Labels: map[string]string{"team": "growth"},
	}}
}

func (e estate) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// ref names an object in the environment's namespace.
func (e estate) ref(resource, of string) kubetest.Ref {
	return kubetest.Ref{Resource: resource, Namespace: layoutOf(e.spec).namespace, Name: of}
}

func (e estate) home() kubetest.Ref {
	return kubetest.Ref{Resource: "namespaces", Name: layoutOf(e.spec).namespace}
}

// apply creates the environment, or brings it to the spec, and looks at it.
func (e estate) apply() mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	e.Helper()
	change, err := e.Environments().Create(e.Context(), e.spec)
	e.must(err)
	seen := e.look()
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
		e.Fatalf("after an apply it is %s at %q, want ready at %q: %s", seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	return seen
}

func (e estate) look() mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	e.Helper()
	seen, err := e.Environments().Get(e.Context(), e.spec.ID)
	e.must(err)
	return seen
}

// preflight returns the problems of a plan, as "path: detail".
func (e estate) preflight() []string {
	e.Helper()
	c := mlops.NewChecker()
	e.must(environmentKind{e.backend}.Preflight(e.Context(), e.spec, c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// wantProblem insists that a plan is refused at a path, in some words.
func (e estate) wantProblem(at string, words ...string) {
	e.Helper()
	got := e.preflight()
	if len(got) != 1 || !strings.HasPrefix(got[0], at+": ") {
		e.Fatalf("problems are %q, want one at %s", got, at)
	}
	for _, w := range words {
		if !strings.Contains(got[0], w) {
			e.Errorf("%q does not say %q", got[0], w)
		}
	}
}

func (e estate) wantCode(what string, err error, want mlops.Code, words ...string) {
	e.Helper()
	if got := e.Code(err); err == nil || got != want {
		e.Fatalf("%s: error %v has code %q, want %q", what, err, got, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			e.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
}

// settle waits for what the controllers do.
func (e estate) settle(what string, done func() bool) {
	e.Helper()
	for range looks(time.Minute) {
		if done() {
			return
		}
	}
	e.Fatalf("never %s", what)
}

// TestEnvironmentParts proves what an environment is made of, as the API server has it.
func TestEnvironmentParts(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{
		targetQuota:   map[string]string{"cpu": "4000m", "accelerators": "2"},
		targetStorage: "s3://models", targetStorageSecret: "keys", targetPodSecurity: "restricted",
	})
	seen := e.apply()
	want := map[string]string{"cluster": testCluster, "namespace": e.spec.Name, "service_account": "mlops", "api_server": control.Access().Host}
	if diff := cmp.Diff(want, seen.Native); diff != "" {
		t.Errorf("native (-want +got):\n%s", diff)
	}
	home := control.Get(t, e.home())
	for label, want := range map[string]string{
		"team": "growth", labelManagedBy: agent, labelEnvironment: e.spec.Name, labelStage: "dev", labelResource: "environment",
		"pod-security.kubernetes.io/enforce": "restricted",
	} {
		if got := home.GetLabels()[label]; got != want {
			t.Errorf("label %s of the namespace is %q, want %q", label, got, want)
		}
	}
	quota, _, _ := unstructured.NestedStringMap(control.Get(t, e.ref("resourcequotas", "mlops")).Object, "spec", "hard")
	if diff := cmp.Diff(map[string]string{"requests.cpu": "4", "requests.nvidia.com/gpu": "2"}, quota); diff != "" {
		t.Errorf("quota (-want +got):\n%s", diff)
	}
	for _, part := range []kubetest.Ref{
		e.ref("serviceaccounts", "mlops"), e.ref("roles.rbac.authorization.k8s.io", "mlops"), e.ref("rolebindings.rbac.authorization.k8s.io", "mlops"),
		e.ref("limitranges", "mlops"), e.ref("configmaps", "mlops-environment"),
		e.ref("networkpolicies.networking.k8s.io", "mlops-default-deny"), e.ref("networkpolicies.networking.k8s.io", "mlops-ingress"), e.ref("networkpolicies.networking.k8s.io", "mlops-egress"),
	} {
		if got := control.Get(t, part).GetLabels()[labelEnvironment]; got != e.spec.Name {
			t.Errorf("%s %s is labelled as of %q", part.Resource, part.Name, got)
		}
	}
}

// TestEnvironmentUpdate proves that what a spec no longer asks for is removed, and that
// what others put there stays.
func TestEnvironmentUpdate(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetQuota: map[string]string{"cpu": "4"}})
	e.apply()
	control.Patch(t, e.home(), `{"metadata": {"labels": {"cost-centre": "42"}}}`)
	e.spec.Target.Settings = mlops.Settings{targetPolicies: false}
	e.spec.Labels = map[string]string{"squad": "a"}
	change, err := e.Environments().Update(t.Context(), e.spec.ID, e.spec)
	e.must(err)
	if seen := e.look(); seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
		t.Errorf("it is %s at %q, want ready at %q: %s", seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	for _, part := range []kubetest.Ref{e.ref("resourcequotas", "mlops"), e.ref("networkpolicies.networking.k8s.io", "mlops-default-deny")} {
		if control.Exists(t, part) {
			t.Errorf("%s %s is left", part.Resource, part.Name)
		}
	}
	labels := control.Get(t, e.home()).GetLabels()
	if _, left := labels["team"]; left || labels["squad"] != "a" || labels["cost-centre"] != "42" {
		t.Errorf("labels of the namespace are %v", labels)
	}
}

// TestEnvironmentForeignNamespace proves that a namespace of somebody else's is refused
// at plan and at apply, and can be brought.
func TestEnvironmentForeignNamespace(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	control.Apply(t, "", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "`+e.spec.Name+`"}}`)
	e.wantProblem("name", e.spec.Name, "namespace = ")
	_, err := e.Environments().Create(t.Context(), e.spec)
	e.wantCode("create", err, mlops.AlreadyExists, e.spec.Name)
	_, err = e.Environments().Get(t.Context(), e.spec.ID)
	e.wantCode("get", err, mlops.NotFound)
	e.wantCode("delete", e.Environments().Delete(t.Context(), e.spec.ID), mlops.NotFound)
	e.spec.Target.Settings = mlops.Settings{targetNamespace: e.spec.Name}
	if got := e.preflight(); got != nil {
		t.Errorf("brought, problems are %q", got)
	}
	e.apply()
}

// TestEnvironmentInBroughtNamespace proves that a namespace that was brought keeps what
// is its own, that others find the environment in it, and that only what was made goes.
func TestEnvironmentInBroughtNamespace(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	namespace := e.spec.Name + "-team"
	e.spec.Target.Settings = mlops.Settings{targetNamespace: namespace}
	e.wantProblem("kubernetes.namespace", namespace)
	control.Apply(t, "", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "`+namespace+`"}}`)
	control.Apply(t, namespace, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}}`)
	if got := e.preflight(); got != nil {
		t.Fatalf("problems are %q", got)
	}
	e.apply()
	if labels := control.Get(t, e.home()).GetLabels(); labels[labelManagedBy] != "" {
		t.Errorf("the namespace is labelled: %v", labels)
	}
	for _, part := range []kubetest.Ref{e.ref("networkpolicies.networking.k8s.io", "mlops-default-deny"), e.ref("limitranges", "mlops")} {
		if control.Exists(t, part) {
			t.Errorf("%s %s was made", part.Resource, part.Name)
		}
	}
	seen, err := openAs("another process").Environments().Get(t.Context(), e.spec.ID)
	if err != nil || seen.Phase != mlops.PhaseReady {
		t.Errorf("another process sees %s, %v: %s", seen.Phase, err, seen.Reason)
	}
	second := e
	second.spec.ID, second.spec.Name = e.spec.ID+"-2", e.spec.Name+"-2"
	second.wantProblem("kubernetes.namespace", e.spec.Name)
	_, err = second.Environments().Create(t.Context(), second.spec)
	e.wantCode("a second environment", err, mlops.AlreadyExists)

	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
	_, err = e.Environments().Get(t.Context(), e.spec.ID)
	e.wantCode("get", err, mlops.NotFound)
	if !control.Exists(t, e.ref("configmaps", "theirs")) || control.Exists(t, e.ref("serviceaccounts", "mlops")) || control.Exists(t, e.ref("roles.rbac.authorization.k8s.io", "mlops")) {
		t.Error("more than the provider's own is gone, or less")
	}
}

// TestEnvironmentWithoutGateway proves that a plan warns of a gateway that is not there:
// endpoints would wait for it.
func TestEnvironmentWithoutGateway(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetGateway: "default/nowhere"})
	e.wantProblem("kubernetes.gateway", "there is no Gateway nowhere in the namespace default")
}

// TestEnvironmentForeignPart proves that a part's name that is taken is not taken over.
func TestEnvironmentForeignPart(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	namespace := e.spec.Name + "-team"
	e.spec.Target.Settings = mlops.Settings{targetNamespace: namespace}
	control.Apply(t, "", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "`+namespace+`"}}`)
	control.Apply(t, namespace, `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "mlops"}}`)
	_, err := e.Environments().Create(t.Context(), e.spec)
	e.wantCode("create", err, mlops.AlreadyExists, "the ServiceAccount mlops")
	if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "interrupted") {
		t.Errorf("half an environment is %s: %s", seen.Phase, seen.Reason)
	}
	e.spec.Target.Settings[targetServiceAccount] = "mlops"
	e.apply()
}

// TestEnvironmentConflict proves that a field that somebody else took is not taken
// back, unless one asks for it.
func TestEnvironmentConflict(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetQuota: map[string]string{"cpu": "4"}})
	e.apply()
	control.Patch(t, e.ref("resourcequotas", "mlops"), `{"spec": {"hard": {"requests.cpu": "8"}}}`)
	if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "spec.hard.requests.cpu of the ResourceQuota mlops") {
		t.Errorf("with another quota it is %s: %s", seen.Phase, seen.Reason)
	}
	e.wantProblem("kubernetes.quota", "the ResourceQuota mlops", "spec.hard.requests.cpu (kubetest)", "force_conflicts")
	_, err := e.Environments().Update(t.Context(), e.spec.ID, e.spec)
	e.wantCode("update", err, mlops.Conflict, "kubetest")
	e.options.Settings[settingForce] = true
	e.clusters = map[string]*cluster{}
	e.apply()
}

// TestEnvironmentRepair proves that a part that is gone is told of, and made again.
func TestEnvironmentRepair(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, resource, part string
	}{
		{"network policy", "networkpolicies.networking.k8s.io", "mlops-default-deny"},
		{"role", "roles.rbac.authorization.k8s.io", "mlops"},
		{"service account", "serviceaccounts", "mlops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t, nil)
			e.apply()
			control.Delete(t, e.ref(tt.resource, tt.part))
			if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, tt.part+" is gone") {
				t.Errorf("without its %s it is %s: %s", tt.name, seen.Phase, seen.Reason)
			}
			e.apply()
		})
	}
}

// TestEnvironmentInterrupted proves that what an interrupted creation left is adopted
// by its owner alone.
func TestEnvironmentInterrupted(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	c, err := e.in(e.spec.ID)
	e.must(err)
	l := layoutOf(e.spec)
	e.must(c.claim(t.Context(), manifest{identity: l.claimed(), labels: map[string]string{labelManagedBy: agent}, annotations: map[string]string{noteID: string(e.spec.ID), noteClaim: "us"}}))
	if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "interrupted") {
		t.Errorf("half an environment is %s: %s", seen.Phase, seen.Reason)
	}
	_, err = e.place(t.Context(), e.spec.ID.Child(mlops.NounPipeline, "train"))
	e.wantCode("its place", err, mlops.NotFound, "interrupted")
	_, err = openAs("them").Environments().Create(t.Context(), e.spec)
	e.wantCode("creation by others", err, mlops.AlreadyExists)
	e.apply()
	p, err := e.place(t.Context(), e.spec.ID.Child(mlops.NounPipeline, "train"))
	e.must(err)
	if p.namespace != e.spec.Name || p.serviceAccount != "mlops" {
		t.Errorf("its place is %+v", p.layout)
	}
}

// TestEnvironmentOccupied proves that a namespace with somebody's data in it is kept.
func TestEnvironmentOccupied(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	control.Apply(t, e.spec.Name, `{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "precious"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}`)
	e.wantCode("delete", e.Environments().Delete(t.Context(), e.spec.ID), mlops.Conflict, "the PersistentVolumeClaim precious")
	if seen := e.look(); seen.Phase != mlops.PhaseReady {
		t.Errorf("after a refused deletion it is %s: %s", seen.Phase, seen.Reason)
	}
}

// TestEnvironmentStuck proves that what keeps an environment from going is named, with
// its finalizer.
func TestEnvironmentStuck(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	control.Apply(t, e.spec.Name, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "finalizers": ["example.com/backup"]}}`)
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
	e.settle("stuck", func() bool {
		seen := e.look()
		if seen.Phase != mlops.PhaseDeleting {
			t.Fatalf("it is %s: %s", seen.Phase, seen.Reason)
		}
		return strings.Contains(seen.Reason, "the ConfigMap kept waits for its finalizer example.com/backup")
	})
	control.Patch(t, e.ref("configmaps", "kept"), `{"metadata": {"finalizers": null}}`)
	e.settle("gone", func() bool {
		_, err := e.Environments().Get(t.Context(), e.spec.ID)
		return e.is(err, mlops.NotFound)
	})
}

// TestEnvironmentStuckInBroughtNamespace is the same where the namespace stays.
func TestEnvironmentStuckInBroughtNamespace(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.spec.Target.Settings = mlops.Settings{targetNamespace: e.spec.Name}
	control.Apply(t, "", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "`+e.spec.Name+`"}}`)
	e.apply()
	control.Patch(t, e.ref("serviceaccounts", "mlops"), `{"metadata": {"finalizers": ["example.com/audit"]}}`)
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
	seen := e.look()
	if seen.Phase != mlops.PhaseDeleting || !seen.Due || !strings.Contains(seen.Reason, "the ServiceAccount mlops waits for its finalizer example.com/audit") {
		t.Errorf("it is %s, due %t: %s", seen.Phase, seen.Due, seen.Reason)
	}
	_, err := e.Environments().Create(t.Context(), e.spec)
	e.wantCode("create meanwhile", err, mlops.Conflict)
	control.Patch(t, e.ref("serviceaccounts", "mlops"), `{"metadata": {"finalizers": null}}`)
	e.must(environmentKind{e.backend}.Advance(t.Context(), e.spec.ID))
	_, err = e.Environments().Get(t.Context(), e.spec.ID)
	e.wantCode("get", err, mlops.NotFound)
}

// TestNeeds proves that what a cluster has is found, and that the error of what it
// lacks names it and how to install it.
func TestNeeds(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	c, err := e.in(e.spec.ID)
	e.must(err)
	e.must(c.needs(t.Context(), needsKServe, needsArgo, needsPrometheus, needsGateway, needsKEDA))
	bare, err := bareCluster(t).in(e.spec.ID)
	e.must(err)
	e.wantCode("what is missing", bare.needs(t.Context(), needsKServe, needsKnative), mlops.Unsupported, "Knative Serving", "kubectl apply", testCluster)
	for one, want := range map[capability]bool{needsKEDA: true, needsKnative: false} {
		if got, err := bare.has(t.Context(), one); err != nil || got != want {
			t.Errorf("has %s: %t, %v", one, got, err)
		}
	}
}
