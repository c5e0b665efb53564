package verbs

import (
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// CheckNames tells of an ID with a name that nothing on a platform can have: it is
// NotFound without asking the platform, which would call it invalid. Runs and
// versions have names that the platform gave.
func CheckNames(rules mlops.Capabilities, id mlops.ID) error {
	for at := id; at != ""; at = at.Parent() {
		p, err := at.Parse()
		if err != nil {
			return mlops.NewError(mlops.Invalid, err)
		}
		if p.Noun == mlops.NounPipelineRun || p.Noun == mlops.NounModelVersion {
			continue
		}
		c := mlops.NewChecker()
		rules.NameRule(p.Noun).CheckName(c, mlops.At("name"), p.Name)
		if c.Err() != nil {
			return mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist: %w", id, c.Err()))
		}
	}
	return nil
}
