package sagemaker

import (
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// TestGoneParts proves that parts that somebody removed are told of, and made
// again.
func TestGoneParts(t *testing.T) {
	t.Parallel()
	e := newEstate(t, awstest.Start(t, simulated.Config{}).URL)
	watched := e.spec(func(s *mlops.EnvironmentSpec) { s.Budget = &mlops.Budget{MonthlyUSD: 100} })
	p := e.bring(watched)
	for _, tt := range []struct {
		name string
		drop func() error
		want string
	}{
		{"bucket", func() error { return e.kind.dropBucket(t.Context(), e.c, p) }, "the bucket " + p.Bucket + " is gone"},
		{"role", func() error { return e.kind.dropRole(t.Context(), e.c, p) }, "the role " + p.Role + " is gone"},
		{"topic", func() error { return e.kind.dropEnvironmentTopic(t.Context(), e.c, p) }, "the topic " + p.Topic + " is gone"},
		{"budget", func() error { return e.kind.dropBudget(t.Context(), e.c, p) }, "the budget " + budgetName(p.Record.ID) + " is gone"},
	} {
		e.must(tt.drop())
		seen, err := e.kind.Get(t.Context(), e.id)
		e.must(err)
		if seen.Phase != mlops.PhaseFailed || seen.Reason != tt.want {
			t.Errorf("without its %s it is %s because %q", tt.name, seen.Phase, seen.Reason)
		}
		e.bring(watched)
		if seen, err = e.kind.Get(t.Context(), e.id); err != nil || seen.Phase != mlops.PhaseReady {
			t.Errorf("with its %s again it is %s because %q, %v", tt.name, seen.Phase, seen.Reason, err)
		}
	}
	e.wantRole(p)
}

// TestUnseenParts proves that an environment can be read by who may not look at the
// parts that only tell.
func TestUnseenParts(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	e := newEstate(t, account.URL)
	e.bring(e.spec(func(s *mlops.EnvironmentSpec) { s.Budget = &mlops.Budget{MonthlyUSD: 100} }))
	for service, operation := range map[string]string{"sns": "ListTagsForResource", "budgets": "DescribeBudget"} {
		account.Inject(simulated.Rule{Service: service, Operation: operation, Fault: &simulated.Fault{Code: "AccessDeniedException", Message: "no", Status: http.StatusForbidden}})
		if seen, err := e.kind.Get(t.Context(), e.id); err != nil || seen.Phase != mlops.PhaseReady {
			t.Errorf("without %s it is %s because %q, %v", operation, seen.Phase, seen.Reason, err)
		}
	}
}

// TestInterruptedRepair proves that a repair that did not come to its end is told
// of, though what is asked for has not changed, and is taken up.
func TestInterruptedRepair(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	e := newEstate(t, account.URL)
	p := e.bring(e.spec(nil))
	e.must(e.kind.dropBucket(t.Context(), e.c, p))
	account.Inject(simulated.Rule{Service: "s3", Operation: "PUT", Skip: 1, Fault: &simulated.Fault{Code: "AccessDenied", Message: "no", Status: http.StatusForbidden}})
	if _, err := e.kind.Update(t.Context(), e.id, e.spec(nil)); !e.backend.is(err, mlops.PermissionDenied) {
		t.Fatalf("repair: %v, want PermissionDenied", err)
	}
	seen, err := e.kind.Get(t.Context(), e.id)
	e.must(err)
	if seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "interrupted") {
		t.Errorf("after half a repair it is %s because %q", seen.Phase, seen.Reason)
	}
	e.wantBucket(e.bring(e.spec(nil)), map[string]int32{})
}
