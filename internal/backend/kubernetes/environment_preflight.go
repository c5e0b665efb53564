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
	if c.Err() != nil {
		return nil
	}
	l := layoutOf(spec)
	s, err := k.scene(ctx, spec.ID)
	if err != nil {
		return k.report(c, err)
	}
	k.note(spec.ID, l.whereabouts)
	seen, err := k.look(ctx, s)
	switch {
	case errors.Is(err, verbs.ErrNoRecord) && l.brought:
		c.Add(mlops.At(name, targetNamespace), "Taken", "%s.", mlops.Message(err))
		return nil
	case errors.Is(err, verbs.ErrNoRecord):
		c.Add(mlops.At("name"), "Taken", "%s.", mlops.Message(err))
		return nil
	case k.is(err, mlops.NotFound):
		return k.report(c, k.rehearseNew(ctx, s.cluster, l))
	case err != nil:
		return err
	case seen.leaving():
		return nil
	}
	return k.report(c, k.rehearse(ctx, s.cluster, l))
}

// rehearseNew has the API server judge what it can of an environment that is not
// there: all parts where the namespace is, else that alone.
func (k environmentKind) rehearseNew(ctx context.Context, c *cluster, l layout) error {
	if l.brought {
		if err := k.checkHome(ctx, c, l); err != nil {
			return err
		}
		return k.rehearse(ctx, c, l)
	}
	home := l.namespaceManifest()
	_, err := c.rehearse(ctx, home)
	return k.explain(err, home.identity, environmentOrigins())
}

// rehearse has the API server judge every part.
func (k environmentKind) rehearse(ctx context.Context, c *cluster, l layout) error {
	for _, m := range l.parts() {
		if _, err := c.rehearse(ctx, m); err != nil {
			return k.explain(err, m.identity, environmentOrigins())
		}
	}
	return nil
}

// report turns an error that a plan can say something about into a problem of it. One
// that says nothing of the plan, such as that of a cluster that does not answer, is
// returned.
func (b *backend) report(c *mlops.Checker, err error) error {
	code := b.Code(err)
	e, ok := errors.AsType[*mlops.Error](err)
	at := mlops.Path{}
	if ok && e.Field != "" {
		at = pathOf(e.Field)
	}
	switch code {
	case mlops.Invalid, mlops.Unsupported, mlops.AlreadyExists, mlops.QuotaExceeded, mlops.Conflict, mlops.PermissionDenied, mlops.Unauthenticated:
		c.Add(at, refusals()[code], "%s.", mlops.Message(err))
		return nil
	}
	return err
}

// refusals are what a plan calls the cluster's answers.
func refusals() map[mlops.Code]string {
	return map[mlops.Code]string{
		mlops.Invalid:          "Refused by the cluster",
		mlops.Unsupported:      "Not installed in the cluster",
		mlops.AlreadyExists:    "Taken",
		mlops.QuotaExceeded:    "Over a quota of the cluster",
		mlops.Conflict:         "Owned by something else",
		mlops.PermissionDenied: "Not allowed",
		mlops.Unauthenticated:  "Not logged in",
	}
}
