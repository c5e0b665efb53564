package kubernetes

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Preflight refuses what only the cluster does not take: a namespace that is
// somebody else's, and what admission, quotas and other field managers refuse of any
// object; see mlops.Preflighter.
func (k environmentKind) Preflight(ctx context.Context, spec mlops.EnvironmentSpec, c *mlops.Checker) error {
	checkEnvironment(c, spec)
	if err := c.Err(); err != nil {
		return nil //nolint:nilerr // it is reported
	}
	k.prospects.note(spec, c)
	l := layoutOf(spec)
	s, err := k.scene(ctx, spec.ID)
	if err != nil {
		return k.report(c, err)
	}
	k.note(spec.ID, l.whereabouts)
	if err := (modelEndpointKind{backend: k.backend}).preflightGateway(ctx, c, mlops.At(name, targetGateway), place{layout: l, cluster: s.cluster}); err != nil {
		return k.report(c, err)
	}
	seen, err := k.look(ctx, s)
	if err == nil || k.is(err, mlops.NotFound) {
		if err := k.preflightServer(ctx, c, spec, s, seen); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, verbs.ErrNoRecord) && l.brought:
		c.Add(mlops.At(name, targetNamespace), "Taken", "%s.", mlops.Message(err))
		return nil
	case errors.Is(err, verbs.ErrNoRecord):
		c.Add(mlops.At("name"), "Taken", "%s.", mlops.Message(err))
		return nil
	case k.is(err, mlops.NotFound):
		return k.rehearseNew(ctx, c, s.cluster, l)
	case err != nil:
		return k.report(c, err)
	case seen.leaving():
		return nil
	}
	if err := k.warnOfReplacement(ctx, c, l, s, seen); err != nil {
		return err
	}
	if err := k.warnOfGround(ctx, c, l, s, seen); err != nil {
		return err
	}
	return k.rehearse(ctx, c, s.cluster, environmentOrigins(), l.parts()...)
}

// rehearseNew has the API server judge what it can of an environment that is not
// there: all parts where the namespace is, else that alone.
func (k environmentKind) rehearseNew(ctx context.Context, check *mlops.Checker, c *cluster, l layout) error {
	if !l.brought {
		return k.rehearse(ctx, check, c, environmentOrigins(), l.namespaceManifest())
	}
	if err := k.checkHome(ctx, c, l); err != nil {
		return k.report(check, err)
	}
	return k.rehearse(ctx, check, c, environmentOrigins(), l.parts()...)
}
