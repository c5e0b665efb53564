package kubernetes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// kind is a kind of native object: "apps/v1/Deployment", or "v1/Secret".
type kind string

// The kinds that an environment is made of, and those that it looks for.
const (
	kindNamespace      kind = "v1/Namespace"
	kindConfigMap      kind = "v1/ConfigMap"
	kindSecret         kind = "v1/Secret"
	kindServiceAccount kind = "v1/ServiceAccount"
	kindResourceQuota  kind = "v1/ResourceQuota"
	kindLimitRange     kind = "v1/LimitRange"
	kindClaim          kind = "v1/PersistentVolumeClaim"
	kindPod            kind = "v1/Pod"
	kindRole           kind = "rbac.authorization.k8s.io/v1/Role"
	kindRoleBinding    kind = "rbac.authorization.k8s.io/v1/RoleBinding"
	kindNetworkPolicy  kind = "networking.k8s.io/v1/NetworkPolicy"
	kindDeployment     kind = "apps/v1/Deployment"
	kindStatefulSet    kind = "apps/v1/StatefulSet"
	kindJob            kind = "batch/v1/Job"
)

// apiVersion is the API of a kind: "apps/v1".
func (k kind) apiVersion() string { return string(k[:strings.LastIndexByte(string(k), '/')]) }

// name is the kind's own: "Deployment".
func (k kind) name() string { return string(k[strings.LastIndexByte(string(k), '/')+1:]) }

// resource is the kind as the API server's paths name it.
func (k kind) resource() schema.GroupVersionResource {
	if k == kindGateway { // of which the guess is gatewaies
		return schema.FromAPIVersionAndKind(k.apiVersion(), "").GroupVersion().WithResource("gateways")
	}
	of, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(k.apiVersion(), k.name()))
	return of
}

// inNamespace reports whether objects of the kind are in a namespace.
func (k kind) inNamespace() bool { return k != kindNamespace && k != kindClusterRuntime }

// identity is what one object of a cluster is known by. Words are "the Secret
// mlops-storage".
type identity struct {
	kind      kind
	namespace string
	name      string
}

func (i identity) words() string { return "the " + i.kind.name() + " " + i.name }

// manifest is an object as it is applied: what the provider wants to own of it, and
// nothing else.
type manifest struct {
	identity

	labels      map[string]string
	annotations map[string]string
	// content is the object beside its kind and metadata: "spec", "data", … of
	// anything that has a JSON form.
	content map[string]any
}

// json is the object as it is sent.
func (m manifest) json() ([]byte, error) {
	metadata := map[string]any{"name": m.name, "labels": m.labels, "annotations": m.annotations}
	if m.kind.inNamespace() {
		metadata["namespace"] = m.namespace
	}
	object := map[string]any{"apiVersion": m.kind.apiVersion(), "kind": m.kind.name(), "metadata": metadata}
	maps.Copy(object, m.content)
	return json.Marshal(object)
}

// at is the API of the objects of a kind.
func (c *cluster) at(k kind, namespace string) dynamic.ResourceInterface {
	if k.inNamespace() {
		return c.objects.Resource(k.resource()).Namespace(namespace)
	}
	return c.objects.Resource(k.resource())
}

// get reads an object.
func (c *cluster) get(ctx context.Context, of identity) (*unstructured.Unstructured, error) {
	return c.at(of.kind, of.namespace).Get(ctx, of.name, metav1.GetOptions{})
}

// apply makes an object, or brings what the provider owns of it to what is said. A
// field that somebody else owns is a Conflict, unless the provider was told to take
// such over. Fields that the manifest does not mention are left alone, and removed
// if the provider put them there.
func (c *cluster) apply(ctx context.Context, m manifest) (*unstructured.Unstructured, error) {
	return c.patch(ctx, m, nil)
}

// rehearse is apply as the API server would carry it out: defaults, admission,
// quotas and conflicts, and nothing is changed.
func (c *cluster) rehearse(ctx context.Context, m manifest) (*unstructured.Unstructured, error) {
	return c.patch(ctx, m, []string{metav1.DryRunAll})
}

func (c *cluster) patch(ctx context.Context, m manifest, dryRun []string) (*unstructured.Unstructured, error) {
	body, err := m.json()
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{
		FieldManager: agent, Force: &c.force, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun,
	}
	applied, err := c.at(m.kind, m.namespace).Patch(ctx, m.name, types.ApplyPatchType, body, options)
	if isOwnConflict(err) {
		force := true
		options.Force = &force
		return c.at(m.kind, m.namespace).Patch(ctx, m.name, types.ApplyPatchType, body, options)
	}
	return applied, err
}

// claim makes an object that is not there: the one call that of two who make the
// same object only one succeeds with, which apply is not. What it says is to be
// applied afterwards.
func (c *cluster) claim(ctx context.Context, m manifest) error {
	body, err := m.json()
	if err != nil {
		return err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(body); err != nil {
		return err
	}
	_, err = c.at(m.kind, m.namespace).Create(ctx, object, metav1.CreateOptions{
		FieldManager: agent, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

// remove begins to delete the very object that was seen. What it owns goes with it.
func (c *cluster) remove(ctx context.Context, seen *unstructured.Unstructured) error {
	of, uid, background := identityOf(seen), seen.GetUID(), metav1.DeletePropagationBackground
	return c.at(of.kind, of.namespace).Delete(ctx, of.name, metav1.DeleteOptions{
		PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid},
	})
}

// identityOf is what an object is known by.
func identityOf(o *unstructured.Unstructured) identity {
	return identity{kind(o.GetAPIVersion() + "/" + o.GetKind()), o.GetNamespace(), o.GetName()}
}

// lingering says why an object that was deleted is still there, or "".
func lingering(o *unstructured.Unstructured) string {
	if o.GetDeletionTimestamp() == nil {
		return ""
	}
	if f := o.GetFinalizers(); len(f) > 0 {
		return fmt.Sprintf("%s waits for its finalizer %s, which whoever set it has to remove", identityOf(o).words(), strings.Join(f, ", "))
	}
	return identityOf(o).words() + " is being deleted"
}

// secret reads the content of a secret.
func (c *cluster) secret(ctx context.Context, of identity) (map[string]string, error) {
	o, err := c.get(ctx, of)
	if err != nil {
		return nil, err
	}
	data, _, err := unstructured.NestedStringMap(o.Object, "data")
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(data))
	for key, value := range data {
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read at %s", of.words(), key)
		}
		out[key] = string(raw)
	}
	return out, nil
}
