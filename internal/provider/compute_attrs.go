package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// smallestCPU keeps cpu away from zero, which would mean "not asked for".
const smallestCPU = 0.001

// computeAttribute describes an ask for compute. The docs tell where each part
// is available; a noun that does not have a feature for a part passes none.
func computeAttribute(g guide, doc string, cpu, memory, accelerator mlops.Feature) schema.SingleNestedAttribute {
	with := func(f mlops.Feature, text string) string {
		if f == "" {
			return text
		}
		return g.doc(f, text)
	}
	return object(doc, attributes{
		"cpu": schema.Float64Attribute{
			MarkdownDescription: with(cpu, "Cores; fractions are allowed."),
			Optional:            true,
			Validators:          []validator.Float64{float64validator.AtLeast(smallestCPU)},
		},
		"memory": quantity(with(memory, "Memory.")),
		"accelerator": object(with(accelerator, "Accelerators, such as GPUs. Give `type`, or `memory`, or both."), attributes{
			"type":   optionalText("Type, such as `nvidia-l4`."),
			"memory": quantity("Least memory of each."),
			"count": schema.Int64Attribute{
				MarkdownDescription: "How many. Without it, one.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
		}),
	})
}

type computeModel struct {
	CPU         *float64          `tfsdk:"cpu"`
	Memory      *string           `tfsdk:"memory"`
	Accelerator *acceleratorModel `tfsdk:"accelerator"`
}

type acceleratorModel struct {
	Type   *string `tfsdk:"type"`
	Memory *string `tfsdk:"memory"`
	Count  *int64  `tfsdk:"count"`
}

func (m *computeModel) spec() *mlops.Compute {
	if m == nil {
		return nil
	}
	return &mlops.Compute{CPU: valueOf(m.CPU), Memory: quantityOf(m.Memory), Accelerator: m.Accelerator.spec()}
}

func (m *acceleratorModel) spec() *mlops.Accelerator {
	if m == nil {
		return nil
	}
	return &mlops.Accelerator{Type: valueOf(m.Type), Memory: quantityOf(m.Memory), Count: valueOf(m.Count)}
}

func computeOf(c *mlops.Compute) *computeModel {
	if c == nil {
		return nil
	}
	return &computeModel{CPU: nullable(c.CPU), Memory: nullableQuantity(c.Memory), Accelerator: acceleratorOf(c.Accelerator)}
}

func acceleratorOf(a *mlops.Accelerator) *acceleratorModel {
	if a == nil {
		return nil
	}
	return &acceleratorModel{Type: nullable(a.Type), Memory: nullableQuantity(a.Memory), Count: nullable(a.Count)}
}
