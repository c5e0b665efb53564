package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// ModelVersions returns the kind of versions.
func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return notYet[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{mlops.NounModelVersion}
}
