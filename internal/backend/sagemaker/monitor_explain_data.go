package sagemaker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// explainedRows is how many rows of a baseline are explained: each takes as many
// predictions as there are samples.
const explainedRows = 200

// shadowPrefix is how the names of the endpoints begin that Clarify makes for as long
// as a job takes: the environment's role may make these and no others.
func shadowPrefix(environment mlops.ID) string { return "mlops-x-" + shortHash(string(environment)) }

// explanation is what Clarify's jobs read: rows of features, and a background that
// stands for an absent feature.
type explanation struct {
	features       []string
	rows           [][]any
	background     []any
	samples        int64
	model, machine string
	prefix         string
}

// keepExplained writes what the jobs read to the monitor's folder. Files of the same
// content are the same files.
func (k monitorKind) keepExplained(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, uri string) (explainedKept, error) {
	served, err := k.explainedModel(ctx, s.c, spec.Endpoint)
	if err != nil {
		return explainedKept{}, err
	}
	e := explanation{
		features: spec.Baseline.Features, samples: spec.Explainability.Samples, model: served.model, machine: served.machine, prefix: shadowPrefix(s.place.Record.ID),
	}
	files := &store{k.backend, s.c.s3, s.place}
	if err := e.read(ctx, files, uri, baselineFormat(spec.Baseline, uri)); err != nil {
		return explainedKept{}, err
	}
	content := map[string][]byte{explainRows: instancesJSON(e.rows), explainBaseline: e.baselineConfig(), explainAnalysis: e.analysisConfig()}
	kept := explainedKept{Model: served.model, Files: shortHash(mlops.DigestOf(content))}
	for name, content := range content {
		if err := files.putBytes(ctx, s.place.key(s.explainFolder(kept.Files)+name), content); err != nil {
			return explainedKept{}, err
		}
	}
	return kept, nil
}

// read takes rows from the baseline's data.
func (e *explanation) read(ctx context.Context, files *store, uri, format string) (err error) {
	dir, err := os.MkdirTemp("", "mlops-monitor-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := files.download(ctx, uri, dir)
	if err != nil {
		return err
	}
	columns, rows, err := table.Sample(ctx, path, format, e.features, explainedRows)
	switch {
	case mlops.CodeOf(err) == mlops.Invalid:
		return mlops.InvalidField("baseline", "the data cannot be read: %s", mlops.Message(err))
	case err != nil:
		return err
	case len(rows) == 0:
		return mlops.InvalidField("baseline", "the data have no rows to explain the model by")
	}
	for _, row := range rows {
		values := make([]any, len(row))
		for i, cell := range row {
			values[i] = cellValue(cell, columns[i].Type)
		}
		e.rows = append(e.rows, values)
	}
	e.background = backgroundOf(columns, rows)
	return nil
}

// cellValue is a cell as a request to the model has it; one that is not there is
// null.
func cellValue(cell table.Cell, t table.Type) any {
	switch {
	case cell.Type == table.Empty || !cell.Fits(t):
		return nil
	case t == table.Boolean:
		return cell.Form(t) == "true"
	case t != table.Integer && t != table.Number:
		return cell.Text
	case math.IsInf(cell.Number, 0) || math.IsNaN(cell.Number):
		return nil
	}
	return json.Number(strconv.FormatFloat(cell.Number, 'g', -1, 64))
}

// backgroundOf is a row of what is usual: the median of numbers and the most frequent
// of other values, which are all values that some row has.
func backgroundOf(columns []table.Column, rows [][]table.Cell) []any {
	background := make([]any, len(columns))
	for i, c := range columns {
		var there []table.Cell
		for _, row := range rows {
			if cellValue(row[i], c.Type) != nil {
				there = append(there, row[i])
			}
		}
		if len(there) > 0 {
			background[i] = cellValue(usual(there, c.Type), c.Type)
		}
	}
	return background
}

func usual(cells []table.Cell, t table.Type) table.Cell {
	if t == table.Integer || t == table.Number {
		slices.SortStableFunc(cells, func(a, b table.Cell) int { return cmp.Compare(a.Number, b.Number) })
		return cells[(len(cells)-1)/2]
	}
	count, most := map[string]int{}, 0
	for _, cell := range cells {
		count[cell.Form(t)]++
	}
	for i, cell := range cells { // the first of equally frequent ones
		if count[cell.Form(t)] > count[cells[most].Form(t)] {
			most = i
		}
	}
	return cells[most]
}

// instances are rows as endpoints take them.
func instances(rows [][]any) map[string]any { return map[string]any{"instances": rows} }

func instancesJSON(rows [][]any) []byte { return []byte(jsonText(instances(rows))) }

// analysisConfig is Clarify's configuration for what is captured. Source: the
// developer guide's "Parameters to Monitor Attribution Drift".
func (e *explanation) analysisConfig() []byte { return []byte(jsonText(e.config())) }

func (e *explanation) config() map[string]any {
	shap := map[string]any{"baseline": instances([][]any{e.background}), "agg_method": "mean_abs", "seed": 1}
	if e.samples > 0 {
		shap["num_samples"] = e.samples
	}
	return map[string]any{
		"version": "1.0",
		"headers": e.features,
		"methods": map[string]any{"shap": shap},
		"predictor": map[string]any{
			"model_name": e.model, "instance_type": e.machine, "initial_instance_count": 1, "endpoint_name_prefix": e.prefix,
			"content_type": "application/json", "accept_type": "application/json", "content_template": `{"instances":$records}`, "record_template": "$features",
		},
	}
}

// baselineConfig is that for the rows of the baseline. Source: the developer guide's
// "Analysis Configuration Files".
func (e *explanation) baselineConfig() []byte {
	config := e.config()
	config["dataset_type"], config["features"] = "application/json", "instances[*]"
	predictor, _ := config["predictor"].(map[string]any)
	predictor["label"] = predictionPath
	return []byte(jsonText(config))
}
