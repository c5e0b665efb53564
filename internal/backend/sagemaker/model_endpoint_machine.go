package sagemaker

import (
	"cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// hostingType is the machine type that an ask of a variant resolves to.
func hostingType(c *mlops.Compute) (string, error) {
	if c == nil {
		return "ml.m5.large", nil
	}
	return cmp.Or(c.Native, "ml.m5.large"), nil
}
