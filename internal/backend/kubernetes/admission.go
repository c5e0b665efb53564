package kubernetes

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// admitted refuses a spec that can never be, whatever the cluster and the environment.
func (b *backend) admitted(ctx context.Context, id mlops.ID, noun mlops.Noun, spec mlops.Spec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return capabilities().Admit(name, noun, id.Name(), spec)
}

// placeToMake is the place in which an object of a noun is to be made. An environment
// that is not there is refused with the attribute that names it: the object's parent.
func (b *backend) placeToMake(ctx context.Context, id mlops.ID, noun mlops.Noun) (place, error) {
	p, err := b.place(ctx, id)
	if b.is(err, mlops.NotFound) {
		err = &mlops.Error{Code: mlops.Invalid, Field: parentOf(noun), Err: err}
	}
	return p, err
}

// parentOf is the attribute that says which environment an object is in.
func parentOf(noun mlops.Noun) string {
	switch noun {
	case mlops.NounModelVersion:
		return "model"
	case mlops.NounMonitor:
		return "endpoint"
	}
	return "environment"
}

// demands are what a spec asks for that not every cluster and environment has.
type demands struct {
	noun mlops.Noun
	id   mlops.ID
	// alone refuses what can be nowhere on Kubernetes; within, what an environment has
	// no means for.
	alone  func(*mlops.Checker)
	within func(*mlops.Checker, layout)
	needs  func(layout) []capability // of the cluster
	mode   func(layout) error        // refuses what the environment's mode does not offer; nil where there is one mode
}

// grant refuses, before an object is made or changed, what its spec can never be and
// what its environment or the cluster has no means for.
func (b *backend) grant(ctx context.Context, spec mlops.Spec, d demands) error {
	if err := b.admitted(ctx, d.id, d.noun, spec); err != nil {
		return err
	}
	p, err := b.placeToMake(ctx, d.id, d.noun)
	if err != nil {
		return err
	}
	if d.mode != nil {
		if err := d.mode(p.layout); err != nil {
			return err
		}
	}
	c := mlops.NewChecker()
	d.alone(c)
	d.within(c, p.layout)
	if err := c.Err(); err != nil {
		return err
	}
	return p.cluster.needs(ctx, d.needs(p.layout)...)
}

// preflight is grant at plan: what is refused is a problem of the plan. It returns where
// the object would be, as the same plan makes that, and false where there is nothing more
// to judge: much is wrong already, or the environment is made by the same apply.
func (b *backend) preflight(ctx context.Context, c *mlops.Checker, d demands) (s scene, known bool, err error) {
	s = scene{noun: d.noun, id: d.id}
	d.alone(c)
	var there bool
	s.place, there, err = b.planned(ctx, d.id)
	if b.is(err, mlops.NotFound) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	d.within(c, s.layout)
	if c.Err() != nil || !there {
		return s, false, nil //nolint:nilerr // it is reported
	}
	if err := s.cluster.needs(ctx, d.needs(s.layout)...); err != nil {
		return s, false, b.report(c, err)
	}
	return s, true, nil
}

// mayBe reports whether an object may be made, or be changed, that a look at plan found
// or did not find. A name that is taken is a problem of the plan.
func (b *backend) mayBe(c *mlops.Checker, err error) (bool, error) {
	switch {
	case errors.Is(err, verbs.ErrNoRecord):
		c.Add(mlops.At("name"), "Taken", "%s.", mlops.Message(err))
		return false, nil
	case err != nil && !b.is(err, mlops.NotFound):
		return false, err
	}
	return true, nil
}
