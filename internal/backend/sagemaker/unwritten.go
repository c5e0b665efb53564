package sagemaker

import (
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// errUnwritten is the answer of what is not there yet.
var errUnwritten = mlops.NewError(mlops.Unsupported, errors.New("not available on sagemaker yet"))
