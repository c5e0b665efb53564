package monitors

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// truth joins what turned out to be true with what was predicted. It remembers a
// label for each request since the window began, about a hundred bytes each.
type truth struct {
	check    mlops.ModelQualityCheck
	positive string
	labels   map[string][]table.Cell // by request id, one for each instance
	twice    int64                   // requests whose label came more than once: the last counts

	judged, missing             int64
	right                       int64
	truePos, falsePos, falseNeg int64
	loss                        float64
	lossRows                    int64
	squares, absolute, relative float64
	relativeRows                int64
	mean, deviation             float64 // of the labels, by Welford
}

// readTruth reads the labels of a check: of its own file or folder, or those that
// were posted to the endpoint.
func readTruth(captures string, check mlops.ModelQualityCheck, from time.Time) (*truth, error) {
	t := &truth{check: check, positive: check.Positive, labels: map[string][]table.Cell{}}
	if t.positive == "" {
		t.positive = "1"
	}
	files, err := captureFiles(captures, gateway.GroundTruthFile, from)
	if err != nil {
		return nil, err
	}
	if check.GroundTruth != "" {
		if files, err = truthFiles(check.GroundTruth); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if err := eachLine(file, t.read); err != nil {
			return nil, fmt.Errorf("read the ground truth: %w", err)
		}
	}
	return t, nil
}

// truthFiles lists a file, or the files of a folder.
func truthFiles(uri string) ([]string, error) {
	path, err := artifact.Path("", uri)
	if err != nil {
		return nil, fmt.Errorf("find the ground truth: %s", mlops.Message(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find the ground truth: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	files, err := filepath.Glob(filepath.Join(path, "*.jsonl"))
	slices.Sort(files)
	return files, err
}

// read takes one line; what is no label is passed over.
func (t *truth) read(line []byte) {
	var l struct {
		RequestID string `json:"request_id"`
		Label     any    `json:"label"`
	}
	if json.Unmarshal(line, &l) != nil || l.RequestID == "" || l.Label == nil {
		return
	}
	list, ok := l.Label.([]any)
	if !ok {
		list = []any{l.Label}
	}
	cells := make([]table.Cell, len(list))
	for i, v := range list {
		cells[i] = table.JSONCell(v)
	}
	if _, seen := t.labels[l.RequestID]; seen {
		t.twice++
	}
	t.labels[l.RequestID] = cells
}

// take joins one instance, and returns its label.
func (t *truth) take(row instance) (label table.Cell, known bool) {
	if t == nil {
		return label, false
	}
	labels := t.labels[row.request]
	if row.place >= len(labels) || labels[row.place].Type == table.Empty || row.prediction.Type == table.Empty {
		t.missing++
		return label, false
	}
	label = labels[row.place]
	t.judged++
	if t.check.Task == "regression" {
		t.regress(row.prediction.Number, label.Number)
		return label, true
	}
	t.classify(row, label)
	return label, true
}

func (t *truth) classify(row instance, label table.Cell) {
	said, was := row.prediction.Text, label.Text
	if said == was {
		t.right++
	}
	switch {
	case said == t.positive && was == t.positive:
		t.truePos++
	case said == t.positive:
		t.falsePos++
	case was == t.positive:
		t.falseNeg++
	}
	class, err := strconv.Atoi(was)
	if err != nil || class < 0 || class >= len(row.probabilities) {
		return
	}
	const least = 1e-15 // of a probability, as is customary
	t.loss -= math.Log(min(max(row.probabilities[class], least), 1))
	t.lossRows++
}

func (t *truth) regress(said, was float64) {
	d := said - was
	t.squares += d * d
	t.absolute += math.Abs(d)
	if was != 0 {
		t.relative += math.Abs(d / was)
		t.relativeRows++
	}
	from := was - t.mean
	t.mean += from / float64(t.judged)
	t.deviation += from * (was - t.mean)
}

// metrics are those that could be computed.
func (t *truth) metrics() map[string]float64 {
	out := map[string]float64{}
	n := float64(t.judged)
	set := func(name string, value, of float64) {
		if of > 0 {
			out[name] = value / of
		}
	}
	if t.check.Task == "regression" {
		set("mae", t.absolute, n)
		set("mape", 100*t.relative, float64(t.relativeRows)) //nolint:mnd // percent
		if n > 0 {
			out["rmse"] = math.Sqrt(t.squares / n)
		}
		if t.deviation > 0 {
			out["r2"] = 1 - t.squares/t.deviation
		}
		return out
	}
	set("accuracy", float64(t.right), n)
	set("precision", float64(t.truePos), float64(t.truePos+t.falsePos))
	set("recall", float64(t.truePos), float64(t.truePos+t.falseNeg))
	set("f1", 2*float64(t.truePos), float64(2*t.truePos+t.falsePos+t.falseNeg)) //nolint:mnd // by its definition
	set("log_loss", t.loss, float64(t.lossRows))
	return out
}

// modelQuality holds the metrics to their limits.
func (x *examination) modelQuality() mlops.CheckReport {
	t := x.truth
	r := mlops.CheckReport{Rows: t.judged, Features: []mlops.FeatureReport{}}
	if t.judged < x.least() {
		r.State = mlops.MonitorNoData
		r.Reason = fmt.Sprintf("the truth is known of %d of %d rows, %d are needed", t.judged, x.rows, x.least())
		return r
	}
	metrics := t.metrics()
	var names []string
	hold := func(limits map[string]float64, broken func(value, limit float64) bool, word string) {
		for _, name := range slices.Sorted(maps.Keys(limits)) {
			limit := limits[name]
			f := mlops.FeatureReport{Name: name, Statistic: name, Threshold: &limit}
			value, ok := metrics[name]
			if !ok {
				f.Reason = "cannot be computed of these predictions"
			} else if f.Value = &value; broken(value, limit) {
				f.Violated, f.Reason = true, fmt.Sprintf("%s %g", word, limit)
				names = append(names, fmt.Sprintf("%s %.4g (%s %g)", name, value, word, limit))
			}
			r.Features = append(r.Features, f)
		}
	}
	hold(t.check.Min, func(v, limit float64) bool { return v < limit }, "below")
	hold(t.check.Max, func(v, limit float64) bool { return v > limit }, "above")
	out := finish(r, len(names) > 0, "the model is not good enough: "+brief(names))
	if t.twice > 0 && out.Reason == "" {
		out.Reason = fmt.Sprintf("the truth of %d requests came more than once; the last counts", t.twice)
	}
	return out
}
