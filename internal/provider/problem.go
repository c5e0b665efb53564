package provider

import (
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// problem is the computed attribute with the reason why an object does not work.
// A part that vanished outside of Terraform is missing from no spec; so every plan
// has it without a problem, and a state that shows one has something to apply.
const problem = "problem"

// ails reports whether a state shows a problem.
func ails(members map[string]tftypes.Value) bool {
	v, has := members[problem]
	return has && !v.IsNull()
}
