package kubernetes

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// environmentOrigins says which attributes the fields of an environment's objects
// come from.
func environmentOrigins() origins {
	return origins{
		"metadata.name":      "name",
		"metadata.namespace": name + "." + targetNamespace,
		"metadata.labels":    "labels",
		"metadata.labels[pod-security.kubernetes.io": name + "." + targetPodSecurity,
		"spec.hard":    name + "." + targetQuota,
		"spec.egress":  name + "." + targetEgress,
		"spec.ingress": name + "." + targetIngress,
		"subjects":     name + "." + targetServiceAccount,
		"secrets":      name + "." + targetStorageSecret,
	}
}

// checkHome refuses a namespace that was brought and is not there, or goes.
func (k environmentKind) checkHome(ctx context.Context, c *cluster, l layout) error {
	if !l.brought {
		return nil
	}
	home, err := c.get(ctx, l.home())
	switch {
	case k.is(err, mlops.PermissionDenied): // a namespace is seldom its users' to read
		return nil
	case isNotFound(err):
		return refuseSetting(targetNamespace, "there is no namespace %s; make it first, or leave namespace out to have one made", l.namespace)
	case err != nil:
		return err
	case isLeaving(home):
		return mlops.NewError(mlops.Conflict, errors.New(lingering(home)))
	}
	return nil
}

// makeParts makes what is missing, and brings what is there to the layout.
func (k environmentKind) makeParts(ctx context.Context, c *cluster, l layout) error {
	for _, m := range l.parts() {
		if err := k.makePart(ctx, c, l, m); err != nil {
			return err
		}
	}
	return nil
}

// makePart applies one object, unless it is there and of something else.
func (k environmentKind) makePart(ctx context.Context, c *cluster, l layout, m manifest) error {
	have, err := c.get(ctx, m.identity)
	if err != nil && !isNotFound(err) {
		return err
	}
	if err == nil && !isPartOf(have, l.spec.ID) {
		return errForeign(m.identity)
	}
	if err == nil && isLeaving(have) {
		return mlops.NewError(mlops.Conflict, errors.New(lingering(have)))
	}
	_, err = c.apply(ctx, m)
	return k.explain(err, m.identity, environmentOrigins())
}

// dropParts removes objects that are the environment's, and leaves others alone.
func (k environmentKind) dropParts(ctx context.Context, c *cluster, id mlops.ID, parts []identity) error {
	for _, part := range parts {
		have, err := c.get(ctx, part)
		if err == nil && isPartOf(have, id) && !isLeaving(have) {
			err = c.remove(ctx, have)
		}
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("%s: %w", part.words(), err)
		}
	}
	return nil
}

// isPartOf reports whether an object was made for an environment.
func isPartOf(o *unstructured.Unstructured, id mlops.ID) bool {
	return o.GetAnnotations()[noteID] == string(id)
}

// isLeaving reports whether an object was deleted, and is not gone yet, or is on its
// way out by the provider's own word.
func isLeaving(o *unstructured.Unstructured) bool {
	return o.GetDeletionTimestamp() != nil || o.GetAnnotations()[noteLeaving] != ""
}

// errForeign refuses a part that has the name of ours and is somebody else's.
func errForeign(of identity) error {
	return mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%s exists in the namespace %s and is not of this environment", of.words(), of.namespace))
}

// flaw says which part is gone or is not as it was made, or "". It is repaired by the
// next apply.
func (k environmentKind) flaw(ctx context.Context, c *cluster, l layout) (string, error) {
	for _, m := range l.parts() {
		have, err := c.get(ctx, m.identity)
		if isNotFound(err) {
			return m.words() + " is gone", nil
		}
		if err != nil {
			return "", err
		}
		where, err := m.missingIn(have)
		if err != nil {
			return "", err
		}
		if where != "" {
			return fmt.Sprintf("somebody changed %s of %s", where, m.words()), nil
		}
	}
	if l.ownAccount {
		return "", nil
	}
	if _, err := c.get(ctx, l.of(kindServiceAccount, l.serviceAccount)); !isNotFound(err) {
		return "", err
	}
	return "there is no service account " + l.serviceAccount, nil
}
