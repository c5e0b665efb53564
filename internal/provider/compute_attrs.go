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

// computeFeatures are a noun's features of what it may ask for; one that it has no
// feature for is empty.
type computeFeatures struct{ cpu, memory, accelerator, native, disk, spot mlops.Feature }

// computeAttribute describes an ask for compute. The docs tell where each part
// is available.
func computeAttribute(g guide, doc string, of computeFeatures) schema.SingleNestedAttribute {
	with := func(f mlops.Feature, text string) string {
		if f == "" {
			return text
		}
		return g.doc(f, text)
	}
	all := attributes{
		"cpu": schema.Float64Attribute{
			MarkdownDescription: with(of.cpu, "Cores; fractions are allowed."),
			Optional:            true,
			Validators:          []validator.Float64{float64validator.AtLeast(smallestCPU)},
		},
		"memory": quantity(with(of.memory, "Memory.")),
		"accelerator": object(with(of.accelerator, "Accelerators, such as GPUs. Give `type`, or `memory`, or both."), attributes{
			"type":   optionalText("Type, such as `nvidia-l4`."),
			"memory": quantity("Least memory of each."),
			"count": schema.Int64Attribute{
				MarkdownDescription: "How many. Without it, one.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
		}),
		"native": optionalText(with(of.native, "The platform's own machine type, such as `ml.g5.xlarge`, instead of `cpu`, `memory` and `accelerator`.")),
		"disk":   quantity(with(of.disk, "Scratch space.")),
	}
	if of.spot != "" {
		all["spot"] = schema.BoolAttribute{MarkdownDescription: g.doc(of.spot, "Whether cheaper capacity may be used that may be taken away. A step from which it is taken begins again when there is more. What it writes to the directory in `MLOPS_CHECKPOINTS` is still there then, and so it is when the step is retried in the same run; another run begins with an empty one."), Optional: true}
	}
	return object(doc, all)
}

type computeModel struct {
	CPU         *float64          `tfsdk:"cpu"`
	Memory      *string           `tfsdk:"memory"`
	Accelerator *acceleratorModel `tfsdk:"accelerator"`
	Native      *string           `tfsdk:"native"`
	Disk        *string           `tfsdk:"disk"`
}

// stepComputeModel is that of a step, which may be taken away and begin again.
type stepComputeModel struct {
	CPU         *float64          `tfsdk:"cpu"`
	Memory      *string           `tfsdk:"memory"`
	Accelerator *acceleratorModel `tfsdk:"accelerator"`
	Native      *string           `tfsdk:"native"`
	Disk        *string           `tfsdk:"disk"`
	Spot        *bool             `tfsdk:"spot"`
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
	return &mlops.Compute{
		CPU: valueOf(m.CPU), Memory: quantityOf(m.Memory), Accelerator: m.Accelerator.spec(), Native: valueOf(m.Native), Disk: quantityOf(m.Disk),
	}
}

func (m *stepComputeModel) spec() *mlops.Compute {
	if m == nil {
		return nil
	}
	c := (&computeModel{m.CPU, m.Memory, m.Accelerator, m.Native, m.Disk}).spec()
	c.Spot = valueOf(m.Spot)
	return c
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
	return &computeModel{
		CPU: nullable(c.CPU), Memory: nullableQuantity(c.Memory), Accelerator: acceleratorOf(c.Accelerator), Native: nullable(c.Native), Disk: nullableQuantity(c.Disk),
	}
}

func stepComputeOf(c *mlops.Compute) *stepComputeModel {
	m := computeOf(c)
	if m == nil {
		return nil
	}
	return &stepComputeModel{m.CPU, m.Memory, m.Accelerator, m.Native, m.Disk, nullable(c.Spot)}
}

func acceleratorOf(a *mlops.Accelerator) *acceleratorModel {
	if a == nil {
		return nil
	}
	return &acceleratorModel{Type: nullable(a.Type), Memory: nullableQuantity(a.Memory), Count: nullable(a.Count)}
}
