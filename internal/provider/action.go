package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// deed is all that one action has of its own. M is the model of its attributes.
type deed[M any] struct {
	name       string // without the provider's prefix
	doc        string
	attributes attributes
	limit      func(M) time.Duration // how long it may take
	check      func(*mlops.Checker, M)
	// do carries the action out. It tells people how it goes by say, and returns
	// when it is done.
	do func(ctx context.Context, p *platforms, m M, say func(string)) error
}

// acting is the generic action: one deed, and the platforms once the provider is
// configured.
type acting[M any] struct {
	*deed[M]

	full      schema.Schema // the attributes in a resource's form, which codec and diagnostics know
	codec     codec[M]
	platforms *platforms
}

var _ action.ActionWithValidateConfig = (*acting[runPipelineModel])(nil)

func newAction[M any](d *deed[M]) func() action.Action {
	full := schema.Schema{MarkdownDescription: d.doc, Attributes: d.attributes}
	c := newCodec[M](full, nil)
	return func() action.Action { return &acting[M]{deed: d, full: full, codec: c} }
}

// Metadata implements action.Action.
func (a *acting[M]) Metadata(_ context.Context, _ action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = typeName + "_" + a.name
}

// Schema implements action.Action.
func (a *acting[M]) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = actionschema.Schema{MarkdownDescription: a.doc, Attributes: actionAttributes(a.attributes)}
}

// Configure implements action.ActionWithConfigure.
func (a *acting[M]) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	a.platforms, _ = req.ProviderData.(*platforms)
}

// ValidateConfig implements action.ActionWithValidateConfig.
func (a *acting[M]) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	m, unknown, diags := a.codec.decode(ctx, req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	if diags.HasError() {
		return
	}
	c := mlops.NewChecker(unknown...)
	a.check(c, m)
	report(ctx, a.full, c.Problems(), &resp.Diagnostics)
}

// Invoke implements action.Action. What was unknown when the configuration was
// validated is checked now.
func (a *acting[M]) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	m, _, diags := a.codec.decode(ctx, req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	if diags.HasError() {
		return
	}
	c := mlops.NewChecker()
	a.check(c, m)
	report(ctx, a.full, c.Problems(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, a.limit(m))
	defer cancel()
	say := func(text string) { resp.SendProgress(action.InvokeProgressEvent{Message: text}) }
	if err := a.do(ctx, a.platforms, m, say); err != nil {
		resp.Diagnostics.Append(explain(ctx, a.full, err))
	}
}

// timeLimit is the attribute of an action that says how long it may take.
func timeLimit(def time.Duration) schema.StringAttribute {
	return duration("How long the action may take. Default: " + valueOf(nullableDuration(mlops.Duration(def))) + ".")
}

// actionAttributes are attributes as an action has them. Actions have no
// defaults and no plan modifiers.
func actionAttributes(in attributes) map[string]actionschema.Attribute {
	out := make(map[string]actionschema.Attribute, len(in))
	for name, a := range in {
		doc := a.GetMarkdownDescription()
		switch a := a.(type) {
		case schema.StringAttribute:
			out[name] = actionschema.StringAttribute{MarkdownDescription: doc, Required: a.Required, Optional: a.Optional, CustomType: a.CustomType, Validators: a.Validators}
		case schema.BoolAttribute:
			out[name] = actionschema.BoolAttribute{MarkdownDescription: doc, Required: a.Required, Optional: a.Optional, Validators: a.Validators}
		case schema.Int64Attribute:
			out[name] = actionschema.Int64Attribute{MarkdownDescription: doc, Required: a.Required, Optional: a.Optional, Validators: a.Validators}
		case schema.MapAttribute:
			out[name] = actionschema.MapAttribute{MarkdownDescription: doc, Required: a.Required, Optional: a.Optional, ElementType: a.ElementType, Validators: a.Validators}
		}
	}
	return out
}

// checkReference reports an ID that does not name the noun.
func checkReference(c *mlops.Checker, attribute string, id *string, noun mlops.Noun) {
	if !c.Known(mlops.At(attribute)) {
		return
	}
	if _, err := idOf(id).ParseAs(noun); err != nil {
		c.Add(mlops.At(attribute), "Not the ID of "+noun.One(), "%s.", err)
	}
}

// during names what an action was doing when an error came, instead of the step
// of it that failed.
func during(op string, err error) error {
	e, ok := err.(*mlops.Error) //nolint:errorlint // an error around another has words of its own
	if !ok {
		return err
	}
	named := *e
	named.Op = op
	return &named
}
