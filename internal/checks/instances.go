package checks

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// v1 is a request or an answer of the V1 protocol.
type v1 struct {
	Instances   []any `json:"instances"`
	Predictions []any `json:"predictions"`
}

// v2 is a request or an answer of the Open Inference Protocol.
type v2 struct {
	Inputs  []tensor `json:"inputs"`
	Outputs []tensor `json:"outputs"`
}

type tensor struct {
	Name  string  `json:"name"`
	Shape []int64 `json:"shape"`
	Data  []any   `json:"data"`
}

// instancesOf takes a captured request apart, with the answer to each instance.
// A request of another form has none.
func instancesOf(c Captured, features []table.Column) []instance {
	request, response := standardJSON(c.Request), standardJSON(c.Response)
	var rows []instance
	var one, oneAnswer v1
	var two, twoAnswer v2
	switch {
	case json.Unmarshal(request, &one) == nil && one.Instances != nil:
		_ = json.Unmarshal(response, &oneAnswer) // another form has no predictions
		rows = rowsV1(one.Instances, oneAnswer.Predictions, features)
	case json.Unmarshal(request, &two) == nil && len(two.Inputs) > 0:
		_ = json.Unmarshal(response, &twoAnswer)
		rows = rowsV2(two.Inputs, twoAnswer.Outputs, features)
	}
	for i := range rows {
		rows[i].at, rows[i].request, rows[i].place = c.Time, c.RequestID, i
	}
	return rows
}

func rowsV1(instances, predictions []any, features []table.Column) []instance {
	rows := make([]instance, len(instances))
	for i, one := range instances {
		switch one := one.(type) {
		case []any:
			rows[i].byPlace(one, features)
		case map[string]any:
			rows[i].byName(one, features)
		default:
			rows[i].byPlace([]any{one}, features)
		}
		if i < len(predictions) {
			rows[i].predicted = predictionOf(predictions[i])
		}
	}
	return rows
}

// byPlace reads values in the order of the features.
func (r *instance) byPlace(values []any, features []table.Column) {
	r.positional = true
	r.features = make([]table.Cell, len(features))
	r.strange = len(values) != len(features)
	for i, v := range values[:min(len(values), len(features))] {
		r.features[i] = table.JSONCell(v)
	}
}

// byName reads values by the features' names.
func (r *instance) byName(values map[string]any, features []table.Column) {
	r.features = make([]table.Cell, len(features))
	known := 0
	for i, f := range features {
		if v, ok := values[f.Name]; ok {
			r.features[i] = table.JSONCell(v)
			known++
		}
	}
	if known == len(values) {
		return
	}
	for name := range values {
		if !isFeature(name, features) {
			r.unknown = append(r.unknown, name)
		}
	}
}

// rowsV2 reads tensors: one with a row for each instance, or one for each
// feature, by name.
func rowsV2(inputs, outputs []tensor, features []table.Column) []instance {
	n := inputs[0].rows()
	rows := make([]instance, n)
	for i := range rows {
		if len(inputs) == 1 && !isFeature(inputs[0].Name, features) {
			rows[i].byPlace(inputs[0].row(i), features)
			continue
		}
		values := map[string]any{}
		for _, in := range inputs {
			if v := in.row(i); len(v) == 1 {
				values[in.Name] = v[0]
			}
		}
		rows[i].byName(values, features)
	}
	for _, out := range outputs {
		for i := range rows {
			rows[i].answer(out.row(i))
		}
	}
	return rows
}

// answer takes what one output says of an instance: the first one is the
// prediction, and a later one may have the probabilities.
func (r *instance) answer(row []any) {
	said := predictionOf(row)
	if r.prediction.Type == table.Empty {
		r.predicted = said
	} else if r.probabilities == nil {
		r.probabilities = said.probabilities
	}
}

func isFeature(name string, features []table.Column) bool {
	return slices.ContainsFunc(features, func(c table.Column) bool { return c.Name == name })
}

// rows is how many instances a tensor has.
func (t tensor) rows() int {
	if len(t.Shape) == 0 {
		return len(t.Data)
	}
	return max(0, min(int(t.Shape[0]), len(t.Data)))
}

// row is the values of one instance, whether the data are flat or nested; none
// where the tensor has fewer rows.
func (t tensor) row(i int) []any {
	n := t.rows()
	if i >= n {
		return nil
	}
	if nested, ok := t.Data[i].([]any); ok {
		return nested
	}
	width := len(t.Data) / n
	return t.Data[i*width : (i+1)*width]
}

// predictionOf reads one answer: a value, or the probabilities of classes, of
// which the greatest counts. Several values that are no probabilities are no
// prediction that could be compared with one label.
func predictionOf(v any) predicted {
	list, isList := v.([]any)
	switch {
	case !isList:
		return predicted{prediction: table.JSONCell(v)}
	case len(list) == 0:
		return predicted{}
	case len(list) == 1:
		return predictionOf(list[0])
	}
	const near = 1e-3 // of 1, for sums of numbers of 32 bits
	p := predicted{probabilities: make([]float64, len(list))}
	best, sum := 0, 0.0
	for i, one := range list {
		n, ok := one.(float64)
		if !ok || n < 0 {
			return predicted{}
		}
		if p.probabilities[i] = n; n > p.probabilities[best] {
			best = i
		}
		sum += n
	}
	if math.Abs(sum-1) > near {
		return predicted{}
	}
	p.prediction = table.NumberCell(float64(best))
	return p
}
