package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Models returns the kind of models.
func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return kind[mlops.ModelSpec, mlops.ModelStatus]{b.engine.Models(), mlops.NounModel, func(s mlops.ModelSpec) string { return s.Name }}
}
