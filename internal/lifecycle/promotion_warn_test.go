package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// overridden is a platform whose versions have overrides, and that warns of images.
type overridden struct{ mlops.Backend }

type (
	versionKind  = mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
	versionsSeen = mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
)

func (o overridden) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return overriddenVersions{o.Backend.ModelVersions()}
}

type overriddenVersions struct{ versionKind }

func (k overriddenVersions) Get(ctx context.Context, ref mlops.ID) (versionsSeen, error) {
	seen, err := k.versionKind.Get(ctx, ref)
	seen.Spec.Overrides = `{"CreateModelPackage": {"Domain": "MACHINE_LEARNING"}}`
	return seen, err
}

func (overriddenVersions) Forewarn(_ context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	if spec.Promotion != nil {
		c.Warn(mlops.At("image"), "An image elsewhere", "100 %% of %s", spec.Overrides)
	}
	return nil
}

// TestPromotionWarns proves that a plan tells of overrides that do not come along,
// and of what the target warns of.
func TestPromotionWarns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrossing(t, 0)
		here := `100 % of {"CreateModelPackage": {"Domain": "MACHINE_LEARNING"}}`
		for _, tt := range []struct {
			name string
			to   mlops.ID
			want []string // details
		}{
			{"on the same platform", prodModel, []string{here}},
			{"on another", "elsewhere/prod/models/churn", []string{"The version's overrides are in requests of memory, and elsewhere has others: the promoted version has none of what they add.", "100 % of "}},
		} {
			p := c.promotion()
			p.Source, p.Target = overridden{c.backend}, overridden{c.to.backend}
			check, spec := mlops.NewChecker(), c.asked(nil)
			spec.To = tt.to
			if err := p.Review(within(t, time.Minute), spec, check); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			var got []string
			for _, w := range check.Problems() {
				if !w.Warning || w.Path.String() != "from" {
					t.Errorf("%s: %+v", tt.name, w)
				}
				got = append(got, w.Detail)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}
