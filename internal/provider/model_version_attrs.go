package provider

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultApproval is a version's approval where the configuration is silent.
const defaultApproval = "pending"

func modelVersionAttributes(g guide) attributes {
	all := attributes{
		"model":        requiredText("ID of the model. Changing it replaces the version."),
		"artifact_uri": optionalText(g.doc(mlops.FeatureVersionFile, "URI or path of the bytes. Give either this, or `run` and `output`. When the bytes change, the next apply registers a new version.")),
		"run":          optionalText(g.doc(mlops.FeatureVersionRun, "ID of the pipeline run that made the bytes.")),
		"output":       optionalText("Which output of the run: `step.output`, or the output alone where only one step has it."),
		"format":       requiredText(g.choices("model_version.format", mlops.Formats(), "What the bytes are, and with that what serves them.")),
		"image":        optionalText(g.doc(mlops.FeatureVersionImage, "Container image that serves the bytes, by the platform's own contract for model servers.")),
		"command": schema.ListAttribute{
			MarkdownDescription: g.doc(mlops.FeatureVersionCommand, "Format `custom` only: program and arguments of a server that listens on `$PORT`; `$MODEL_PATH` holds the bytes."),
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          append(noNullElements(), listvalidator.SizeAtLeast(1)),
		},
		"packages": schema.ListAttribute{
			MarkdownDescription: "Python packages that the server needs, as pip requirements. With `run`, by default those of the step that wrote the output.",
			Optional:            true,
			Computed:            true,
			ElementType:         types.StringType,
			Validators:          noNullElements(),
		},
		"signature": optionalJSON("What goes in and what comes out, as JSON; write it with `jsonencode`."),
		"metrics": schema.MapAttribute{
			MarkdownDescription: "Numbers that speak for the version. With `run`, by default those of the run.",
			Optional:            true,
			Computed:            true,
			ElementType:         types.Float64Type,
			Validators:          []validator.Map{mapvalidator.NoNullValues()},
		},
		"description": description(),
		"labels":      labels(),
		"approval": schema.StringAttribute{
			MarkdownDescription: "`pending`, `approved` or `rejected`. Default: `" + defaultApproval + "`.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString(defaultApproval),
		},
		"approved_by": optionalText("Who gave that approval."),
		"aliases":     textSet(g.doc(mlops.FeatureVersionAliases, "Names for this version, such as `champion`. An alias moves here from the version that had it.")),
		"overrides":   optionalJSON(g.doc(mlops.FeatureVersionOverrides, "What only the platform has, merged into its own request: a JSON object, by request; write it with `jsonencode`. Null removes a member. On `sagemaker` for one: `{ CreateModelPackage = { DriftCheckBaselines = { … } } }`. A change registers a new version. A promotion carries it over on the same platform, and not to another.")),
	}
	maps.Copy(all, modelVersionStatusAttributes())
	return all
}

func modelVersionStatusAttributes() attributes {
	return attributes{
		"version":    computedText("The version's number within the model."),
		"digest":     computedText("Digest of the bytes, `sha256:…`."),
		"uri":        computedText("Where the bytes are kept."),
		"size":       schema.Int64Attribute{MarkdownDescription: "Size of the bytes.", Computed: true},
		"lineage":    lineageAttribute("The evidence of the run that made the bytes."),
		"created_at": computedTime("When the version was registered."),
	}
}

type modelVersionModel struct {
	common

	Model       *string            `tfsdk:"model"`
	ArtifactURI *string            `tfsdk:"artifact_uri"`
	Run         *string            `tfsdk:"run"`
	Output      *string            `tfsdk:"output"`
	Format      *string            `tfsdk:"format"`
	Image       *string            `tfsdk:"image"`
	Command     []string           `tfsdk:"command"`
	Packages    []string           `tfsdk:"packages"`
	Signature   *string            `tfsdk:"signature"`
	Metrics     map[string]float64 `tfsdk:"metrics"`
	Description *string            `tfsdk:"description"`
	Labels      map[string]string  `tfsdk:"labels"`
	Approval    *string            `tfsdk:"approval"`
	ApprovedBy  *string            `tfsdk:"approved_by"`
	Aliases     []string           `tfsdk:"aliases"`
	Overrides   *string            `tfsdk:"overrides"`

	Version   *string       `tfsdk:"version"`
	Digest    *string       `tfsdk:"digest"`
	URI       *string       `tfsdk:"uri"`
	Size      *int64        `tfsdk:"size"`
	Lineage   *lineageModel `tfsdk:"lineage"`
	CreatedAt *string       `tfsdk:"created_at"`
}

func (m modelVersionModel) spec() mlops.ModelVersionSpec {
	return mlops.ModelVersionSpec{
		Model:       idOf(m.Model),
		ArtifactURI: valueOf(m.ArtifactURI),
		Run:         idOf(m.Run),
		Output:      valueOf(m.Output),
		Format:      valueOf(m.Format),
		Image:       valueOf(m.Image),
		Command:     m.Command,
		Packages:    m.Packages,
		Signature:   valueOf(m.Signature),
		Metrics:     m.Metrics,
		Description: valueOf(m.Description),
		Labels:      m.Labels,
		Approval:    valueOr(m.Approval, defaultApproval),
		ApprovedBy:  valueOf(m.ApprovedBy),
		Aliases:     m.Aliases,
		Overrides:   valueOf(m.Overrides),
	}
}

// modelVersionOf shows the packages and metrics that were asked for or, where
// the configuration was silent, those that the platform filled in.
func modelVersionOf(seen mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) modelVersionModel {
	s, status := seen.Spec, seen.Status
	m := modelVersionModel{
		Model:       nullableID(s.Model),
		ArtifactURI: nullable(s.ArtifactURI),
		Run:         nullableID(s.Run),
		Output:      nullable(s.Output),
		Format:      nullable(s.Format),
		Image:       nullable(s.Image),
		Command:     s.Command,
		Packages:    s.Packages,
		Signature:   nullable(s.Signature),
		Metrics:     s.Metrics,
		Description: nullable(s.Description),
		Labels:      s.Labels,
		Approval:    nullable(s.Approval),
		ApprovedBy:  nullable(s.ApprovedBy),
		Aliases:     s.Aliases,
		Overrides:   nullable(s.Overrides),
		Version:     nullable(status.Version),
		Digest:      nullable(status.Digest),
		URI:         nullable(status.URI),
		Lineage:     lineageOf(status.Lineage),
		CreatedAt:   nullableTime(status.CreatedAt),
	}
	if m.Packages == nil {
		m.Packages = status.Packages
	}
	if m.Metrics == nil {
		m.Metrics = status.Metrics
	}
	if status.Digest != "" {
		m.Size = &status.Size
	}
	return m
}
