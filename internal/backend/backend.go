// Package backend lists the backends that users can choose. It is a list and
// nothing else: adding a backend is one package and one line here.
package backend

import (
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// All describes every backend, in the order of the docs.
func All() []mlops.Factory {
	return []mlops.Factory{
		local.Factory(),
	}
}
