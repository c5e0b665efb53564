package provider

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultOnFailure is what a failed check does where the configuration is silent.
const defaultOnFailure = "error"

func datasetAttributes(g guide) attributes {
	all := attributes{
		"environment": requiredText("ID of the environment. Changing it replaces the dataset."),
		"name":        requiredText("The dataset's name. Steps of pipelines read it as `{{datasets.name}}`. Changing it replaces the dataset."),
		"description": description(),
		"labels":      labels(),
		"uri":         optionalText(g.doc(mlops.FeatureDatasetURI, "URI or path of the data. Give either this, or `run` and `output`. When the bytes change, the next apply makes another version.")),
		"run":         optionalText(g.doc(mlops.FeatureDatasetRun, "ID of the pipeline run that made the data.")),
		"output":      optionalText("Which output of the run: `step.output`, or the output alone where only one step has it."),
		"format":      optionalText(g.choices("dataset.format", mlops.DatasetFormats(), "What the bytes are. Default: what the name of the file shows.")),
		"schema": objectMap(g.doc(mlops.FeatureDatasetSchema, "Columns that there must be, by name; there may be more. Data that lack one, or have values of another type, are refused."), attributes{
			"type":     requiredText("`integer`, `number`, `string`, `boolean` or `timestamp`."),
			"required": disabled("Whether no value may be missing. Default: `false`."),
		}),
		"checks": datasetChecksAttribute(g),
	}
	maps.Copy(all, datasetStatusAttributes())
	return all
}

func datasetChecksAttribute(g guide) schema.SingleNestedAttribute {
	return object(g.doc(mlops.FeatureDatasetChecks, "Rules that the data must keep. They are checked at plan where the data can be read, and at apply."), attributes{
		"min_rows":            atLeastOne("Fewest rows."),
		"max_rows":            atLeastOne("Most rows."),
		"max_missing_percent": optionalNumber("Most values of any column that may be missing, in percent of the rows."),
		"unique":              textList("Columns whose values together may not come twice."),
		"columns": objectMap("Rules for the values of columns, by name.", attributes{
			"min":                 optionalNumber("Least value."),
			"max":                 optionalNumber("Greatest value."),
			"values":              textSet("The only values that there may be, in text form."),
			"max_missing_percent": optionalNumber("Most values that may be missing, in percent of the rows."),
		}),
		"on_failure": schema.StringAttribute{
			MarkdownDescription: "`error` fails the apply, keeps the former version, and with it every run that would read the data; `warn` only lists the violations. Default: `" + defaultOnFailure + "`.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString(defaultOnFailure),
		},
	})
}

func datasetStatusAttributes() attributes {
	count := func(doc string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: doc, Computed: true}
	}
	figure := func(doc string) schema.Float64Attribute {
		return schema.Float64Attribute{MarkdownDescription: doc, Computed: true}
	}
	return attributes{
		"version": computedText("Number of the version, which counts up when the bytes change."),
		"digest":  computedText("Digest of the bytes, `sha256:…`."),
		"kept_at": computedText("Where this version's bytes are kept."),
		"rows":    count("How many rows there are."),
		"size":    count("Size of the bytes."),
		"columns": computedTextMap("Type of each column, as found."),
		"statistics": computedObjectMap("What the columns hold, by name.", attributes{
			"type":     computedText("Type of the column."),
			"count":    count("Values that are there."),
			"missing":  count("Values that are missing."),
			"distinct": count("Different values; estimated where there are many."),
			"min":      figure("Least value."),
			"max":      figure("Greatest value."),
			"mean":     figure("Mean."),
			"std":      figure("Standard deviation."),
			"p25":      figure("First quartile."),
			"p50":      figure("Median."),
			"p75":      figure("Third quartile."),
		}),
		"violations": schema.ListAttribute{MarkdownDescription: "What the checks found, in words. Only with `on_failure = \"warn\"`.", Computed: true, ElementType: types.StringType},
		"created_at": computedTime("When the dataset was made."),
	}
}

type datasetModel struct {
	common

	Environment *string                `tfsdk:"environment"`
	Name        *string                `tfsdk:"name"`
	Description *string                `tfsdk:"description"`
	Labels      map[string]string      `tfsdk:"labels"`
	URI         *string                `tfsdk:"uri"`
	Run         *string                `tfsdk:"run"`
	Output      *string                `tfsdk:"output"`
	Format      *string                `tfsdk:"format"`
	Schema      map[string]columnModel `tfsdk:"schema"`
	Checks      *datasetChecksModel    `tfsdk:"checks"`

	Version    *string                          `tfsdk:"version"`
	Digest     *string                          `tfsdk:"digest"`
	KeptAt     *string                          `tfsdk:"kept_at"`
	Rows       *int64                           `tfsdk:"rows"`
	Size       *int64                           `tfsdk:"size"`
	Columns    map[string]string                `tfsdk:"columns"`
	Statistics map[string]columnStatisticsModel `tfsdk:"statistics"`
	Violations []string                         `tfsdk:"violations"`
	CreatedAt  *string                          `tfsdk:"created_at"`
}

