package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// resolveType is the machine type that an ask resolves to, for a use.
func resolveType(use string, c *mlops.Compute) (string, error) {
	t, err := catalogue().Resolve(use, c)
	return t.Name, err
}
