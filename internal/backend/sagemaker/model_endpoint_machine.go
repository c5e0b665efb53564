package sagemaker

import (
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// checkEndpointMachines refuses what the machines of variants cannot do. Source: the
// developer guide on automatic scaling, which has none for burstable machines.
func checkEndpointMachines(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		v := spec.Variants[name]
		machine, err := catalogue().Hosting(v)
		if err != nil || !strings.HasPrefix(machine, "ml.t") || strings.HasPrefix(machine, "ml.trn") || !endpointScale(v).auto() {
			continue
		}
		at := mlops.At("variants", mlops.Key(name))
		c.AddIf(at.With("scaling"), []mlops.Path{at.With("scaling"), at.With("compute", "native")}, "Not available on "+machine,
			"SageMaker scales no burstable machines: give min and max the same number, or take another type.")
	}
}
