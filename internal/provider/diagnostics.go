package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// internalError is for what can only be a mistake in the provider.
func internalError(err error) diag.Diagnostics {
	return diag.Diagnostics{diag.NewErrorDiagnostic("Error in the provider",
		"This is a mistake in the provider, not in the configuration. Please report it, with this text: "+err.Error())}
}

// explain turns an error into a diagnostic of three short paragraphs: what was
// being done to which object, what the platform said, what to do next. It
// stands at the attribute at fault where the platform named one.
func explain(ctx context.Context, s schema.Schema, err error) diag.Diagnostic {
	if errors.Is(err, context.Canceled) {
		return diag.NewErrorDiagnostic("Interrupted",
			"The operation was interrupted before it was done.\n\n"+
				"The platform may have gone on with it.\n\n"+
				"Plan again to see how things stand, and apply to finish.")
	}
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok {
		e = mlops.NewError(mlops.CodeOf(err), err)
	}
	d := diag.NewErrorDiagnostic(summary(e), strings.Join([]string{doing(e), said(e), next(e)}, "\n\n"))
	if at, ok := resolve(ctx, s, parsePath(e.Field)); ok {
		return diag.WithPath(at, d)
	}
	return d
}

func summary(e *mlops.Error) string {
	if e.Op == "" {
		return "Cannot reach the platform"
	}
	return "Cannot " + e.Op + " " + e.Resource.Words()
}

func doing(e *mlops.Error) string {
	if e.Op == "" {
		return "The provider was getting ready to work with the platform."
	}
	s := fmt.Sprintf("The provider tried to %s the %s", e.Op, e.Resource.Words())
	if e.Name != "" {
		s += fmt.Sprintf(" %q", e.Name)
	}
	return s + "."
}

func said(e *mlops.Error) string {
	words := "no more than that"
	if e.Err != nil {
		words = strings.TrimSpace(e.Err.Error())
	}
	from := "The platform"
	if e.Backend != "" {
		from = "The backend " + e.Backend
	}
	facts := "code: " + string(e.Code)
	if e.Request != "" {
		facts += ", request: " + e.Request
	}
	return fmt.Sprintf("%s said: %s (%s)", from, words, facts)
}

// next is what to do about an error of a code.
func next(e *mlops.Error) string {
	advice := map[mlops.Code]string{
		mlops.NotFound:         "It, or something that it refers to, does not exist, or not any more. Check the ID; what was deleted outside of Terraform is made anew by the next apply.",
		mlops.AlreadyExists:    "The name belongs to another configuration. Choose another name, import the object by its ID, or set the provider's owner to the one that made it.",
		mlops.Conflict:         "The object is in use, or was changed by somebody else meanwhile. Remove what uses it, or wait until the other change is done, and apply again.",
		mlops.Invalid:          "Change the configuration as the platform's words say; repeating it as it is will not help.",
		mlops.Unauthenticated:  "Check the credentials that the provider uses: they are missing, wrong or expired.",
		mlops.PermissionDenied: "Give the identity that the provider uses the right to do this, and apply again.",
		mlops.QuotaExceeded:    "Free what is no longer needed or have the limit raised, and apply again.",
		mlops.Unavailable:      "The provider has tried several times. Check that the platform is up, and apply again.",
		mlops.Unsupported:      "Leave out what the backend does not have, or choose another backend for the environment.",
		mlops.Failed:           "Correct what the platform's words point to, and apply again.",
		mlops.Timeout:          "The platform may still finish. Plan again to see how things stand; if it needs longer as a rule, raise the timeouts of this resource.",
		mlops.Unknown:          "If the words above do not help, run again with TF_LOG=debug and look at what was sent last.",
	}[e.Code]
	if e.Op == "create" && (e.Code == mlops.Failed || e.Code == mlops.Timeout) {
		advice += " What was made so far is in the state and will be replaced; to keep it as it is, untaint the resource."
	}
	return advice
}

// report adds a spec's problems at their attributes.
func report(ctx context.Context, s schema.Schema, problems []mlops.Problem, diags *diag.Diagnostics) {
	for _, p := range problems {
		at, ok := resolve(ctx, s, p.Path)
		detail := located(p)
		switch {
		case p.Warning && ok:
			diags.AddAttributeWarning(at, p.Summary, detail)
		case p.Warning:
			diags.AddWarning(p.Summary, detail)
		case ok:
			diags.AddAttributeError(at, p.Summary, detail)
		default:
			diags.AddError(p.Summary, detail)
		}
	}
}

// located is a problem's detail with the place where it is. Terraform shows the
// resource, and the line of an attribute, but not where in the attribute.
func located(p mlops.Problem) string {
	if len(p.Path) < 2 {
		return p.Detail
	}
	return "In " + p.Path.String() + ":\n" + p.Detail
}

// resolve finds a spec's path, or the longest part of it that the schema has:
// elements of a set have no place of their own.
func resolve(ctx context.Context, s schema.Schema, p mlops.Path) (path.Path, bool) {
	for n := len(p); n > 0; n-- {
		at := frameworkPath(p[:n])
		if _, diags := s.TypeAtPath(ctx, at); !diags.HasError() {
			return at, true
		}
	}
	return path.Empty(), false
}

func frameworkPath(p mlops.Path) path.Path {
	at := path.Empty()
	for _, part := range p {
		switch v := part.(type) {
		case mlops.Key:
			at = at.AtMapKey(string(v))
		case int:
			at = at.AtListIndex(v)
		case string:
			at = at.AtName(v)
		}
	}
	return at
}
