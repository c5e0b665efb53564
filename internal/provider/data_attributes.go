package provider

import (
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// computedAttributes are a resource's attributes as a data source has them: the
// same types and docs, all of them computed.
func computedAttributes(in attributes) map[string]dsschema.Attribute {
	out := make(map[string]dsschema.Attribute, len(in))
	for name, a := range in {
		if c := computedAttribute(a); c != nil {
			out[name] = c
		}
	}
	return out
}

// computedAttribute returns nil for a kind of attribute that no resource has.
func computedAttribute(a schema.Attribute) dsschema.Attribute {
	doc := a.GetMarkdownDescription()
	switch a := a.(type) {
	case schema.StringAttribute:
		return dsschema.StringAttribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive, CustomType: a.CustomType}
	case schema.BoolAttribute:
		return dsschema.BoolAttribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive}
	case schema.Int64Attribute:
		return dsschema.Int64Attribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive}
	case schema.Float64Attribute:
		return dsschema.Float64Attribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive}
	case schema.ListAttribute:
		return dsschema.ListAttribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive, ElementType: a.ElementType}
	case schema.SetAttribute:
		return dsschema.SetAttribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive, ElementType: a.ElementType}
	case schema.MapAttribute:
		return dsschema.MapAttribute{MarkdownDescription: doc, Computed: true, Sensitive: a.Sensitive, ElementType: a.ElementType}
	case schema.SingleNestedAttribute:
		return dsschema.SingleNestedAttribute{MarkdownDescription: doc, Computed: true, Attributes: computedAttributes(a.Attributes)}
	case schema.MapNestedAttribute:
		return dsschema.MapNestedAttribute{
			MarkdownDescription: doc, Computed: true,
			NestedObject: dsschema.NestedAttributeObject{Attributes: computedAttributes(a.NestedObject.Attributes)},
		}
	}
	return nil
}
