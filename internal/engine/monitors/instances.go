package monitors

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
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
func instancesOf(c captured, features []table.Column) []instance {
	var one v1
	if json.Unmarshal(c.Request, &one) == nil && one.Instances != nil {
		var answer v1
		_ = json.Unmarshal(c.Response, &answer) // another form has no predictions
		return rowsV1(c.RequestID, one.Instances, answer.Predictions, features)
	}
	var two v2
	if json.Unmarshal(c.Request, &two) != nil || len(two.Inputs) == 0 {
		return nil
	}
	var answer v2
	_ = json.Unmarshal(c.Response, &answer)
	return rowsV2(c.RequestID, two.Inputs, answer.Outputs, features)
}

func rowsV1(request string, instances, predictions []any, features []table.Column) []instance {
	rows := make([]instance, len(instances))
	for i, one := range instances {
		rows[i] = instance{request: request, place: i}
		switch one := one.(type) {
		case []any:
			rows[i].positional(one, features)
		case map[string]any:
			rows[i].named(one, features)
		default:
			rows[i].positional([]any{one}, features)
		}
		if i < len(predictions) {
			rows[i].predicted = predictionOf(predictions[i])
		}
	}
	return rows
}

// positional reads values in the order of the features.
func (r *instance) positional(values []any, features []table.Column) {
	r.features = make([]table.Cell, len(features))
	r.strange = len(values) != len(features)
	for i, v := range values[:min(len(values), len(features))] {
		r.features[i] = table.JSONCell(v)
	}
}

// named reads values by the features' names. Others are strange.
func (r *instance) named(values map[string]any, features []table.Column) {
	r.features = make([]table.Cell, len(features))
	known := 0
	for i, f := range features {
		if v, ok := values[f.Name]; ok {
			r.features[i] = table.JSONCell(v)
			known++
		}
	}
	r.strange = known < len(values)
}

// rowsV2 reads tensors: one with a row for each instance, or one for each
// feature, by name.
func rowsV2(request string, inputs, outputs []tensor, features []table.Column) []instance {
	n := inputs[0].rows()
	rows := make([]instance, n)
	for i := range rows {
		rows[i] = instance{request: request, place: i}
		if len(inputs) == 1 && !isFeature(inputs[0].Name, features) {
			rows[i].positional(inputs[0].row(i), features)
			continue
		}
		values := map[string]any{}
		for _, in := range inputs {
			if v := in.row(i); len(v) == 1 {
				values[in.Name] = v[0]
			}
		}
		rows[i].named(values, features)
	}
	if len(outputs) > 0 && outputs[0].rows() == n {
		for i := range rows {
			rows[i].predicted = predictionOf(outputs[0].row(i))
		}
	}
	return rows
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

// row is the values of one instance, whether the data are flat or nested.
func (t tensor) row(i int) []any {
	n := t.rows()
	if n == 0 {
		return nil
	}
	if nested, ok := t.Data[i].([]any); ok {
		return nested
	}
	width := len(t.Data) / n
	return t.Data[i*width : (i+1)*width]
}

// predictionOf reads one answer: a value, or the probabilities of classes, of
// which the greatest counts.
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
	p := predicted{probabilities: make([]float64, len(list))}
	best := 0
	for i, one := range list {
		n, ok := one.(float64)
		if !ok {
			return predicted{}
		}
		if p.probabilities[i] = n; n > p.probabilities[best] {
			best = i
		}
	}
	p.prediction = table.Parse(strconv.Itoa(best))
	return p
}
