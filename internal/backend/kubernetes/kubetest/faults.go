package kubetest

import (
	"context"
	"fmt"
	"syscall"
	"testing"
)

// StopAPIServer kills the API server, as a crash would. What it has acknowledged is
// in etcd.
func (c *Cluster) StopAPIServer(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.processes[apiServer].kill(); err != nil {
		t.Fatal(err)
	}
}

// StartAPIServer starts an API server that was stopped, at the same address, and
// waits until it is ready.
func (c *Cluster) StartAPIServer(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.runAPIServer(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// RestartAPIServer stops the API server and starts it again.
func (c *Cluster) RestartAPIServer(t testing.TB) {
	t.Helper()
	c.StopAPIServer(t)
	c.StartAPIServer(t)
}

// PauseEtcd freezes etcd: the API server answers from its memory what it can, and
// holds everything else. It goes on with the returned function, and at the latest
// when the test ends.
func (c *Cluster) PauseEtcd(t testing.TB) (resume func()) {
	t.Helper()
	return c.pause(t, etcd)
}

// PauseAPIServer freezes the API server: connections are open, and nothing answers.
func (c *Cluster) PauseAPIServer(t testing.TB) (resume func()) {
	t.Helper()
	return c.pause(t, apiServer)
}

// PauseKServe freezes KServe's manager: its webhooks time out, and nothing is
// reconciled.
func (c *Cluster) PauseKServe(t testing.TB) (resume func()) {
	t.Helper()
	return c.pause(t, kserve)
}

// PauseArgo freezes Argo's controller.
func (c *Cluster) PauseArgo(t testing.TB) (resume func()) {
	t.Helper()
	return c.pause(t, argo)
}

func (c *Cluster) pause(t testing.TB, program string) (resume func()) {
	t.Helper()
	c.mu.Lock()
	p := c.processes[program]
	c.mu.Unlock()
	if p == nil {
		t.Fatalf("%s does not run", program)
	}
	if err := p.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume = func() {
		if err := p.signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(resume)
	return resume
}

// Deny has the API server refuse to create or change objects of a resource in a
// namespace, with a message, until the test ends: what an administrator's policy
// does. Its first refusal is there when Deny returns.
func (c *Cluster) Deny(t testing.TB, group, resource, namespace, message string) {
	t.Helper()
	name := "deny-" + resource + "-" + namespace
	manifest := fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]q}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [%[2]q], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [%[3]s]}
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [limitranges]}
  validations:
    - {expression: "request.resource.resource != '%[3]s' && object.metadata.name != 'kubetest-probe'", message: %[5]q}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]q}
spec:
  policyName: %[1]q
  validationActions: [Deny]
  matchResources:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[4]q}}
`, name, group, resource, namespace, message)
	if _, err := c.objects.applyAll(t.Context(), "", manifest); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, kind := range []string{"validatingadmissionpolicybindings", "validatingadmissionpolicies"} {
			ref := Ref{Resource: kind + ".admissionregistration.k8s.io", Name: name}
			if err := c.objects.delete(context.Background(), ref); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.denies(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
}

// denies waits until a policy is in force: a server takes seconds to hear of one.
func (c *Cluster) denies(ctx context.Context, namespace string) error {
	const probe = "{apiVersion: v1, kind: LimitRange, metadata: {name: kubetest-probe}, spec: {limits: []}}"
	return c.poll(ctx, "the policy", func(ctx context.Context) (bool, error) {
		_, err := c.objects.applyAll(ctx, namespace, probe)
		if err != nil {
			return true, nil //nolint:nilerr // refused, as it should be
		}
		return false, c.objects.delete(ctx, Ref{Resource: "limitranges", Namespace: namespace, Name: "kubetest-probe"})
	})
}
