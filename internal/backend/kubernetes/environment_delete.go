package kubernetes

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// drop begins to remove what the provider made: the namespace with all that is in it,
// or its own objects from one that was brought.
func (k environmentKind) drop(ctx context.Context, s environmentScene, seen seenEnvironment) error {
	if !seen.leaving() {
		if err := k.mayGo(ctx, s, seen); err != nil {
			return err
		}
	}
	k.places.Forget(s.id)
	if !seen.brought {
		return s.cluster.remove(ctx, seen.home)
	}
	if !isLeaving(seen.note) {
		if err := k.markLeaving(ctx, s, seen); err != nil {
			return err
		}
	}
	return k.removeStep(ctx, s, seen)
}

// markLeaving writes into the record that the environment is being removed.
func (k environmentKind) markLeaving(ctx context.Context, s environmentScene, seen seenEnvironment) error {
	spec := mlops.EnvironmentSpec{ID: s.id, Name: s.id.Name()} // of one whose creation was interrupted
	if seen.record.Spec != nil {
		if err := seen.record.into(&spec); err != nil {
			return err
		}
	}
	l := layoutOf(spec)
	l.whereabouts = seen.whereabouts
	note, err := l.recordManifest(seen.record, true)
	if err != nil {
		return err
	}
	_, err = s.cluster.apply(ctx, note)
	return k.explain(err, note.identity, nil)
}

// mayGo insists that an environment is not protected, and that nothing is in it. Half
// an environment is not worth protection.
func (k environmentKind) mayGo(ctx context.Context, s environmentScene, seen seenEnvironment) error {
	if seen.record.Spec != nil {
		spec, err := seen.spec()
		if err != nil {
			return err
		}
		if spec.DeletionProtection {
			return mlops.InvalidField("deletion_protection", "%q is protected; set deletion_protection = false and apply, then delete it", s.id)
		}
	}
	what, err := k.tenant(ctx, s, seen)
	if err != nil || what == "" {
		return err
	}
	return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is not empty: %s is in it", s.id, what))
}

// tenant names something that is in an environment, or nothing: one of the nouns,
// or, in a namespace that goes with it, somebody's own workload or data.
func (k environmentKind) tenant(ctx context.Context, s environmentScene, seen seenEnvironment) (string, error) {
	for _, first := range []func() (mlops.ID, error){
		func() (mlops.ID, error) { return firstOf(ctx, k.Monitors(), s.id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.ModelEndpoints(), s.id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Models(), s.id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Pipelines(), s.id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Datasets(), s.id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Experiments(), s.id) },
	} {
		if found, err := first(); found != "" || err != nil {
			return string(found), err
		}
	}
	if seen.brought {
		return "", nil
	}
	return k.stranger(ctx, s.cluster, seen.namespace)
}

// firstOf is the first of the objects that a kind lists under an environment.
func firstOf[Spec, Status any](ctx context.Context, k mlops.Kind[Spec, Status], environment mlops.ID) (mlops.ID, error) {
	lister, ok := k.(mlops.Lister[Spec, Status])
	if !ok {
		return "", nil
	}
	all, err := lister.List(ctx, environment)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].Ref, nil
}

// stranger names a workload or a volume in a namespace that neither the provider
// made nor something else's controller, or nothing.
func (k environmentKind) stranger(ctx context.Context, c *cluster, namespace string) (string, error) {
	for _, of := range []kind{kindClaim, kindDeployment, kindStatefulSet, kindJob, kindPod} {
		all, err := c.list(ctx, of, namespace, labelManagedBy+"!="+agent)
		if err != nil {
			return "", err
		}
		for _, o := range all {
			if len(o.GetOwnerReferences()) == 0 && !isLeaving(&o) {
				return identity{of, namespace, o.GetName()}.words() + ", which the provider did not make,", nil
			}
		}
	}
	return "", nil
}

// removeStep removes the parts from a namespace that was brought, and the record when
// they are gone.
func (k environmentKind) removeStep(ctx context.Context, s environmentScene, seen seenEnvironment) error {
	if !seen.brought || seen.note == nil {
		return nil // the cluster does it
	}
	if err := k.dismiss(ctx, s.cluster, s.id, seen.everything()); err != nil {
		return err
	}
	left, err := s.cluster.left(ctx, s.id, seen.everything())
	if err != nil || left != nil {
		return err
	}
	err = s.cluster.remove(ctx, seen.note)
	if isNotFound(err) {
		return nil
	}
	return err
}

// remains says what an environment that was deleted still waits for.
func (k environmentKind) remains(ctx context.Context, s environmentScene, seen seenEnvironment) (string, error) {
	if seen.brought {
		left, err := s.cluster.left(ctx, s.id, seen.everything())
		if err != nil || left == nil {
			return "its record is being removed", err
		}
		return lingering(left), nil
	}
	stuck, err := k.stuck(ctx, s.cluster, seen.home)
	if err != nil || stuck != nil {
		return lingering(stuck), err
	}
	return "the namespace " + seen.namespace + " and what is in it are being removed", nil
}

// stuck is an object that keeps a namespace from going, or nil. The namespace's
// conditions say of which resources some are left.
func (k environmentKind) stuck(ctx context.Context, c *cluster, home *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if len(home.GetFinalizers()) > 0 {
		return home, nil
	}
	for _, of := range resourcesIn(conditionOf(home, "NamespaceContentRemaining")) {
		left, err := c.objects.Resource(c.resourceNamed(ctx, of)).Namespace(home.GetName()).List(ctx, metav1.ListOptions{Limit: chunk})
		if isNotFound(err) {
			continue // gone with whatever served it
		}
		if err != nil {
			return nil, err
		}
		for _, o := range left.Items {
			if len(o.GetFinalizers()) > 0 {
				return &o, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // there is none, and no error
}

// conditionOf is the message of a condition of an object, "" where it is not true.
func conditionOf(o *unstructured.Unstructured, condition string) string {
	all, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
	if err != nil {
		return ""
	}
	for _, one := range all {
		c, _ := one.(map[string]any)
		if c["type"] == condition && c["status"] == "True" {
			message, _ := c["message"].(string)
			return message
		}
	}
	return ""
}

// resourceNamed is a resource by its name and group, "workflows.argoproj.io", at the
// version that the API server prefers.
func (c *cluster) resourceNamed(ctx context.Context, named string) schema.GroupVersionResource {
	resource, group, _ := strings.Cut(named, ".")
	version := "v1"
	if versions := c.versions(ctx, group); group != "" && len(versions) > 0 {
		version = versions[0]
	}
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

// resourcesIn reads "Some resources are remaining: workflows.argoproj.io has 1
// resource instances, pods. has 2 resource instances".
func resourcesIn(message string) []string {
	_, list, ok := strings.Cut(message, ": ")
	if !ok {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(list, ", ") {
		if resource, _, ok := strings.Cut(part, " has "); ok {
			out = append(out, strings.TrimSuffix(resource, "."))
		}
	}
	return out
}
