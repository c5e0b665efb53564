package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func pipelineAttributes(g guide) attributes {
	return attributes{
		"environment": requiredText("ID of the environment. Changing it replaces the pipeline."),
		"name":        requiredText("The pipeline's name. Changing it replaces the pipeline."),
		"description": description(),
		"parameters": objectMap("Values that a run may set, by name. Steps use them as `{{params.name}}`.", attributes{
			"type": requiredText("`string`, `integer`, `number` or `boolean`."),
			"default": schema.StringAttribute{
				MarkdownDescription: "Value where a run gives none. Without it, every run must give one.",
				Optional:            true,
			},
			"description": description(),
		}),
		"steps":      objectMap("The steps, by name. Give either these or `definition`.", stepAttributes(g)),
		"definition": optionalJSON(g.doc(mlops.FeaturePipelineDefinition, "The platform's own definition of the pipeline, as JSON, instead of `steps`: on `sagemaker` a pipeline definition.")),
		"parallelism": schema.Int64Attribute{
			MarkdownDescription: g.doc(mlops.FeaturePipelineParallel, "Most steps at once. Without it, as many as the backend sees fit."),
			Optional:            true,
			Validators:          []validator.Int64{int64validator.AtLeast(1)},
		},
		"schedule": object(g.doc(mlops.FeaturePipelineSchedule, "When the pipeline runs by itself. A parameter without a default cannot be set that way."), attributes{
			"cron":     requiredText("Five fields: minute, hour, day of month, month, day of week."),
			"timezone": optionalText("IANA name of the time zone that the fields are meant in, such as `Australia/Sydney`. Without it, UTC."),
			"enabled":  enabled("Whether the schedule fires. Default: `true`."),
		}),
		"experiment": optionalText(g.doc(mlops.FeaturePipelineTracked, "ID of the experiment in which runs are tracked.")),
		"version":    computedText("Digest of steps and parameters: changes exactly if a run would do something else. Known at plan, and thus a good trigger for a run."),
	}
}

