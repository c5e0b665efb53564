package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxErrorText is how much of an answer that is not MLflow's is told, in bytes.
const maxErrorText = 300

// failure is the body of an answer that says what went wrong.
type failure struct {
	ErrorCode string `json:"error_code"`
	Message   string `json:"message"`
}

// failureOf reads an answer that is no success. What is not MLflow's own, such as
// a proxy's page, is judged by its status.
func failureOf(status int, body []byte) error {
	var f failure
	if json.Unmarshal(body, &f) != nil || f.ErrorCode == "" {
		return mlops.NewError(codeOfStatus(status), fmt.Errorf("MLflow answered with status %d: %s", status, excerpt(body)))
	}
	return mlops.NewError(codeOf(status, f.ErrorCode), fmt.Errorf("MLflow: %s (%s)", strings.TrimSpace(f.Message), f.ErrorCode))
}

func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " ")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

// codeOf sorts MLflow's error codes. An internal error may pass, as MLflow's own client
// takes it to: a server under load answers so what it would do a moment later. What it
// did all the same, a repeated call finds.
func codeOf(status int, name string) mlops.Code {
	switch name {
	case "RESOURCE_DOES_NOT_EXIST", "NOT_FOUND":
		return mlops.NotFound
	case "RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS":
		return mlops.AlreadyExists
	case "RESOURCE_CONFLICT", "ABORTED":
		return mlops.Conflict
	case "INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST", "INVALID_STATE", "INVALID_STATE_TRANSITION":
		return mlops.Invalid
	case "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED":
		return mlops.Unauthenticated
	case "PERMISSION_DENIED":
		return mlops.PermissionDenied
	case "RESOURCE_EXHAUSTED", "RESOURCE_LIMIT_EXCEEDED", "QUOTA_EXCEEDED":
		return mlops.QuotaExceeded
	case "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED":
		return mlops.Unavailable
	case "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED":
		return mlops.Unsupported
	}
	return codeOfStatus(status)
}

func codeOfStatus(status int) mlops.Code {
	switch status {
	case http.StatusUnauthorized:
		return mlops.Unauthenticated
	case http.StatusForbidden:
		return mlops.PermissionDenied
	case http.StatusNotFound:
		return mlops.Unsupported // of a path, not of an object: MLflow names those
	case http.StatusConflict:
		return mlops.Conflict
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return mlops.Invalid
	case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		return mlops.QuotaExceeded
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return mlops.Unavailable
	case http.StatusNotImplemented:
		return mlops.Unsupported
	}
	return mlops.Unknown
}

// unreached is the error of a request that got no answer. Context errors stay as
// they are.
func (c *Client) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return mlops.NewError(mlops.Unavailable, fmt.Errorf("the MLflow server at %s does not answer: %w", c.host(), cause(err)))
}

// cause is what lies below the error of an HTTP client, which names the URL.
func cause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
		if _, ok := inner.(interface{ Timeout() bool }); ok {
			break
		}
	}
	return err
}

func is(err error, code mlops.Code) bool { return err != nil && mlops.CodeOf(err) == code }

// unlessGone forgets that what was to be removed is not there.
func unlessGone(err error) error {
	if is(err, mlops.NotFound) {
		return nil
	}
	return err
}

func refuse(code mlops.Code, format string, args ...any) error {
	return mlops.NewError(code, fmt.Errorf(format, args...))
}
