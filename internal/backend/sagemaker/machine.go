package sagemaker

import (
	"cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultMachine runs what asks for nothing.
const defaultMachine = "ml.m5.large"

// resolveType is the machine type that an ask resolves to, for a use: "hosting",
// "processing" or "training".
func resolveType(_ string, c *mlops.Compute) (string, error) {
	if c == nil {
		return defaultMachine, nil
	}
	return cmp.Or(c.Native, defaultMachine), nil
}
