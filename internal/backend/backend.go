package backend

import (
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/sagemaker"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// All describes every backend, in the order of the docs.
func All() []mlops.Factory {
	return []mlops.Factory{
		local.Factory(),
		sagemaker.Factory(),
		kubernetes.Factory(),
	}
}
