package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Problem is a problem document (RFC 9457).
type Problem struct {
	Title   string     `json:"title"`
	Status  int        `json:"status"`
	Detail  string     `json:"detail"`
	Code    mlops.Code `json:"code"`
	Field   string     `json:"field,omitempty"`   // attribute at fault, as HCL writes it
	Request string     `json:"request,omitempty"` // as in the RequestHeader
}

// ProblemOf describes an error. An *mlops.Error keeps its code; errors of the
// file system get one.
func ProblemOf(err error) Problem {
	p := Problem{Code: codeOf(err), Detail: err.Error()}
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		p.Field = e.Field
	}
	if e, ok := err.(*mlops.Error); ok && e.Err != nil { //nolint:errorlint // only the outermost may be unpacked: what wraps it says more
		p.Detail = e.Err.Error()
	}
	p.Status = statusOf(p.Code)
	p.Title = string(p.Code)
	return p
}

// Err is the problem as the contract's error.
func (p Problem) Err() error {
	return &mlops.Error{Code: p.Code, Field: p.Field, Request: p.Request, Err: errors.New(p.Detail)}
}

// codeOf is mlops.CodeOf that knows the file system too.
func codeOf(err error) mlops.Code {
	code := mlops.CodeOf(err)
	if code != mlops.Unknown {
		return code
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return mlops.PermissionDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return mlops.QuotaExceeded
	case errors.Is(err, context.Canceled):
		return mlops.Unavailable
	}
	return mlops.Unknown
}

// statusOf is the HTTP status for a code. What is wrong with a request is
// always a 4xx.
func statusOf(code mlops.Code) int {
	switch code {
	case mlops.NotFound:
		return http.StatusNotFound
	case mlops.AlreadyExists, mlops.Conflict:
		return http.StatusConflict
	case mlops.Invalid, mlops.Unsupported:
		return http.StatusUnprocessableEntity
	case mlops.Unauthenticated:
		return http.StatusUnauthorized
	case mlops.PermissionDenied:
		return http.StatusForbidden
	case mlops.QuotaExceeded:
		return http.StatusInsufficientStorage
	case mlops.Unavailable:
		return http.StatusServiceUnavailable
	case mlops.Timeout:
		return http.StatusGatewayTimeout
	case mlops.Failed, mlops.Unknown:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}