type columnModel struct {
	Type     *string `tfsdk:"type"`
	Required *bool   `tfsdk:"required"`
}

type datasetChecksModel struct {
	MinRows           *int64                      `tfsdk:"min_rows"`
	MaxRows           *int64                      `tfsdk:"max_rows"`
	MaxMissingPercent *float64                    `tfsdk:"max_missing_percent"`
	Unique            []string                    `tfsdk:"unique"`
	Columns           map[string]columnCheckModel `tfsdk:"columns"`
	OnFailure         *string                     `tfsdk:"on_failure"`
}

type columnCheckModel struct {
	Min               *float64 `tfsdk:"min"`
	Max               *float64 `tfsdk:"max"`
	Values            []string `tfsdk:"values"`
	MaxMissingPercent *float64 `tfsdk:"max_missing_percent"`
}

type columnStatisticsModel struct {
	Type     *string  `tfsdk:"type"`
	Count    int64    `tfsdk:"count"`
	Missing  int64    `tfsdk:"missing"`
	Distinct int64    `tfsdk:"distinct"`
	Min      *float64 `tfsdk:"min"`
	Max      *float64 `tfsdk:"max"`
	Mean     *float64 `tfsdk:"mean"`
	Std      *float64 `tfsdk:"std"`
	P25      *float64 `tfsdk:"p25"`
	P50      *float64 `tfsdk:"p50"`
	P75      *float64 `tfsdk:"p75"`
}

func (m datasetModel) spec() mlops.DatasetSpec {
	return mlops.DatasetSpec{
		Environment: idOf(m.Environment), Name: valueOf(m.Name), Description: valueOf(m.Description), Labels: m.Labels,
		URI: valueOf(m.URI), Run: idOf(m.Run), Output: valueOf(m.Output), Format: valueOf(m.Format),
		Schema: each(m.Schema, columnModel.spec), Checks: m.Checks.spec(),
	}
}

func (m columnModel) spec() mlops.Column {
	return mlops.Column{Type: valueOf(m.Type), Required: valueOf(m.Required)}
}

func (m *datasetChecksModel) spec() *mlops.DatasetChecks {
	if m == nil {
		return nil
	}
	return &mlops.DatasetChecks{
		MinRows: valueOf(m.MinRows), MaxRows: valueOf(m.MaxRows), MaxMissingPercent: m.MaxMissingPercent, Unique: m.Unique,
		Columns: each(m.Columns, columnCheckModel.spec), OnFailure: valueOr(m.OnFailure, defaultOnFailure),
	}
}

func (m columnCheckModel) spec() mlops.ColumnCheck {
	return mlops.ColumnCheck{Min: m.Min, Max: m.Max, Values: m.Values, MaxMissingPercent: m.MaxMissingPercent}
}

func datasetOf(seen mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]) datasetModel {
	s, status := seen.Spec, seen.Status
	m := datasetModel{
		Environment: nullableID(s.Environment), Name: nullable(s.Name), Description: nullable(s.Description), Labels: s.Labels,
		URI: nullable(s.URI), Run: nullableID(s.Run), Output: nullable(s.Output), Format: nullable(s.Format),
		Schema: each(s.Schema, columnOf), Checks: datasetChecksOf(s.Checks),
		Version: nullable(status.Version), Digest: nullable(status.Digest), KeptAt: nullable(status.URI),
		Columns: status.Schema, Statistics: each(status.Statistics, columnStatisticsOf), Violations: status.Violations,
		CreatedAt: nullableTime(status.CreatedAt),
	}
	if status.Digest != "" {
		m.Rows, m.Size = &status.Rows, &status.Size
	}
	return m
}

func columnOf(c mlops.Column) columnModel {
	return columnModel{Type: nullable(c.Type), Required: &c.Required}
}

func datasetChecksOf(d *mlops.DatasetChecks) *datasetChecksModel {
	if d == nil {
		return nil
	}
	return &datasetChecksModel{
		MinRows: nullable(d.MinRows), MaxRows: nullable(d.MaxRows), MaxMissingPercent: d.MaxMissingPercent, Unique: d.Unique,
		Columns: each(d.Columns, columnCheckOf), OnFailure: nullable(d.OnFailure),
	}
}

func columnCheckOf(c mlops.ColumnCheck) columnCheckModel {
	return columnCheckModel{Min: c.Min, Max: c.Max, Values: c.Values, MaxMissingPercent: c.MaxMissingPercent}
}

func columnStatisticsOf(c mlops.ColumnStatistics) columnStatisticsModel {
	return columnStatisticsModel{
		Type: nullable(c.Type), Count: c.Count, Missing: c.Missing, Distinct: c.Distinct,
		Min: c.Min, Max: c.Max, Mean: c.Mean, Std: c.Std, P25: c.P25, P50: c.P50, P75: c.P75,
	}
}
