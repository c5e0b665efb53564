package sagemaker

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// servers gives an endpoint a name and a number of machines.
func servers(name string, least, most int64) func(*mlops.ModelEndpointSpec) {
	return func(s *mlops.ModelEndpointSpec) {
		s.Name = name
		v := s.Variants["main"]
		v.Compute, v.Scaling = &mlops.Compute{Native: "ml.m5.large"}, &mlops.Scaling{Min: &least, Max: &most}
		s.Variants["main"] = v
	}
}

// TestQuotasCountWhatOthersUse proves that a plan counts what is in use beside its own, as
// SageMaker does: what is warned of is refused, and what is not is made.
func TestQuotasCountWhatOthersUse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		ask   func(*mlops.ModelEndpointSpec)
		at    string
		words []string
		fails bool
	}{
		{"it fits", servers("new", 1, 1), "", nil, false},
		{
			"too many beside the other's", servers("new", 2, 2), `variants["main"].compute`,
			[]string{"is 3 in us-east-1, 2 are in use by others, and 2 at once are asked for", "--desired-value 4"},
			true,
		},
		{
			"too many to scale", servers("new", 1, 3), `variants["main"].scaling.max`,
			[]string{"is 3 in us-east-1, 2 are in use by others, and up to 3 are asked for", "--desired-value 5"},
			false,
		},
		{"its own do not count", servers("old", 3, 3), "", nil, false},
		{
			"more than all of it", servers("old", 4, 4), `variants["main"].compute`,
			[]string{"is 3 in us-east-1, and 4 at once are asked for"},
			true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			version := b.version("first")
			b.create(b.spec(version, servers("old", 2, 2)))
			b.account.World.SetQuota("ml.m5.large for endpoint usage", 3)
			spec, c := b.spec(version, tt.ask), mlops.NewChecker()
			if err := b.kind.Forewarn(t.Context(), spec, c); err != nil {
				t.Fatal(err)
			}
			wantWarning(t, c, tt.at, tt.words)
			_, err := b.kind.Create(t.Context(), spec)
			if b.backend.is(err, mlops.QuotaExceeded) != tt.fails || !tt.fails && err != nil {
				t.Errorf("create: %v, want it refused: %t", err, tt.fails)
			}
		})
	}
}

// TestUseIsAskedOnce proves that many plans cost one call, and that who may not make it
// is warned by the quotas alone.
func TestUseIsAskedOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault *aws.Fault
		code  mlops.Code
		warns bool
	}{
		{"allowed", nil, "", true},
		{"not allowed", &aws.Fault{Code: "AccessDenied", Message: "User is not authorized to perform: cloudwatch:GetMetricData", Status: 403}, mlops.PermissionDenied, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			version := b.version("first")
			b.create(b.spec(version, servers("old", 2, 2)))
			b.account.World.SetQuota("ml.m5.large for endpoint usage", 3)
			if tt.fault != nil {
				b.account.Inject(aws.Rule{Operation: "GetMetricData", Times: -1, Fault: tt.fault})
			}
			for _, name := range []string{"a", "b", "c"} {
				c := mlops.NewChecker()
				if err := b.kind.Forewarn(t.Context(), b.spec(version, servers(name, 2, 2)), c); b.backend.Code(err) != tt.code && (err != nil || tt.code != "") {
					t.Errorf("got %v, want %q", err, tt.code)
				}
				if warned := len(c.Problems()) > 0; warned != tt.warns {
					t.Errorf("it warns: %t", warned)
				}
				c = mlops.NewChecker()
				if _ = b.kind.Forewarn(t.Context(), b.spec(version, servers(name, 4, 4)), c); len(c.Problems()) == 0 {
					t.Error("no warning of a quota that is too small in itself")
				}
			}
			if n := b.account.Calls()["monitoring.GetMetricData"]; n != 1 {
				t.Errorf("%d calls, want one", n)
			}
		})
	}
}
