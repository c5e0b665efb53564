package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-jsontypes/jsontypes"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// attributes are the attributes of one object, by name.
type attributes = map[string]schema.Attribute

// notEmpty refuses "": a text that is not wanted is left out. What is empty on
// the platform can therefore be null in state.
func notEmpty() []validator.String {
	return []validator.String{stringvalidator.LengthAtLeast(1)}
}

func noNullElements() []validator.List { return []validator.List{listvalidator.NoNullValues()} }

func noNullEntries() []validator.Map { return []validator.Map{mapvalidator.NoNullValues()} }

func requiredText(doc string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: doc, Required: true, Validators: notEmpty()}
}

func optionalText(doc string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: doc, Optional: true, Validators: notEmpty()}
}

func computedText(doc string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: doc, Computed: true}
}

// duration is a Go duration that is longer than nothing.
func duration(doc string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: doc + ` A duration such as "90s" or "1h30m".`,
		Optional:            true,
		CustomType:          timetypes.GoDurationType{},
		Validators:          []validator.String{positiveDuration{}},
		PlanModifiers:       keepEqual(sameDuration),
	}
}

// atLeastOne is a count that is left out where there is none.
func atLeastOne(doc string) schema.Int64Attribute {
	return schema.Int64Attribute{MarkdownDescription: doc, Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)}}
}

// optionalNumber is any number.
func optionalNumber(doc string) schema.Float64Attribute {
	return schema.Float64Attribute{MarkdownDescription: doc, Optional: true}
}

// numberMap is numbers by name.
func numberMap(doc string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: doc,
		Optional:            true,
		ElementType:         types.Float64Type,
		Validators:          noNullEntries(),
	}
}

// quantity is an amount of memory.
func quantity(doc string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: doc + ` An amount such as "512Mi" or "4Gi".`,
		Optional:            true,
		CustomType:          quantityType{},
		PlanModifiers:       keepEqual(sameQuantity),
	}
}

func optionalJSON(doc string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: doc,
		Optional:            true,
		CustomType:          jsontypes.NormalizedType{},
		PlanModifiers:       keepEqual(sameJSON),
	}
}

func requiredJSON(doc string) schema.StringAttribute {
	a := optionalJSON(doc)
	a.Optional, a.Required = false, true
	return a
}

func computedTime(doc string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: doc + " In RFC 3339 form.", Computed: true, CustomType: timetypes.RFC3339Type{}}
}

// notForSecrets is said of every attribute in which people would put a secret.
const notForSecrets = "Not for secrets: they would be in the state and in the platform's records. Have the program read those from a file or a secret manager."

func textMap(doc string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: doc,
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          noNullEntries(),
	}
}

func computedTextMap(doc string) schema.MapAttribute {
	return schema.MapAttribute{MarkdownDescription: doc, Computed: true, ElementType: types.StringType}
}

func textList(doc string) schema.ListAttribute {
	return schema.ListAttribute{MarkdownDescription: doc, Optional: true, ElementType: types.StringType, Validators: noNullElements()}
}

// textSet is for texts whose order means nothing.
func textSet(doc string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: doc,
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.Set{setvalidator.NoNullValues()},
	}
}

func object(doc string, members attributes) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{MarkdownDescription: doc, Optional: true, Attributes: members}
}

func computedObject(doc string, members attributes) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{MarkdownDescription: doc, Computed: true, Attributes: members}
}

func objectMap(doc string, members attributes) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: doc,
		Optional:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: members},
		Validators:          noNullEntries(),
	}
}

func requiredObjectMap(doc string, members attributes) schema.MapNestedAttribute {
	a := objectMap(doc, members)
	a.Optional, a.Required = false, true
	return a
}

func computedObjectMap(doc string, members attributes) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{MarkdownDescription: doc, Computed: true, NestedObject: schema.NestedAttributeObject{Attributes: members}}
}

func labels() schema.MapAttribute {
	return textMap("Labels of your own. They are passed on to the platform where it has labels or tags.")
}

func description() schema.StringAttribute {
	return optionalText("What it is for, in a sentence for people.")
}
