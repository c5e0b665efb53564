package sagemaker

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestBurstableMachinesAreNotScaled(t *testing.T) {
	t.Parallel()
	one, three := int64(1), int64(3)
	native := func(name string) *mlops.Compute { return &mlops.Compute{Native: name} }
	tests := []struct {
		name    string
		compute *mlops.Compute
		scaling *mlops.Scaling
		unknown []mlops.Path
		refused bool
	}{
		{"burstable and scaled", native("ml.t2.medium"), &mlops.Scaling{Min: &one, Max: &three}, nil, true},
		{"burstable, one", native("ml.t2.medium"), nil, nil, false},
		{"burstable, always three", native("ml.t2.medium"), &mlops.Scaling{Min: &three, Max: &three}, nil, false},
		{"burstable, not known yet", native("ml.t2.medium"), &mlops.Scaling{Max: &three}, []mlops.Path{mlops.At("variants", mlops.Key("a"), "scaling", "min")}, false},
		{"Trainium", native("ml.trn1.2xlarge"), &mlops.Scaling{Max: &three}, nil, false},
		{"default", nil, &mlops.Scaling{Max: &three}, nil, false},
		{"no such machine", native("ml.t9.medium"), &mlops.Scaling{Max: &three}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker(tt.unknown...)
			checkEndpointMachines(c, mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"a": {Compute: tt.compute, Scaling: tt.scaling}}})
			got := c.Problems()
			if tt.refused && (len(got) != 1 || got[0].Path.String() != `variants["a"].scaling`) || !tt.refused && len(got) > 0 {
				t.Errorf("found %v; refused is to be %v", got, tt.refused)
			}
		})
	}
}
