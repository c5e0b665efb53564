package mlopstest

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// rolloutSamples are of how an endpoint's changes reach traffic, and of who and
// when it serves.
func rolloutSamples() []sample {
	of := endpointSample
	strategy := func(f mlops.Feature, r mlops.Rollout) sample {
		return of(f, func(_ *lab, s *mlops.ModelEndpointSpec) { s.Rollout = &r })
	}
	bake, warm, percent := mlops.Duration(time.Second), mlops.Duration(time.Minute), 1.0
	return []sample{
		strategy(mlops.FeatureEndpointCanary, mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}, Bake: bake}),
		strategy(mlops.FeatureEndpointLinear, mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 40, Bake: bake}),
		strategy(mlops.FeatureEndpointBlueGreen, mlops.Rollout{Strategy: mlops.RolloutBlueGreen, Bake: bake}),
		strategy(mlops.FeatureEndpointShadow, mlops.Rollout{Strategy: mlops.RolloutShadow, Steps: []int64{50}, Bake: bake}),
		of(mlops.FeatureEndpointGates, func(l *lab, s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: l.judgeable(), Bake: bake, Gates: &mlops.Gates{MaxErrorPercent: &percent, MaxP95: bake}}
		}),
		strategy(mlops.FeatureEndpointKeepPrevious, mlops.Rollout{Strategy: mlops.RolloutAllAtOnce, KeepPrevious: &warm}),
		of(mlops.FeatureEndpointSchedule, func(_ *lab, s *mlops.ModelEndpointSpec) {
			s.Schedule = &mlops.UpTime{Up: "* * * * *", Down: "0 0 29 2 *", Timezone: "Australia/Sydney"}
		}),
		of(mlops.FeatureEndpointToken, func(_ *lab, s *mlops.ModelEndpointSpec) { s.Access = mlops.AccessToken }),
		of(mlops.FeatureEndpointProtect, func(_ *lab, s *mlops.ModelEndpointSpec) { s.DeletionProtection = true }),
	}
}

// judgeable is a strategy of this backend whose steps can be judged.
func (l *lab) judgeable() string {
	for _, s := range []string{mlops.RolloutCanary, mlops.RolloutLinear, mlops.RolloutBlueGreen} {
		if l.harness.Factory.Capabilities.Supports(mlops.Feature("model_endpoint.rollout.strategy." + s)) {
			return s
		}
	}
	return mlops.RolloutShadow
}
