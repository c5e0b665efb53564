package provider

import (
	"cmp"
	"context"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// typeName is the provider's name, and the prefix of all its types.
const typeName = "mlops"

// specification is a spec that can check itself.
type specification interface {
	mlops.Validator
	mlops.FeatureUser
}

// common is what every resource has. Models embed it.
type common struct {
	ID       *string           `tfsdk:"id"`
	Native   map[string]string `tfsdk:"native"`
	Timeouts timeouts.Value    `tfsdk:"timeouts"`
}

func (c *common) shared() *common { return c }

// sharing is a model that embeds common.
type sharing interface{ shared() *common }

// definition is all that one resource has of its own; everything else is the
// same for all. M is the model of its attributes.
type definition[M any, S specification, T any] struct {
	noun       mlops.Noun
	doc        string
	attributes attributes // without those of common
	patience   patience

	kind         func(mlops.Backend) mlops.Kind[S, T]
	across       func(*platforms, mlops.Backend) mlops.Kind[S, T] // instead of kind: it needs other backends too
	toSpec       func(M) S
	fromObserved func(mlops.Observed[S, T]) M

	// parent is the attribute with the ID of what the object belongs to, and
	// parentNoun what that must be. An environment has none.
	parent     string
	parentNoun mlops.Noun
	parentOf   func(S) mlops.ID
	// id is the object's ID, or "" while it cannot be known. Nil where the
	// platform numbers its objects.
	id func(S) mlops.ID
	// name is the name that the user gave. Nil as id is.
	name func(S) string
	// identity lists the attributes that are part of the ID.
	identity []string
	// successive is true where a change makes a successor and the ID changes.
	successive bool

	// The rest is optional.

	stands    mlops.Noun                                      // noun of the platform's object, where the resource is another word for it
	own       []string                                        // names of the backends' own objects
	exclusive []string                                        // attributes of which exactly one must be given
	derived   []string                                        // optional attributes that the platform fills in
	locate    func(*platforms, *S) error                      // completes a spec with what the provider's settings say
	check     func(*mlops.Checker, S)                         // rules beyond the domain's
	foretell  func(*mlops.Checker, S) map[string]string       // computed values that are known at plan
	alters    func(prior, planned S, sameBytes bool) []string // computed attributes that a change may alter
	settled   func(prior, planned S) bool                     // a change that the platform need not check at plan
	kept      []string                                        // attributes that no platform keeps: the state alone has them
	outside   func(S) bool                                    // the spec names bytes that may change by themselves; see digestAttribute
	follow    func(*S, mlops.ID)                              // notes the object that a successor follows
	protected func(M) bool                                    // the object must not be deleted

	// estimate tells computed values as foretell does, but only those that the plan
	// leaves open: what stays as it is keeps what it was told to be.
	estimate func(*mlops.Checker, S) map[string]tftypes.Value
	// consider has the rules about other objects, as they will be after the plan.
	consider func(context.Context, *platforms, *mlops.Checker, proposal[M, S])
	// note tells what others are judged by and this plan changes.
	note func(*prospects, *mlops.Checker, proposal[M, S])
	// secrets is given where there are write-only attributes, whose change no
	// state shows. It takes their marks over from a state or a plan, and reports
	// whether one of them is of a secret that the spec does not have.
	secrets func(*S, map[string]tftypes.Value) bool
	// guarded are the attributes that all of these are in: without them there are none.
	guarded []string
}

// patience is how long each operation may take where timeouts does not say.
type patience struct{ create, update, remove time.Duration }

// schema completes the attributes with those that every resource has.
func (d *definition[M, S, T]) schema(ctx context.Context) schema.Schema {
	all := maps.Clone(d.attributes)
	all["id"] = computedText("The ID, which is also what to import by, such as `" + exampleID(d.noun) + "`.")
	all["native"] = computedTextMap("The platform's own ids and links, to join resources of other providers. What is in it depends on the backend.")
	all["timeouts"] = d.patience.attribute(ctx)
	return schema.Schema{MarkdownDescription: d.doc, Attributes: all}
}

// attribute is the timeouts attribute, with these defaults in its docs.
func (p patience) attribute(ctx context.Context) schema.Attribute {
	a := timeouts.Attributes(ctx, timeouts.Opts{
		Create: true, Update: true, Delete: true,
		CreateDescription: timeoutDoc("creation", p.create),
		UpdateDescription: timeoutDoc("a change", p.update),
		DeleteDescription: timeoutDoc("deletion", p.remove),
	})
	if object, ok := a.(schema.SingleNestedAttribute); ok {
		object.MarkdownDescription = "How long operations may take, waiting included."
		return object
	}
	return a
}

func timeoutDoc(what string, def time.Duration) string {
	return "How long " + what + " may take, such as \"90s\" or \"1h\". Default: " + valueOf(nullableDuration(mlops.Duration(def))) + "."
}

// exampleID is an ID for the docs.
func exampleID(n mlops.Noun) string {
	dev := mlops.EnvironmentID("local", nil, "churn-dev")
	examples := map[mlops.Noun]mlops.ID{
		mlops.NounEnvironment:   dev,
		mlops.NounPipeline:      dev.Child(mlops.NounPipeline, "churn-train"),
		mlops.NounPipelineRun:   dev.Child(mlops.NounPipeline, "churn-train").Child(mlops.NounPipelineRun, "1"),
		mlops.NounModel:         dev.Child(mlops.NounModel, "churn"),
		promoted:                mlops.EnvironmentID("local", nil, "churn-prod").Child(mlops.NounModel, "churn").Child(mlops.NounModelVersion, "1"),
		mlops.NounModelVersion:  dev.Child(mlops.NounModel, "churn").Child(mlops.NounModelVersion, "1"),
		mlops.NounModelEndpoint: dev.Child(mlops.NounModelEndpoint, "churn"),
		mlops.NounExperiment:    dev.Child(mlops.NounExperiment, "churn"),
		mlops.NounDataset:       dev.Child(mlops.NounDataset, "customers"),
		mlops.NounMonitor:       dev.Child(mlops.NounMonitor, "churn-drift"),
	}
	return string(examples[n])
}

// noTimeouts is the timeouts attribute where nothing is said.
func noTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{
		"create": types.StringType, "update": types.StringType, "delete": types.StringType,
	})}
}

