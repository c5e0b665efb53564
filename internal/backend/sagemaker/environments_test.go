package sagemaker

import (
	"sync"
	"testing"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// Whoever needs an environment at the same time shares one look at it.
func TestPlaceIsReadOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	r.places.Forget(r.environment)
	r.account.ResetCalls()
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			if _, err := r.place(t.Context(), r.environment); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	if got := r.account.Calls()["ssm.GetParameter"]; got != 1 {
		t.Errorf("the parameter was read %d times, want once", got)
	}
}
