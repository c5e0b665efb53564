package backend

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/retrainjob"
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

// Commands are what the jobs of backends run of this program, by its first argument. Each
// takes those after it, and returns the exit status.
func Commands() map[string]func(ctx context.Context, args []string) int {
	return map[string]func(context.Context, []string) int{"retrain": retrainjob.Command}
}
