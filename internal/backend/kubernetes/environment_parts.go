package kubernetes

import (
	"context"
	"errors"
	"fmt"

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
		if err := k.bring(ctx, c, l.spec.ID, m, environmentOrigins()); err != nil {
			return err
		}
	}
	return nil
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
	for _, s := range l.secrets() {
		if _, err := c.get(ctx, s.identity); isNotFound(err) {
			return s.identity.words() + " is gone", nil
		} else if err != nil {
			return "", err
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
