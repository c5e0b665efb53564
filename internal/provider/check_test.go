package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
)

// TestPlanSaysThatNobodyChecked proves that a plan which the platform could not check
// passes, and says so: here a web page answers where an API server should.
func TestPlanSaysThatNobodyChecked(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>It works!</html>"))
	}))
	t.Cleanup(page.Close)
	c := newCore(t, kubernetes.Factory())
	wantNoDiagnostics(t, c.configure(t, obj{"kubernetes": obj{"host": page.URL, "token": "any", "cluster": "lab"}}))
	got := c.plan(t, "mlops_environment", nil, obj{"name": "dev", "stage": "dev", "kubernetes": obj{}}, nil).Diagnostics
	if len(got) != 1 || got[0].Severity != tfprotov6.DiagnosticSeverityWarning || !strings.Contains(got[0].Detail, "could not be asked about the environment") {
		t.Errorf("the plan says %+v, want one warning that nobody checked it", got)
	}
}