func stepAttributes(g guide) attributes {
	return attributes{
		"script": optionalText(g.doc(mlops.FeaturePipelineScript, "Python source to run. Give either this or `command`.")),
		"command": schema.ListAttribute{
			MarkdownDescription: g.doc(mlops.FeaturePipelineCommand, "Program and arguments to run. May hold templates such as `{{inputs.train}}`."),
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          append(noNullElements(), listvalidator.SizeAtLeast(1)),
		},
		"image":    optionalText(g.doc(mlops.FeaturePipelineImage, "Container image to run it in.")),
		"packages": textList(g.doc(mlops.FeaturePipelinePackages, "Python packages to install, as pip requirements.")),
		"inputs":   textMap("Files that the step reads, by name. Each is nearly always the output of another step: `{{steps.prepare.outputs.train}}`."),
		"outputs":  textSet("Names of the files that the step writes. The path for each is `{{outputs.name}}`, and in the environment as `MLOPS_OUTPUT_NAME`. An output named `metrics` is a flat JSON object of numbers that becomes the run's metrics."),
		"env":      textMap("Environment variables. May hold templates. " + notForSecrets),
		"after":    textSet("Steps to wait for whose outputs are not used."),
		"when": textList(g.doc(mlops.FeaturePipelineWhen, "Comparisons that must all hold for the step to run, such as `{{steps.evaluate.metrics.accuracy}} >= 0.9` or `{{params.deploy}} == true`. "+
			"The operators are `==`, `!=`, `<`, `<=`, `>` and `>=`; the operands are a parameter, a number that a step writes to its output named `metrics`, and a literal (text with spaces in single quotes). "+
			"A step that is not to run is skipped, with all steps that need it, and the run succeeds without their outputs; a metric that is not there fails it.")),
		"compute": computeAttribute(g, "What the step needs to run.", computeFeatures{
			cpu: mlops.FeaturePipelineCPU, memory: mlops.FeaturePipelineMemory, accelerator: mlops.FeaturePipelineGPU,
			native: mlops.FeaturePipelineNative, disk: mlops.FeaturePipelineDisk, spot: mlops.FeaturePipelineSpot,
		}),
		"retry": object(g.doc(mlops.FeaturePipelineRetry, "How often a failed step is tried. Without it, once."), attributes{
			"attempts": schema.Int64Attribute{
				MarkdownDescription: "Attempts in all, the first included.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"backoff": duration("Pause before the second attempt, doubled before each further one."),
		}),
		"timeout": duration(g.doc(mlops.FeaturePipelineTimeout, "How long one attempt may take.")),
		"cache":   enabled(g.doc(mlops.FeaturePipelineCache, "Whether the outputs of an earlier run with the same code, packages, parameters and inputs are used instead of running the step again. Default: `true`.")),
	}
}

// enabled is a switch that is on unless turned off.
func enabled(doc string) schema.BoolAttribute {
	return schema.BoolAttribute{MarkdownDescription: doc, Optional: true, Computed: true, Default: booldefault.StaticBool(true)}
}

// disabled is a switch that is off unless turned on.
func disabled(doc string) schema.BoolAttribute {
	return schema.BoolAttribute{MarkdownDescription: doc, Optional: true, Computed: true, Default: booldefault.StaticBool(false)}
}

type pipelineModel struct {
	common

	Environment *string                   `tfsdk:"environment"`
	Name        *string                   `tfsdk:"name"`
	Description *string                   `tfsdk:"description"`
	Parameters  map[string]parameterModel `tfsdk:"parameters"`
	Steps       map[string]stepModel      `tfsdk:"steps"`
	Definition  *string                   `tfsdk:"definition"`
	Parallelism *int64                    `tfsdk:"parallelism"`
	Schedule    *scheduleModel            `tfsdk:"schedule"`
	Experiment  *string                   `tfsdk:"experiment"`
	Version     *string                   `tfsdk:"version"`
}

type parameterModel struct {
	Type        *string `tfsdk:"type"`
	Default     *string `tfsdk:"default"`
	Description *string `tfsdk:"description"`
}

type stepModel struct {
	Script   *string           `tfsdk:"script"`
	Command  []string          `tfsdk:"command"`
	Image    *string           `tfsdk:"image"`
	Packages []string          `tfsdk:"packages"`
	Inputs   map[string]string `tfsdk:"inputs"`
	Outputs  []string          `tfsdk:"outputs"`
	Env      map[string]string `tfsdk:"env"`
	After    []string          `tfsdk:"after"`
	When     []string          `tfsdk:"when"`
	Compute  *stepComputeModel `tfsdk:"compute"`
	Retry    *retryModel       `tfsdk:"retry"`
	Timeout  *string           `tfsdk:"timeout"`
	Cache    *bool             `tfsdk:"cache"`
}

type retryModel struct {
	Attempts *int64  `tfsdk:"attempts"`
	Backoff  *string `tfsdk:"backoff"`
}

type scheduleModel struct {
	Cron     *string `tfsdk:"cron"`
	Timezone *string `tfsdk:"timezone"`
	Enabled  *bool   `tfsdk:"enabled"`
}

func (m pipelineModel) spec() mlops.PipelineSpec {
	return mlops.PipelineSpec{
		Environment: idOf(m.Environment),
		Name:        valueOf(m.Name),
		Description: valueOf(m.Description),
		Parameters:  each(m.Parameters, parameterModel.spec),
		Steps:       each(m.Steps, stepModel.spec),
		Definition:  valueOf(m.Definition),
		Parallelism: valueOf(m.Parallelism),
		Schedule:    m.Schedule.spec(),
		Experiment:  idOf(m.Experiment),
	}
}

func (m parameterModel) spec() mlops.Parameter {
	return mlops.Parameter{Type: valueOf(m.Type), Default: m.Default, Description: valueOf(m.Description)}
}

func (m stepModel) spec() mlops.Step {
	return mlops.Step{
		Script:   valueOf(m.Script),
		Command:  m.Command,
		Image:    valueOf(m.Image),
		Packages: m.Packages,
		Inputs:   m.Inputs,
		Outputs:  m.Outputs,
		Env:      m.Env,
		After:    m.After,
		When:     m.When,
		Compute:  m.Compute.spec(),
		Retry:    m.Retry.spec(),
		Timeout:  durationOf(m.Timeout),
		NoCache:  !valueOr(m.Cache, true),
	}
}

func (m *retryModel) spec() *mlops.Retry {
	if m == nil {
		return nil
	}
	return &mlops.Retry{Attempts: valueOf(m.Attempts), Backoff: durationOf(m.Backoff)}
}

func (m *scheduleModel) spec() *mlops.Schedule {
	if m == nil {
		return nil
	}
	return &mlops.Schedule{Cron: valueOf(m.Cron), Timezone: valueOf(m.Timezone), Disabled: !valueOr(m.Enabled, true)}
}

func pipelineOf(seen mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]) pipelineModel {
	s := seen.Spec
	return pipelineModel{
		Environment: nullableID(s.Environment),
		Name:        nullable(s.Name),
		Description: nullable(s.Description),
		Parameters:  each(s.Parameters, parameterOf),
		Steps:       each(s.Steps, stepOf),
		Definition:  nullable(s.Definition),
		Parallelism: nullable(s.Parallelism),
		Schedule:    scheduleOf(s.Schedule),
		Experiment:  nullableID(s.Experiment),
		Version:     nullable(seen.Status.Version),
	}
}

func parameterOf(p mlops.Parameter) parameterModel {
	return parameterModel{Type: nullable(p.Type), Default: p.Default, Description: nullable(p.Description)}
}

func stepOf(s mlops.Step) stepModel {
	cache := !s.NoCache
	return stepModel{
		Script:   nullable(s.Script),
		Command:  s.Command,
		Image:    nullable(s.Image),
		Packages: s.Packages,
		Inputs:   s.Inputs,
		Outputs:  s.Outputs,
		Env:      s.Env,
		After:    s.After,
		When:     s.When,
		Compute:  stepComputeOf(s.Compute),
		Retry:    retryOf(s.Retry),
		Timeout:  nullableDuration(s.Timeout),
		Cache:    &cache,
	}
}

func retryOf(r *mlops.Retry) *retryModel {
	if r == nil {
		return nil
	}
	return &retryModel{Attempts: &r.Attempts, Backoff: nullableDuration(r.Backoff)}
}

func scheduleOf(s *mlops.Schedule) *scheduleModel {
	if s == nil {
		return nil
	}
	on := !s.Disabled
	return &scheduleModel{Cron: nullable(s.Cron), Timezone: nullable(s.Timezone), Enabled: &on}
}
