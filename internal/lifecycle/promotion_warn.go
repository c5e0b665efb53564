package lifecycle

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// carried are a source's overrides, as far as its target has such requests: those of
// one platform mean nothing to another.
func carried(spec mlops.PromotionSpec, source versionSeen) string {
	if spec.From.Backend() != spec.To.Backend() {
		return ""
	}
	return source.Spec.Overrides
}

// warn tells of what a promotion leaves behind, and of what the target's platform
// needs for the version that it makes.
func (p Promotion) warn(ctx context.Context, spec mlops.PromotionSpec, source versionSeen, c *mlops.Checker) error {
	at := mlops.At("from")
	if carried(spec, source) != source.Spec.Overrides {
		c.Warn(at, "Overrides are not promoted", "The version's overrides are in requests of %s, and %s has others: the promoted version has none of what they add.", spec.From.Backend(), spec.To.Backend())
	}
	seer, ok := p.Target.ModelVersions().(mlops.Forewarner[mlops.ModelVersionSpec])
	if !ok {
		return nil
	}
	made := mlops.NewChecker()
	if err := seer.Forewarn(ctx, promoted(spec, source, &mlops.Promotion{From: spec.From}, ""), made); err != nil {
		return err
	}
	for _, w := range made.Problems() { // none of its attributes is one of the promotion
		c.Warn(at, w.Summary, "%s", w.Detail)
	}
	return nil
}
