package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func promotionAttributes(g guide) attributes {
	return attributes{
		"from": requiredText("ID of the model version to promote. Another version is promoted in place, as the next version of the model."),
		"to":   requiredText("ID of the model, of another environment as a rule, that gets the version. Changing it replaces the promotion."),
		"source_settings": textMap("Settings of the backend that `from` is on, where this provider's own are not those: another engine's `directory`, for example. " +
			"They have the names that they have in the provider block; numbers and booleans are written as text, and lists with commas. What is sensitive is not for here, but for environment variables."),
		"gates":       promotionGatesAttribute(),
		"approved_by": optionalText("Who approved it. It is part of the evidence."),
		"description": description(),
		"labels":      labels(),
		"aliases":     textSet(g.doc(mlops.FeatureVersionAliases, "Names for the new version, such as `champion`. An alias moves here from the version that had it.")),
		"version":     computedText("The new version's number within its model."),
		"digest":      computedText("Digest of the bytes, `sha256:…`: the same as that of the version promoted."),
		"evidence":    evidenceAttribute(),
	}
}

func promotionGatesAttribute() schema.SingleNestedAttribute {
	return object("What must hold when the bytes move. What can be judged at plan is judged there. "+
		"Gates are not judged again for a version that is promoted already: changing them alone changes nothing but what the next promotion must pass. An import does not know them.", attributes{
		"min":             numberMap("Least values of the source's metrics."),
		"max":             numberMap("Greatest values of the source's metrics."),
		"relative":        numberMap("By how many percent metrics may be worse than those of what the target's environment serves now; a negative figure asks for so much better. Where it serves nothing of the model, they pass."),
		"lower_is_better": textSet("Metrics of `relative` that are better when they are small."),
		"approval":        schema.BoolAttribute{MarkdownDescription: "Whether `approved_by` must be given.", Optional: true},
		"served_for":      duration("How long the source must have been served in its environment, without a monitor there that was violated in that time."),
	})
}

func evidenceAttribute() schema.SingleNestedAttribute {
	return computedObject("Why the version was let through. It is kept with the version.", attributes{
		"from":        computedText("ID of the version promoted."),
		"digest":      computedText("Digest of its bytes."),
		"approved_by": computedText("Who approved the promotion."),
		"by":          computedText("Who ran it."),
		"at":          computedTime("When it ran."),
		"metrics":     schema.MapAttribute{MarkdownDescription: "Metrics of the version promoted.", Computed: true, ElementType: types.Float64Type},
		"compared":    computedText("ID of the version that the target's environment served then, where gates compared with it."),
		"run":         computedText("ID of the pipeline run that made the bytes."),
		"monitors":    computedTextMap("State of each monitor that watched the source, by its ID."),
		"gates": computedObjectMap("How each gate was judged, by its name such as `min.accuracy`.", attributes{
			"passed": schema.BoolAttribute{MarkdownDescription: "Whether it was passed.", Computed: true},
			"detail": computedText("The figures, in words."),
		}),
		"lineage": lineageAttribute("The evidence of the run that made the bytes."),
	})
}

type promotionModel struct {
	common

	From        *string              `tfsdk:"from"`
	To          *string              `tfsdk:"to"`
	Settings    map[string]string    `tfsdk:"source_settings"`
	Gates       *promotionGatesModel `tfsdk:"gates"`
	ApprovedBy  *string              `tfsdk:"approved_by"`
	Description *string              `tfsdk:"description"`
	Labels      map[string]string    `tfsdk:"labels"`
	Aliases     []string             `tfsdk:"aliases"`

	Version  *string        `tfsdk:"version"`
	Digest   *string        `tfsdk:"digest"`
	Evidence *evidenceModel `tfsdk:"evidence"`
}

type promotionGatesModel struct {
	Min       map[string]float64 `tfsdk:"min"`
	Max       map[string]float64 `tfsdk:"max"`
	Relative  map[string]float64 `tfsdk:"relative"`
	Lower     []string           `tfsdk:"lower_is_better"`
	Approval  *bool              `tfsdk:"approval"`
	ServedFor *string            `tfsdk:"served_for"`
}

type evidenceModel struct {
	From       *string              `tfsdk:"from"`
	Digest     *string              `tfsdk:"digest"`
	ApprovedBy *string              `tfsdk:"approved_by"`
	By         *string              `tfsdk:"by"`
	At         *string              `tfsdk:"at"`
	Metrics    map[string]float64   `tfsdk:"metrics"`
	Compared   *string              `tfsdk:"compared"`
	Run        *string              `tfsdk:"run"`
	Monitors   map[string]string    `tfsdk:"monitors"`
	Gates      map[string]gateModel `tfsdk:"gates"`
	Lineage    *lineageModel        `tfsdk:"lineage"`
}

type gateModel struct {
	Passed bool    `tfsdk:"passed"`
	Detail *string `tfsdk:"detail"`
}

func (m promotionModel) spec() promotionSpec {
	return promotionSpec{
		PromotionSpec: mlops.PromotionSpec{
			From:        idOf(m.From),
			To:          idOf(m.To),
			Gates:       m.Gates.spec(),
			ApprovedBy:  valueOf(m.ApprovedBy),
			Description: valueOf(m.Description),
			Labels:      m.Labels,
			Aliases:     m.Aliases,
		},
		Settings: m.Settings,
	}
}

func (m *promotionGatesModel) spec() *mlops.PromotionGates {
	if m == nil {
		return nil
	}
	return &mlops.PromotionGates{
		Min: m.Min, Max: m.Max, Relative: m.Relative, Lower: m.Lower,
		Approval: valueOf(m.Approval), ServedFor: durationOf(m.ServedFor),
	}
}

// promotionOf leaves out what no platform keeps: the gates, of which there is how
// they were judged, and where the source was.
func promotionOf(seen seenPromotion) promotionModel {
	s := seen.Spec
	return promotionModel{
		From:        nullableID(s.From),
		To:          nullableID(s.To),
		ApprovedBy:  nullable(s.ApprovedBy),
		Description: nullable(s.Description),
		Labels:      s.Labels,
		Aliases:     s.Aliases,
		Version:     nullable(seen.Status.version),
		Digest:      nullable(seen.Status.digest),
		Evidence:    evidenceOf(seen.Status.evidence),
	}
}

func evidenceOf(p *mlops.Promotion) *evidenceModel {
	if p == nil {
		return nil
	}
	m := &evidenceModel{
		From:       nullableID(p.From),
		Digest:     nullable(p.Digest),
		ApprovedBy: nullable(p.ApprovedBy),
		By:         nullable(p.By),
		At:         nullableTime(p.At),
		Metrics:    p.Metrics,
		Compared:   nullableID(p.Compared),
		Run:        nullableID(p.Run),
		Monitors:   make(map[string]string, len(p.Monitors)),
		Gates:      make(map[string]gateModel, len(p.Gates)),
		Lineage:    lineageOf(p.Lineage),
	}
	for id, state := range p.Monitors {
		m.Monitors[string(id)] = state
	}
	for _, g := range p.Gates {
		m.Gates[g.Gate] = gateModel{Passed: g.Passed, Detail: nullable(g.Detail)}
	}
	return m
}