// model is the model of an object as it was seen.
func (d *definition[M, S, T]) model(seen mlops.Observed[S, T], t timeouts.Value) M {
	m := d.fromObserved(seen)
	if s, ok := any(&m).(sharing); ok {
		c := s.shared()
		c.ID, c.Native, c.Timeouts = nullableID(seen.Ref), seen.Native, t
	}
	return m
}

// target is the noun on one backend.
func (d *definition[M, S, T]) target(ctx context.Context, p *platforms, backend string) (lifecycle.Target[S, T], error) {
	kind := d.kind
	if d.across != nil {
		kind = func(b mlops.Backend) mlops.Kind[S, T] { return d.across(p, b) }
	}
	return targetOf(ctx, p, backend, d.noun, kind)
}

// object is the noun of the platform's object.
func (d *definition[M, S, T]) object() mlops.Noun { return cmp.Or(d.stands, d.noun) }

// targetOf is a noun on one backend.
func targetOf[S, T any](ctx context.Context, p *platforms, backend string, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T]) (lifecycle.Target[S, T], error) {
	b, err := p.open(ctx, backend)
	if err != nil {
		return lifecycle.Target[S, T]{}, err
	}
	f, err := p.factory(backend)
	return lifecycle.Target[S, T]{Kind: kind(b), Code: b.Code, Backend: backend, Noun: noun, Reads: p.reads, Capabilities: f.Capabilities}, err
}

func commonOf[M any](m *M) *common {
	if s, ok := any(m).(sharing); ok {
		return s.shared()
	}
	return &common{Timeouts: noTimeouts()}
}
