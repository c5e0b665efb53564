package mlops

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// DatasetSpec is versioned data with a digest, a schema and checks. The bytes
// come from a URI or from a run's output.
type DatasetSpec struct {
	Environment ID                `json:"environment"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
	URI         string            `json:"uri,omitempty"`
	Run         ID                `json:"run,omitempty"`
	Output      string            `json:"output,omitempty"` // "step.output", or the output alone where only one step has it
	Format      string            `json:"format,omitempty"` // one of DatasetFormats; empty goes by the file's name
	Schema      map[string]Column `json:"schema"`           // columns that there must be, by name; empty takes what there is
	Checks      *DatasetChecks    `json:"checks,omitempty"`
}

// Column says what a column of a dataset must be.
type Column struct {
	Type     string `json:"type"`     // one of ColumnTypes
	Required bool   `json:"required"` // no value may be missing
}

// ColumnTypes lists the types of a column.
func ColumnTypes() []string { return []string{"integer", "number", "string", "boolean", "timestamp"} }

// DatasetFormats lists the formats of tables.
func DatasetFormats() []string { return []string{"csv", "jsonl", "parquet"} }

// DatasetChecks are rules that the data must keep.
type DatasetChecks struct {
	MinRows           int64                  `json:"min_rows,omitempty"`
	MaxRows           int64                  `json:"max_rows,omitempty"`
	MaxMissingPercent *float64               `json:"max_missing_percent,omitempty"` // of any column
	Unique            []string               `json:"unique"`                        // columns whose values together name a row
	Columns           map[string]ColumnCheck `json:"columns"`                       // by column
	OnFailure         string                 `json:"on_failure,omitempty"`          // one of FailureActions; default "error"
}

// ColumnCheck are rules for one column's values.
type ColumnCheck struct {
	Min               *float64 `json:"min,omitempty"` // least value; of a string its length is not meant
	Max               *float64 `json:"max,omitempty"`
	Values            []string `json:"values"` // the only ones allowed, in text form
	MaxMissingPercent *float64 `json:"max_missing_percent,omitempty"`
}

// FailureActions lists what a failed check does: it fails the apply and every
// run that would read the data, or only shows in violations.
func FailureActions() []string { return []string{"error", "warn"} }

// DatasetStatus is what the platform owns of a dataset.
type DatasetStatus struct {
	Version    string                      `json:"version"` // a number, counted up when the bytes change
	Digest     string                      `json:"digest"`  // "sha256:…" of the bytes
	URI        string                      `json:"uri"`     // where the bytes are kept
	Rows       int64                       `json:"rows"`
	Size       int64                       `json:"size"` // bytes
	Schema     map[string]string           `json:"schema"`
	Statistics map[string]ColumnStatistics `json:"statistics"`
	Violations []string                    `json:"violations"` // of the checks, in words
	Lineage    *Lineage                    `json:"lineage,omitempty"`
	History    []DatasetVersion            `json:"history"` // newest first, the present one included
	CreatedAt  time.Time                   `json:"created_at"`
}

// DatasetVersion is one state of a dataset's bytes.
type DatasetVersion struct {
	Version   string    `json:"version"`
	Digest    string    `json:"digest"`
	Rows      int64     `json:"rows"`
	CreatedAt time.Time `json:"created_at"`
}

// ColumnStatistics describe one column. The figures of numbers are nil for
// other types.
type ColumnStatistics struct {
	Type     string   `json:"type"`
	Count    int64    `json:"count"`    // values that are there
	Missing  int64    `json:"missing"`  // values that are not
	Distinct int64    `json:"distinct"` // different values; estimated for many
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Mean     *float64 `json:"mean,omitempty"`
	Std      *float64 `json:"std,omitempty"`
	P25      *float64 `json:"p25,omitempty"`
	P50      *float64 `json:"p50,omitempty"`
	P75      *float64 `json:"p75,omitempty"`
}

// ID returns the dataset's ID, empty while the environment is unknown.
func (s DatasetSpec) ID() ID { return s.Environment.Child(NounDataset, s.Name) }

// FormatOf returns the format that a file's name shows, or "".
func FormatOf(uri string) string {
	switch strings.ToLower(path.Ext(strings.TrimSuffix(uri, ".gz"))) {
	case ".csv":
		return "csv"
	case ".jsonl", ".ndjson":
		return "jsonl"
	case ".parquet", ".pq":
		return "parquet"
	}
	return ""
}

// Validate checks what every backend refuses.
func (s DatasetSpec) Validate(c *Checker) {
	checkLabels(c, At("labels"), s.Labels)
	all := []Path{At("uri"), At("run"), At("output")}
	switch {
	case s.URI == "" && s.Run == "":
		c.AddIf(At("uri"), all, "Missing source", "Give uri, or run and output.")
	case s.URI != "" && s.Run != "":
		c.AddIf(At("uri"), all, "Two sources", "Give either uri, or run and output, not both.")
	case s.Run != "" && s.Output == "":
		c.AddIf(At("output"), all, "Missing output", "Say which output of the run holds the data: output = \"train\", or \"step.train\".")
	case s.Run == "" && s.Output != "":
		c.AddIf(At("output"), all, "Output without a run", "output names an output of a run; give run too, or leave it out.")
	}
	checkID(c, At("run"), s.Run, NounPipelineRun)
	checkFormat(c, At("format"), s.Format)
	if s.URI != "" && s.Format == "" && FormatOf(s.URI) == "" {
		c.AddIf(At("format"), []Path{At("uri"), At("format")}, "Format unknown", "The name %q does not show a format; say which it is, one of %s.", path.Base(s.URI), list(DatasetFormats()))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Schema)) {
		if t := s.Schema[name].Type; !slices.Contains(ColumnTypes(), t) {
			c.Add(At("schema", Key(name), "type"), "Unknown type", "%q is no column type; use one of %s.%s", t, list(ColumnTypes()), DidYouMean(t, ColumnTypes()))
		}
	}
	s.Checks.validate(c, At("checks"), s.Schema)
}

func checkFormat(c *Checker, at Path, format string) {
	if format != "" && !slices.Contains(DatasetFormats(), format) {
		c.Add(at, "Unknown format", "%q is no format of data; use one of %s.%s", format, list(DatasetFormats()), DidYouMean(format, DatasetFormats()))
	}
}

func (d *DatasetChecks) validate(c *Checker, at Path, schema map[string]Column) {
	if d == nil {
		return
	}
	if d.MinRows < 0 || d.MaxRows < 0 {
		c.Add(at.With("min_rows"), "Negative number of rows", "min_rows and max_rows are 0 or more.")
	}
	if d.MaxRows > 0 && d.MaxRows < d.MinRows {
		c.AddIf(at.With("max_rows"), []Path{at.With("min_rows"), at.With("max_rows")}, "Bounds crossed", "max_rows (%d) is below min_rows (%d): no data can pass.", d.MaxRows, d.MinRows)
	}
	checkPercent(c, at.With("max_missing_percent"), d.MaxMissingPercent)
	if d.OnFailure != "" && !slices.Contains(FailureActions(), d.OnFailure) {
		c.Add(at.With("on_failure"), "Unknown action", "%q is no action; use one of %s.%s", d.OnFailure, list(FailureActions()), DidYouMean(d.OnFailure, FailureActions()))
	}
	checkDistinct(c, at.With("unique"), d.Unique)
	for _, name := range slices.Sorted(maps.Keys(d.Columns)) {
		d.Columns[name].validate(c, at.With("columns", Key(name)))
		if _, ok := schema[name]; !ok && len(schema) > 0 {
			known := slices.Sorted(maps.Keys(schema))
			c.AddIf(at.With("columns", Key(name)), []Path{At("schema")}, "Unknown column", "The schema has no column %q.%s", name, DidYouMean(name, known))
		}
	}
}

func (k ColumnCheck) validate(c *Checker, at Path) {
	if k.Min != nil && k.Max != nil && *k.Max < *k.Min {
		c.AddIf(at.With("max"), []Path{at.With("min"), at.With("max")}, "Bounds crossed", "max (%g) is below min (%g): no value can pass.", *k.Max, *k.Min)
	}
	checkPercent(c, at.With("max_missing_percent"), k.MaxMissingPercent)
}

// Uses lists the features asked for.
func (s DatasetSpec) Uses() []Use {
	u := []Use{}
	add := func(asked bool, f Feature, at Path) {
		if asked {
			u = append(u, Use{f, at})
		}
	}
	format := s.Format
	if format == "" {
		format = FormatOf(s.URI)
	}
	add(s.URI != "", FeatureDatasetURI, At("uri"))
	add(s.Run != "", FeatureDatasetRun, At("run"))
	add(slices.Contains(DatasetFormats(), format), Feature("dataset.format."+format), At("format"))
	add(len(s.Schema) > 0, FeatureDatasetSchema, At("schema"))
	add(s.Checks != nil, FeatureDatasetChecks, At("checks"))
	return u
}
