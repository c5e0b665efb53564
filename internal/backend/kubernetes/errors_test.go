package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestCode(t *testing.T) {
	t.Parallel()
	secrets := schema.GroupResource{Resource: "secrets"}
	for _, tt := range []struct {
		name string
		err  error
		want mlops.Code
	}{
		{"not found", apierrors.NewNotFound(secrets, "a"), mlops.NotFound},
		{"exists", apierrors.NewAlreadyExists(secrets, "a"), mlops.AlreadyExists},
		{"conflict", apierrors.NewConflict(secrets, "a", errors.New("changed")), mlops.Conflict},
		{"no rights", apierrors.NewForbidden(secrets, "a", errors.New(`User "u" cannot get resource`)), mlops.PermissionDenied},
		{"quota", apierrors.NewForbidden(secrets, "a", errors.New("exceeded quota: mlops, requested: pods=1, used: pods=1, limited: pods=1")), mlops.QuotaExceeded},
		{"going", apierrors.NewForbidden(secrets, "a", errors.New("unable to create new content in namespace x because it is being terminated")), mlops.Conflict},
		{"pod security", apierrors.NewForbidden(secrets, "a", errors.New(`violates PodSecurity "restricted:latest": privileged`)), mlops.Invalid},
		{"webhook", apierrors.NewBadRequest(`admission webhook "w" denied the request: no`), mlops.Invalid},
		{"webhook away", apierrors.NewInternalError(errors.New(`failed calling webhook "w": connection refused`)), mlops.Unavailable},
		{"no token", apierrors.NewUnauthorized("who?"), mlops.Unauthenticated},
		{"not in the schema", apierrors.NewInternalError(errors.New("failed to create typed patch object (x/y; /v1, Kind=Pod): .spec.sise: field not declared in schema")), mlops.Invalid},
		{"busy", apierrors.NewTooManyRequests("wait", 1), mlops.Unavailable},
		{"server", apierrors.NewInternalError(errors.New("etcd")), mlops.Unavailable},
		{"wrapped", fmt.Errorf("apply: %w", apierrors.NewNotFound(secrets, "a")), mlops.NotFound},
		{"proxy", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 502}}, mlops.Unavailable},
		{"nobody there", &url.Error{Op: "Get", URL: "https://x", Err: errors.New("connection refused")}, mlops.Unavailable},
		{"plugin", &url.Error{Op: "Get", URL: "https://x", Err: errors.New("getting credentials: exec: executable aws failed")}, mlops.Unauthenticated},
		{"cancelled", &url.Error{Op: "Get", URL: "https://x", Err: context.Canceled}, mlops.Unknown},
		{"ours", mlops.NewError(mlops.Failed, errors.New("x")), mlops.Failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := open(mlops.Options{}).Code(tt.err); got != tt.want {
				t.Errorf("%v has code %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

// TestExplain proves that a refusal names the attribute, and another manager's fields
// with the manager.
func TestExplain(t *testing.T) {
	t.Parallel()
	refused := apierrors.NewConflict(schema.GroupResource{Resource: "resourcequotas"}, "mlops", errors.New("x"))
	refused.ErrStatus.Details.Causes = []metav1.StatusCause{{
		Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.hard.pods", Message: `conflict with "kubectl-edit" using v1`,
	}}
	err := open(mlops.Options{}).explain(refused, identity{kindResourceQuota, "churn", "mlops"}, environmentOrigins())
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok || e.Code != mlops.Conflict || e.Field != "kubernetes.quota" {
		t.Fatalf("explained as %#v", err)
	}
	for _, want := range []string{"the ResourceQuota mlops", "spec.hard.pods (kubectl-edit)", "force_conflicts"} {
		if !strings.Contains(e.Err.Error(), want) {
			t.Errorf("%q does not say %q", e.Err, want)
		}
	}
}
