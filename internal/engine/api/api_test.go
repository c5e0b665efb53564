package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestProblemOf(t *testing.T) {
	t.Parallel()
	invalid := &mlops.Error{Code: mlops.Invalid, Field: "name", Err: errors.New("too long")}
	tests := []struct {
		name string
		err  error
		want Problem
	}{
		{"coded", invalid, Problem{Title: "invalid", Status: 422, Detail: "too long", Code: mlops.Invalid, Field: "name"}},
		{"wrapped", fmt.Errorf("here: %w", invalid), Problem{Title: "invalid", Status: 422, Detail: "here: invalid: too long", Code: mlops.Invalid, Field: "name"}},
		{"no permission", &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, Problem{Title: "permission denied", Status: 403, Detail: "open /x: permission denied", Code: mlops.PermissionDenied}},
		{"full disk", &fs.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, Problem{Title: "quota exceeded", Status: 507, Detail: "write /x: no space left on device", Code: mlops.QuotaExceeded}},
		{"other", errors.New("boom"), Problem{Title: "unknown", Status: 500, Detail: "boom", Code: mlops.Unknown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ProblemOf(tt.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for _, code := range mlops.Codes() {
		if status := statusOf(code); status < http.StatusBadRequest {
			t.Errorf("%s: status %d is no failure", code, status)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	if got := Owner(t.Context()); got != "" {
		t.Errorf("nobody acts, but %q does", got)
	}
	if got := Owner(WithOwner(t.Context(), "us")); got != "us" {
		t.Errorf("got %q", got)
	}
}
