package kubetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Name returns a name that no other test has: a prefix with random letters behind.
func Name(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:8]) }

// Namespace makes a namespace of a test's own, and deletes it with the test. Where
// controllers run, it is there with its service account.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	name := Name("test")
	c.Apply(t, "", fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", name))
	t.Cleanup(func() {
		if err := c.objects.delete(context.Background(), Ref{Resource: "namespaces", Name: name}); err != nil {
			t.Error(err)
		}
	})
	if c.has(Controllers) {
		ref := Ref{Resource: "serviceaccounts", Namespace: name, Name: "default"}
		c.Wait(t, ref, "to be there", func(*unstructured.Unstructured) bool { return true })
	}
	return name
}

// As returns the access of somebody who may do what the rules say, in YAML as a
// ClusterRole has them, and nothing else: "[]" is nobody.
func (c *Cluster) As(t testing.TB, rules string) Access {
	t.Helper()
	name := Name("user")
	c.Apply(t, "default", fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: %[1]s}
rules: %[2]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}
subjects: [{kind: ServiceAccount, namespace: default, name: %[1]s}]
`, name, rules))
	token, err := c.objects.token(t.Context(), Ref{Resource: "serviceaccounts", Namespace: "default", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return Access{Host: c.access.Host, CA: c.access.CA, Token: token}
}

// token asks for a token of a service account.
func (o *objects) token(ctx context.Context, account Ref) (string, error) {
	resource, err := o.of(account)
	if err != nil {
		return "", err
	}
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"metadata": map[string]any{"name": account.Name, "namespace": account.Namespace},
		"spec":     map[string]any{"expirationSeconds": int64(7200)},
	}}
	out, err := resource.Create(ctx, request, createOptions(), "token")
	if err != nil {
		return "", err
	}
	token := Text(out, "status", "token")
	if token == "" {
		return "", errors.New("the API server gave no token")
	}
	return token, nil
}
