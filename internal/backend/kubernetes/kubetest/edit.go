package kubetest

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Apply applies a manifest in a namespace, as an administrator with kubectl would,
// with strict validation. It returns the objects as the server has them.
func (c *Cluster) Apply(t testing.TB, namespace, manifest string) []*unstructured.Unstructured {
	t.Helper()
	out, err := c.objects.applyAll(t.Context(), namespace, manifest)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Refused applies a manifest that has to be refused, and returns the refusal.
func (c *Cluster) Refused(t testing.TB, namespace, manifest string) error {
	t.Helper()
	_, err := c.objects.applyAll(t.Context(), namespace, manifest)
	if err == nil {
		t.Fatalf("accepted:\n%s", manifest)
	}
	return err
}

// Get returns an object, and fails the test where there is none.
func (c *Cluster) Get(t testing.TB, ref Ref) *unstructured.Unstructured {
	t.Helper()
	out, err := c.objects.get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Exists reports whether there is such an object, also one that is being deleted.
func (c *Cluster) Exists(t testing.TB, ref Ref) bool {
	t.Helper()
	_, err := c.objects.get(t.Context(), ref)
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

// List returns the objects of a resource that have the labels of a selector, in one
// namespace or in all.
func (c *Cluster) List(t testing.TB, resource, namespace, selector string) []unstructured.Unstructured {
	t.Helper()
	out, err := c.objects.list(t.Context(), Ref{Resource: resource, Namespace: namespace}, selector)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Patch merges a document, in YAML or JSON, into an object behind the back of
// whoever made that; null removes. A part may be named: "status", "scale".
func (c *Cluster) Patch(t testing.TB, ref Ref, document string, part ...string) {
	t.Helper()
	if err := c.objects.patch(t.Context(), ref, document, part...); err != nil {
		t.Fatal(err)
	}
}

// Delete deletes an object. It does not wait for finalizers.
func (c *Cluster) Delete(t testing.TB, ref Ref) {
	t.Helper()
	if err := c.objects.delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
}

// Wait looks at an object until it is as said, and returns it. It tolerates that the
// object is not there yet.
func (c *Cluster) Wait(t testing.TB, ref Ref, what string, done func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	t.Helper()
	var last *unstructured.Unstructured
	err := c.poll(t.Context(), ref.Resource+"/"+ref.Name+" "+what, func(ctx context.Context) (bool, error) {
		now, err := c.objects.get(ctx, ref)
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		last = now
		return err == nil && done(now), err
	})
	if err != nil {
		t.Fatalf("%v; it is now %v", err, last)
	}
	return last
}

// WaitGone waits until there is no such object.
func (c *Cluster) WaitGone(t testing.TB, ref Ref) {
	t.Helper()
	err := c.poll(t.Context(), ref.Resource+"/"+ref.Name+" to go", func(ctx context.Context) (bool, error) {
		_, err := c.objects.get(ctx, ref)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Condition returns the status of one of an object's conditions: "True", "False",
// "Unknown", or "" where there is no such condition.
func Condition(object *unstructured.Unstructured, kind string) string {
	all, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range all {
		if condition, ok := one.(map[string]any); ok && condition["type"] == kind {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}

// Text returns the string at a path of an object, or "".
func Text(object *unstructured.Unstructured, path ...string) string {
	out, _, _ := unstructured.NestedString(object.Object, path...)
	return out
}

// Get asks for an object with an access, as nothing but that access may.
func (a Access) Get(ctx context.Context, ref Ref) error {
	o, err := newObjects(a.Config())
	if err != nil {
		return err
	}
	_, err = o.get(ctx, ref)
	return err
}
