package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// memoryWorld is a platform that is pretended.
func memoryWorld(t *testing.T) world {
	t.Helper()
	p := memory.NewPlatform(memory.Config{Looks: 1})
	// Nothing takes for ever by itself here: either way the platform stands still.
	slow := func(config string) stuck {
		return stuck{
			config: "provider \"mlops\" {\n  memory = { looks = 1000000 }\n}\n" + config,
			repair: plancheck.ResourceActionReplace,
		}
	}
	return world{
		backend:   "memory",
		factories: []mlops.Factory{p.Factory()},
		folder:    t.TempDir(),
		beyond:    withoutAccelerators(),
		changed:   `{ note = "changed" }`,
		elsewhere: `{ zone = "b" }`,
		freeze:    slow,
		endure:    slow,
		remove: func(id mlops.ID) error {
			p.Remove(id)
			return nil
		},
		left: func() ([]string, error) {
			var names []string
			for _, id := range p.IDs() {
				names = append(names, string(id))
			}
			return names, nil
		},
	}
}
