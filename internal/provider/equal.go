package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keepEqual plans no change where a text is written differently but means the
// same as what the state has.
func keepEqual(same func(a, b string) bool) []planmodifier.String {
	return []planmodifier.String{keeper{same}}
}

type keeper struct{ same func(a, b string) bool }

// Description implements planmodifier.String.
func (keeper) Description(context.Context) string {
	return "A text that means the same as before is not a change."
}

// MarkdownDescription implements planmodifier.String.
func (k keeper) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

// PlanModifyString implements planmodifier.String.
func (k keeper) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	known := !req.PlanValue.IsUnknown() && !req.PlanValue.IsNull() && !req.StateValue.IsNull()
	if known && k.same(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

func sameDuration(a, b string) bool {
	x, errX := time.ParseDuration(a)
	y, errY := time.ParseDuration(b)
	return errX == nil && errY == nil && x == y
}

func sameQuantity(a, b string) bool {
	x, errX := mlops.ParseQuantity(a)
	y, errY := mlops.ParseQuantity(b)
	return errX == nil && errY == nil && x == y
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// positiveDuration refuses durations of nothing or less. What is no duration at
// all is the type's to report.
type positiveDuration struct{}

// Description implements validator.String.
func (positiveDuration) Description(context.Context) string {
	return "must be longer than nothing"
}

// MarkdownDescription implements validator.String.
func (p positiveDuration) MarkdownDescription(ctx context.Context) string {
	return p.Description(ctx)
}

// ValidateString implements validator.String.
func (positiveDuration) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	d, err := time.ParseDuration(req.ConfigValue.ValueString())
	if err == nil && d <= 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Duration too short",
			fmt.Sprintf("A duration here must be longer than nothing; it is %q. To have the default, leave it out.", req.ConfigValue.ValueString()))
	}
}
