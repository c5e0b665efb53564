package memory

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

func TestConformance(t *testing.T) {
	for title, looks := range map[string]int{"at once": 0, "after some looks": 3} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			mlopstest.Run(t, harness(Config{Looks: looks}))
		})
	}
}

// harness gives every test a platform of its own.
func harness(config Config) mlopstest.Harness {
	return mlopstest.Harness{
		Factory: Factory(),
		NewWorld: func(*testing.T) mlopstest.World {
			p := NewPlatform(config)
			return mlopstest.World{
				Open: func(t *testing.T, owner string) mlops.Backend {
					t.Helper()
					b, err := p.Factory().Open(t.Context(), mlops.Options{Owner: owner})
					if err != nil {
						t.Fatal(err)
					}
					return b
				},
				Vanish: func(_ *testing.T, _ mlops.Noun, ref mlops.ID) { p.Remove(ref) },
			}
		},
	}
}
