package checks

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// regression is the task whose predictions are numbers; see mlops.QualityTasks.
const regression = "regression"

// quality sums up how predictions compare with the truth. The metrics are those
// of scikit-learn; precision, recall and f1 are the positive class's.
type quality struct {
	positive string
	judged   int64

	right, truePos, falsePos, falseNeg int64

	loss     float64
	lossRows int64

	squares, absolute, relative float64
	relativeRows                int64
	mean, deviation             float64 // of the labels, by Welford's method
}

// classify compares two classes. What has no prediction is wrong: the model was
// asked.
func (q *quality) classify(p predicted, label table.Cell) {
	said, was := p.prediction.Text, label.Text
	q.judged++
	if said == was {
		q.right++
	}
	switch {
	case said == q.positive && was == q.positive:
		q.truePos++
	case said == q.positive:
		q.falsePos++
	case was == q.positive:
		q.falseNeg++
	}
	class, err := strconv.Atoi(was)
	if err != nil || class < 0 || class >= len(p.probabilities) {
		return
	}
	const least = 0x1p-52 // of a probability, as in scikit-learn
	q.loss -= math.Log(min(max(p.probabilities[class], least), 1-least))
	q.lossRows++
}

// regress compares two numbers; anything else cannot be.
func (q *quality) regress(prediction, label table.Cell) {
	if !prediction.Type.Numeric() || !label.Type.Numeric() {
		return
	}
	q.judged++
	said, was := prediction.Number, label.Number
	d := said - was
	q.squares += d * d
	q.absolute += math.Abs(d)
	if was != 0 {
		q.relative += math.Abs(d / was)
		q.relativeRows++
	}
	from := was - q.mean
	q.mean += from / float64(q.judged)
	q.deviation += from * (was - q.mean)
}

// metrics are those that could be computed. The mean absolute percentage error
// passes over labels of 0.
func (q *quality) metrics(task string) map[string]float64 {
	out := map[string]float64{}
	set := func(name string, value, of float64) {
		if of > 0 {
			out[name] = value / of
		}
	}
	n := float64(q.judged)
	if task == regression {
		set("mae", q.absolute, n)
		set("mape", 100*q.relative, float64(q.relativeRows)) //nolint:mnd // percent
		if n > 0 {
			out["rmse"] = math.Sqrt(q.squares / n)
		}
		if q.deviation > 0 {
			out["r2"] = 1 - q.squares/q.deviation
		}
		return out
	}
	set("accuracy", float64(q.right), n)
	set("precision", float64(q.truePos), float64(q.truePos+q.falsePos))
	set("recall", float64(q.truePos), float64(q.truePos+q.falseNeg))
	set("f1", 2*float64(q.truePos), float64(2*q.truePos+q.falsePos+q.falseNeg)) //nolint:mnd // by its definition
	set("log_loss", q.loss, float64(q.lossRows))
	return out
}

// modelQuality holds the metrics to their limits.
func (x *Examination) modelQuality() mlops.CheckReport {
	t := x.truth
	r := mlops.CheckReport{Rows: t.judged, Features: []mlops.FeatureReport{}}
	if t.judged < x.least() {
		r.State, r.Reason = mlops.MonitorNoData, fmt.Sprintf("the truth is known of %d rows, %d are needed", t.judged, x.least())
		switch {
		case t.absent && t.check.GroundTruth == "":
			r.Reason = "no ground truth was given"
		case t.absent:
			r.Reason = "there is no ground truth at " + t.check.GroundTruth + " yet"
		}
		return r
	}
	metrics := t.metrics(t.check.Task)
	low, lowNames := held(metrics, t.check.Min, func(v, limit float64) bool { return v < limit }, "below")
	high, highNames := held(metrics, t.check.Max, func(v, limit float64) bool { return v > limit }, "above")
	r.Features = slices.Concat(low, high)
	names := slices.Concat(lowNames, highNames)
	r = Finish(r, len(names) > 0, "the model is not good enough: "+Brief(names))
	if r.State == mlops.MonitorOK && t.twice > 0 {
		r.Reason = fmt.Sprintf("%d times the truth came once more; the last counts", t.twice)
	}
	r.Features = append(r.Features, t.coverage()...)
	return r
}

// held holds metrics to one kind of limits, and names those that are broken.
func held(metrics, limits map[string]float64, broken func(value, limit float64) bool, word string) (out []mlops.FeatureReport, names []string) {
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
		out = append(out, f)
	}
	return out, names
}

// coverage is how much of the truth has not come, which violates nothing.
func (t *truth) coverage() []mlops.FeatureReport {
	if t.due == 0 {
		return nil
	}
	missing := percentOf(t.missing, t.due)
	return []mlops.FeatureReport{{Name: "(ground truth)", Statistic: "missing_percent", Value: &missing}}
}

// percentOf is a share in percent; of nothing it is 0.
func percentOf(part, whole int64) float64 {
	return 100 * float64(part) / float64(max(1, whole)) //nolint:mnd // percent
}
