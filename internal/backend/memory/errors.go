package memory

import (
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Code sorts an error. This backend's own errors carry their code.
func (b *backend) Code(err error) mlops.Code { return mlops.CodeOf(err) }

// refuse makes an error of this platform.
func refuse(code mlops.Code, format string, args ...any) error {
	return mlops.NewError(code, fmt.Errorf(format, args...))
}

func noSuch(id mlops.ID) error { return refuse(mlops.NotFound, "memory has no %q", id) }
