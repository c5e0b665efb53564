package provider

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

func environmentLookup(d *definition[environmentModel, mlops.EnvironmentSpec, mlops.EnvironmentStatus]) lookup[environmentModel, mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return lookup[environmentModel, mlops.EnvironmentSpec, mlops.EnvironmentStatus]{definition: d}
}
