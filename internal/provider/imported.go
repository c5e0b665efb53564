package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// importedKey is where a state that comes from an import notes that its secrets
// may be ones that no configuration ever said. Such an object keeps them until
// a configuration says others: a write-only attribute that is silent would
// otherwise take them away, and a generated configuration always is.
const importedKey = "imported"

// private is the data that Terraform keeps beside a state.
type private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// imported reports whether a state comes from an import, and no apply has said
// the secrets since.
func imported(ctx context.Context, p private) (bool, diag.Diagnostics) {
	note, diags := p.GetKey(ctx, importedKey)
	return note != nil, diags
}

// keyed is data that can be noted beside a state.
type keyed interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// noteImported notes that a state comes from an import, or no longer counts as one.
func noteImported(ctx context.Context, p keyed, is bool) diag.Diagnostics {
	if !is {
		return p.SetKey(ctx, importedKey, nil)
	}
	note, err := json.Marshal(is)
	if err != nil {
		return internalError(err)
	}
	return p.SetKey(ctx, importedKey, note)
}

// mark completes a spec with the marks of secrets that an object has, and
// reports whether it has any that the configuration did not say.
func (r *managed[M, S, T]) mark(spec *S, object tftypes.Value, diags *diag.Diagnostics) bool {
	if r.secrets == nil {
		return false
	}
	members, err := membersOf(object)
	if err != nil {
		diags.Append(internalError(err)...)
		return false
	}
	return r.secrets(spec, members)
}
