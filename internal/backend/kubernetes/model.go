package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Models returns the kind of models.
func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return notYet[mlops.ModelSpec, mlops.ModelStatus]{mlops.NounModel}
}
