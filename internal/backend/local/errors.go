package local

import (
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Code sorts an error. The engine's carry their code over the wire.
func (b *backend) Code(err error) mlops.Code { return mlops.CodeOf(err) }

// refuse makes an Invalid error about a provider setting.
func refuse(setting, format string, args ...any) error {
	return mlops.InvalidField(name+"."+setting, format, args...)
}
