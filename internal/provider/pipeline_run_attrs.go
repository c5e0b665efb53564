package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func pipelineRunAttributes() attributes {
	return attributes{
		"pipeline":    requiredText("ID of the pipeline. Changing it replaces the run."),
		"parameters":  textMap("Values of the pipeline's parameters, in text form."),
		"triggers":    textMap("Any values whose change asks for another run, such as the pipeline's `version`. Two resources with the same pipeline, parameters and triggers would be one run, which is refused."),
		"run":         computedText("The run's own name, the last part of its ID."),
		"status":      computedText("How the run stands: `queued`, `running`, `succeeded`, `failed` or `cancelled`."),
		"outputs":     computedTextMap("URI of each output, by `step.output`. A step that was skipped has none."),
		"metrics":     schema.MapAttribute{MarkdownDescription: "Numbers that steps wrote to an output named `metrics`.", Computed: true, ElementType: types.Float64Type},
		"lineage":     lineageAttribute("The evidence of the run: what went in, what was done, what came out."),
		"started_at":  computedTime("When the run started."),
		"finished_at": computedTime("When the run ended."),
	}
}

type pipelineRunModel struct {
	common

	Pipeline   *string            `tfsdk:"pipeline"`
	Parameters map[string]string  `tfsdk:"parameters"`
	Triggers   map[string]string  `tfsdk:"triggers"`
	Run        *string            `tfsdk:"run"`
	Status     *string            `tfsdk:"status"`
	Outputs    map[string]string  `tfsdk:"outputs"`
	Metrics    map[string]float64 `tfsdk:"metrics"`
	Lineage    *lineageModel      `tfsdk:"lineage"`
	StartedAt  *string            `tfsdk:"started_at"`
	FinishedAt *string            `tfsdk:"finished_at"`
}

// spec leaves After empty: it is no attribute, but what an update follows.
func (m pipelineRunModel) spec() mlops.PipelineRunSpec {
	return mlops.PipelineRunSpec{Pipeline: idOf(m.Pipeline), Parameters: m.Parameters, Triggers: m.Triggers}
}

func pipelineRunOf(seen mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]) pipelineRunModel {
	return pipelineRunModel{
		Pipeline:   nullableID(seen.Spec.Pipeline),
		Parameters: seen.Spec.Parameters,
		Triggers:   seen.Spec.Triggers,
		Run:        nullable(seen.Status.Run),
		Status:     nullable(string(seen.Status.State)),
		Outputs:    seen.Status.Outputs,
		Metrics:    seen.Status.Metrics,
		Lineage:    lineageOf(seen.Status.Lineage),
		StartedAt:  nullableTime(seen.Status.StartedAt),
		FinishedAt: nullableTime(seen.Status.FinishedAt),
	}
}
