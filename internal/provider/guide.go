package provider

import (
	"fmt"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// guide writes where a feature is available, from the backends' own answers.
type guide struct{ factories []mlops.Factory }

// doc is an attribute's description with the sentence on its feature.
func (g guide) doc(f mlops.Feature, text string) string {
	return text + " " + g.available("Available", f)
}

// choices is the description of an attribute whose values are features of their
// own: "noun.attribute.value".
func (g guide) choices(attribute mlops.Feature, values []string, text string) string {
	var b strings.Builder
	b.WriteString(text)
	for _, v := range values {
		b.WriteString(" " + g.available(fmt.Sprintf("`%s` is available", v), attribute+"."+mlops.Feature(v)))
	}
	return b.String()
}

func (g guide) available(subject string, f mlops.Feature) string {
	var on []string
	for _, factory := range g.factories {
		if factory.Capabilities.Supports(f) {
			on = append(on, "`"+factory.Name+"`")
		}
	}
	if len(on) == 0 {
		return subject + " on no backend yet."
	}
	return subject + " on " + strings.Join(on, ", ") + "."
}
