package sagemaker

import (
	"math"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// resolveType is the machine type that an ask resolves to, for a use.
func resolveType(use string, c *mlops.Compute) (string, error) {
	t, err := catalogue().Resolve(use, c)
	return t.Name, err
}

// monthlyUSD is about what an endpoint's machines cost in a month at its least
// number of replicas, to the cent, from the type of each variant. Nil if the price of
// one is not known.
func monthlyUSD(spec mlops.ModelEndpointSpec, types map[string]string) *float64 {
	var sum float64
	for name, v := range spec.Variants {
		t, ok := catalogue().Lookup(useHosting, types[name])
		if !ok || t.USDPerHour == 0 {
			return nil
		}
		least, _, _ := v.Scaling.Bounds()
		sum += float64(least) * t.USDPerHour * mlops.HoursPerMonth
	}
	sum = math.Round(sum*100) / 100
	return &sum
}
