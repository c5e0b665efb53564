package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// promotionSpec asks for a promotion, and says how its source is reached.
type promotionSpec struct {
	mlops.PromotionSpec

	Settings map[string]string // of the source's backend, over those of the provider block
}

// ID is that of the model: the version has none before it is made. Errors, and
// what is forgotten of earlier looks, go by it.
func (s promotionSpec) ID() mlops.ID { return s.To }

// promotionStatus is what is known of a promotion that was carried out.
type promotionStatus struct {
	version, digest string
	evidence        *mlops.Promotion
}

type (
	seenPromotion = mlops.Observed[promotionSpec, promotionStatus]
	seenVersion   = mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
)

// promotions has the form of a Kind, so that a promotion is a resource like any
// other. Behind it are the versions of two backends, and the lifecycle, which
// carries promotions out.
type promotions struct {
	platforms *platforms
	target    mlops.Backend
}

// promotionsOn is the promotions to a backend.
func promotionsOn(p *platforms, target mlops.Backend) mlops.Kind[promotionSpec, promotionStatus] {
	return promotions{p, target}
}

// from is the promotions from where a spec's source is.
func (k promotions) from(ctx context.Context, spec promotionSpec) (lifecycle.Promotion, error) {
	name := spec.From.Backend()
	if len(spec.Settings) == 0 {
		source, err := k.platforms.open(ctx, name)
		return lifecycle.Promotion{Source: source, Target: k.target, Reads: k.platforms.reads}, blamed("from", err)
	}
	settings, err := k.platforms.parseSettings(name, spec.Settings)
	if err != nil {
		return lifecycle.Promotion{}, blamed("source_settings", mlops.NewError(mlops.Invalid, err))
	}
	source, err := k.platforms.openWith(ctx, name, settings)
	// Reads are not shared: the same ID is another object elsewhere.
	return lifecycle.Promotion{Source: source, Target: k.target}, blamed("source_settings", err)
}

// blamed says at which attribute an error is.
func blamed(attribute string, err error) error {
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok {
		return err
	}
	return &mlops.Error{Code: e.Code, Field: attribute, Err: e.Err}
}

// Create carries a promotion out. Unlike other kinds it waits until the version
// is registered: its bytes must be fetched first.
func (k promotions) Create(ctx context.Context, spec promotionSpec) (mlops.Change, error) {
	p, err := k.from(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	var change mlops.Change
	seen, err := p.Create(ctx, spec.PromotionSpec, func(c mlops.Change) { change = c })
	if err == nil {
		change = mlops.Change{Ref: seen.Ref, Revision: seen.Revision}
	}
	return change, saidBy(err, spec.To.Backend())
}

// Update carries out the promotion of another version, or changes what is said
// of the one that was promoted.
func (k promotions) Update(ctx context.Context, ref mlops.ID, spec promotionSpec) (mlops.Change, error) {
	p, err := k.from(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	var change mlops.Change
	seen, err := p.Update(ctx, ref, spec.PromotionSpec, func(c mlops.Change) { change = c })
	if err == nil {
		change = mlops.Change{Ref: seen.Ref, Revision: seen.Revision}
	}
	return change, saidBy(err, spec.To.Backend())
}

// saidBy is an error of the target's backend; one of another says so itself.
func saidBy(err error, target string) error {
	e, ok := err.(*mlops.Error) //nolint:errorlint // an error around another has words of its own
	if !ok || e.Backend == "" || e.Backend == target {
		return err
	}
	named := *e
	named.Err = fmt.Errorf("the source's backend, %s, said: %w", e.Backend, e.Err)
	return &named
}

// Get takes one look at the version that a promotion made.
func (k promotions) Get(ctx context.Context, ref mlops.ID) (seenPromotion, error) {
	seen, err := k.target.ModelVersions().Get(ctx, ref)
	if err != nil {
		return seenPromotion{}, err
	}
	if seen.Spec.Promotion == nil {
		return seenPromotion{}, mlops.InvalidField("id", "%s was not promoted: it has no evidence; it is an mlops_model_version", ref)
	}
	return promotionSeen(seen), nil
}

// List takes one look at each promoted version of a model.
func (k promotions) List(ctx context.Context, model mlops.ID) ([]seenPromotion, error) {
	lister, ok := k.target.ModelVersions().(mlops.Lister[mlops.ModelVersionSpec, mlops.ModelVersionStatus])
	if !ok {
		return nil, mlops.NewError(mlops.Unsupported, errors.New("this backend cannot list versions"))
	}
	all, err := lister.List(ctx, model)
	if err != nil {
		return nil, err
	}
	var out []seenPromotion
	for _, seen := range all {
		if seen.Spec.Promotion != nil {
			out = append(out, promotionSeen(seen))
		}
	}
	return out, nil
}

// Delete removes the version that a promotion made.
func (k promotions) Delete(ctx context.Context, ref mlops.ID) error {
	return k.target.ModelVersions().Delete(ctx, ref)
}

// Preflight judges the gates as they stand now.
func (k promotions) Preflight(ctx context.Context, spec promotionSpec, c *mlops.Checker) error {
	p, err := k.from(ctx, spec)
	if err != nil {
		c.Add(mlops.At(fieldOf(err)), "Source out of reach", "%s.", mlops.Message(err))
		return nil
	}
	return p.Review(ctx, spec.PromotionSpec, c)
}

// promotionSeen is a promoted version, seen as the promotion that made it.
func promotionSeen(seen seenVersion) seenPromotion {
	s := seen.Spec
	return seenPromotion{
		Ref: seen.Ref,
		Spec: promotionSpec{PromotionSpec: mlops.PromotionSpec{
			From: s.Promotion.From, To: s.Model, ApprovedBy: s.Promotion.ApprovedBy,
			Description: s.Description, Labels: s.Labels, Aliases: s.Aliases,
		}},
		Status: promotionStatus{version: seen.Status.Version, digest: seen.Status.Digest, evidence: s.Promotion},
		Phase:  seen.Phase, Revision: seen.Revision, Reason: seen.Reason, Native: seen.Native, Wait: seen.Wait,
	}
}
