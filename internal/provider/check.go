package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// asked is what a configuration asks for, as far as it is known.
type asked[M, S any] struct {
	model   M
	spec    S
	bare    S // spec as the attributes alone give it, without what locate adds
	unknown []mlops.Path
	backend string // "" while unknown
}

// ask reads a configuration.
func (r *managed[M, S, T]) ask(ctx context.Context, config tftypes.Value, diags *diag.Diagnostics) asked[M, S] {
	m, unknown, decodeDiags := r.codec.decode(ctx, config)
	diags.Append(decodeDiags...)
	a := asked[M, S]{model: m, unknown: unknown}
	if decodeDiags.HasError() {
		return a
	}
	a.bare = r.toSpec(m)
	a.spec = a.bare
	if r.locate != nil && r.platforms != nil {
		if err := r.locate(r.platforms, &a.spec); err != nil {
			diags.AddError("Cannot tell where the "+r.noun.Words()+" is", err.Error()+".")
		}
	}
	a.backend = r.parentOf(a.spec).Backend()
	return a
}

// ConfigValidators implements resource.ResourceWithConfigValidators.
func (r *managed[M, S, T]) ConfigValidators(context.Context) []resource.ConfigValidator {
	if len(r.exclusive) == 0 {
		return nil
	}
	choices := make([]path.Expression, len(r.exclusive))
	for i, name := range r.exclusive {
		choices[i] = path.MatchRoot(name)
	}
	return []resource.ConfigValidator{resourcevalidator.ExactlyOneOf(choices...)}
}

// ValidateConfig implements resource.ResourceWithValidateConfig. Rules of a
// backend wait for the plan, where the backend is known.
func (r *managed[M, S, T]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	a := r.ask(ctx, req.Config.Raw, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	c := mlops.NewChecker(a.unknown...)
	r.verifySpec(c, a.spec)
	report(ctx, r.full, c.Problems(), &resp.Diagnostics)
}

// verifySpec checks what every backend refuses.
func (r *managed[M, S, T]) verifySpec(c *mlops.Checker, spec S) {
	spec.Validate(c)
	if r.check != nil {
		r.check(c, spec)
	}
	at := mlops.At(r.parent)
	reported := slices.ContainsFunc(c.Problems(), func(p mlops.Problem) bool { return p.Path.String() == at.String() })
	if r.parent == "" || reported || !c.Known(at) {
		return
	}
	if _, err := r.parentOf(spec).ParseAs(r.parentNoun); err != nil {
		c.Add(at, "Not the ID of "+r.parentNoun.One(), "%s.", err)
	}
}

// verify checks a spec against all rules that need no platform.
func (r *managed[M, S, T]) verify(c *mlops.Checker, a asked[M, S]) {
	r.verifySpec(c, a.spec)
	if a.backend == "" {
		return
	}
	f, err := r.platforms.factory(a.backend)
	if err != nil {
		c.Add(mlops.At(r.parent), "No such backend", "%s", errors.Unwrap(err))
		return
	}
	if r.name != nil {
		f.Capabilities.NameRule(r.noun).CheckName(c, mlops.At("name"), r.name(a.spec))
	}
	f.Capabilities.CheckFeatures(c, f.Name, a.spec)
	if f.Capabilities.Limits != nil && len(a.unknown) > 0 { // a spec that is wholly known is for the platform's own check
		f.Capabilities.Limits(c, a.spec)
	}
}

// preflightPatience bounds the platform's check of one plan.
const preflightPatience = 20 * time.Second

// preflight lets the platform check a spec that is wholly known, and warn of one that
// is known in part. A platform that cannot be asked now, or takes long, is no reason
// to refuse a plan, and one to say so.
func (r *managed[M, S, T]) preflight(ctx context.Context, a asked[M, S], diags *diag.Diagnostics) {
	if a.backend == "" {
		return
	}
	target, err := r.target(ctx, r.platforms, a.backend)
	if err != nil {
		r.fail(ctx, err, diags)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, preflightPatience)
	defer cancel()
	c := mlops.NewChecker(a.unknown...)
	if checker, ok := target.Kind.(mlops.Preflighter[S]); ok && len(a.unknown) == 0 {
		err = checker.Preflight(ctx, a.spec, c)
	}
	if seer, ok := target.Kind.(mlops.Forewarner[S]); ok && c.Err() == nil {
		err = errors.Join(err, seer.Forewarn(ctx, a.spec, c))
	}
	if err != nil {
		unchecked(ctx, r.noun, target.Code(err), err, diags)
	}
	report(ctx, r.full, c.Problems(), diags)
}

// unchecked says that the platform did not check a plan. Who may apply it need not have
// the right to ask what it would come to: that is for the log.
func unchecked(ctx context.Context, noun mlops.Noun, code mlops.Code, err error, diags *diag.Diagnostics) {
	if code == mlops.PermissionDenied {
		tflog.Warn(ctx, "the platform could not check the plan", map[string]any{"error": err.Error()})
		return
	}
	diags.AddWarning("Not checked by the platform", fmt.Sprintf("The platform could not be asked about the %s: %s\n\n"+
		"What it would refuse of this plan shows when it is applied.", noun.Words(), strings.TrimSpace(mlops.Message(err))))
}

// replacePaths lists, as attribute names, what a backend can only change by
// making another object.
func (r *managed[M, S, T]) replacePaths(backend string) [][]string {
	f, err := r.platforms.factory(backend)
	if err != nil {
		return nil
	}
	var out [][]string
	for _, feature := range f.Capabilities.Replace {
		if attribute, ok := strings.CutPrefix(string(feature), string(r.noun)+"."); ok {
			out = append(out, strings.Split(attribute, "."))
		}
	}
	if slices.Contains(r.own, backend) {
		for _, s := range f.Target {
			if s.Replace {
				out = append(out, []string{backend, s.Name})
			}
		}
	}
	return out
}

// differAt reports whether two objects differ at an attribute path. Elements of
// a map that only one of them has do not count: they are made or removed, not
// changed.
func differAt(a, b map[string]tftypes.Value, names []string) bool {
	x, y := a[names[0]], b[names[0]]
	if len(names) == 1 {
		return !x.Equal(y)
	}
	return differBelow(x, y, names[1:])
}

func differBelow(x, y tftypes.Value, names []string) bool {
	below, errX := membersOf(x)
	other, errY := membersOf(y)
	if errX != nil || errY != nil {
		return !x.Equal(y)
	}
	if _, object := x.Type().(tftypes.Object); object {
		return len(below) != len(other) || len(below) > 0 && differAt(below, other, names)
	}
	for key := range below {
		if _, both := other[key]; both && differBelow(below[key], other[key], names) {
			return true
		}
	}
	return false
}

// fieldOf is the attribute that a backend's error blames, if it says.
func fieldOf(err error) string {
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		return e.Field
	}
	return ""
}
