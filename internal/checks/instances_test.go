package checks

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// shown is an instance in a form that can be read.
type shown struct {
	Values     []string // of the features; "" is not there
	Prediction string
	Strange    bool
	Unknown    []string
	Chances    []float64
}

func show(rows []instance) []shown {
	var out []shown
	for _, r := range rows {
		s := shown{Prediction: r.prediction.Text, Strange: r.strange, Unknown: r.unknown, Chances: r.probabilities}
		for _, c := range r.features {
			s.Values = append(s.Values, c.Text)
		}
		out = append(out, s)
	}
	return out
}

func TestInstances(t *testing.T) {
	t.Parallel()
	features := []table.Column{{Name: "age", Type: table.Number}, {Name: "colour", Type: table.String}}
	tests := []struct {
		name, request, response string
		want                    []shown
	}{
		{
			"by place", `{"instances":[[1.5,"red"],[2,null]]}`, `{"predictions":[0,"yes"]}`,
			[]shown{{Values: []string{"1.5", "red"}, Prediction: "0"}, {Values: []string{"2", ""}, Prediction: "yes"}},
		},
		{
			"by name", `{"instances":[{"colour":"red","age":1},{"age":2}]}`, `{"predictions":[[0.25,0.75],[1]]}`,
			[]shown{
				{Values: []string{"1", "red"}, Prediction: "1", Chances: []float64{0.25, 0.75}},
				{Values: []string{"2", ""}, Prediction: "1"},
			},
		},
		{
			"a name too many", `{"instances":[{"colour":"red","age":1,"shoe":44}]}`, `{}`,
			[]shown{{Values: []string{"1", "red"}, Unknown: []string{"shoe"}}},
		},
		{
			"too wide, too narrow, and scalar", `{"instances":[[1,"red",3],[1],7]}`, `{"predictions":[1]}`,
			[]shown{
				{Values: []string{"1", "red"}, Strange: true, Prediction: "1"},
				{Values: []string{"1", ""}, Strange: true},
				{Values: []string{"7", ""}, Strange: true},
			},
		},
		{
			"one tensor, flat", `{"inputs":[{"name":"in","shape":[2,2],"datatype":"FP64","data":[1,2,3,4]}]}`, `{"outputs":[{"name":"out","shape":[2],"data":[8,9]}]}`,
			[]shown{{Values: []string{"1", "2"}, Prediction: "8"}, {Values: []string{"3", "4"}, Prediction: "9"}},
		},
		{
			"one tensor, nested", `{"inputs":[{"name":"in","shape":[2,2],"data":[[1,2],[3,4]]}]}`, `{"outputs":[{"name":"label","shape":[2],"data":[0,1]},{"name":"p","shape":[2,2],"data":[[0.9,0.1],[0.2,0.8]]}]}`,
			[]shown{
				{Values: []string{"1", "2"}, Prediction: "0", Chances: []float64{0.9, 0.1}},
				{Values: []string{"3", "4"}, Prediction: "1", Chances: []float64{0.2, 0.8}},
			},
		},
		{
			"a tensor for each feature", `{"inputs":[{"name":"colour","shape":[2,1],"data":["red","blue"]},{"name":"age","shape":[2],"data":[1,2]},{"name":"shoe","shape":[2],"data":[44,45]}]}`, `{"outputs":[{"name":"out","shape":[2,2],"data":[0.1,0.9,0.6,0.4]}]}`,
			[]shown{
				{Values: []string{"1", "red"}, Prediction: "1", Unknown: []string{"shoe"}, Chances: []float64{0.1, 0.9}},
				{Values: []string{"2", "blue"}, Prediction: "0", Unknown: []string{"shoe"}, Chances: []float64{0.6, 0.4}},
			},
		},
		{
			"a tensor that is too short", `{"inputs":[{"name":"colour","shape":[2],"data":["red","blue"]},{"name":"age","shape":[1],"data":[1]}]}`, `{"outputs":[{"name":"out","shape":[1],"data":[1]}]}`,
			[]shown{{Values: []string{"1", "red"}, Prediction: "1"}, {Values: []string{"", "blue"}}},
		},
		{
			"numbers that JSON does not have", `"{\"instances\": [[NaN, \"NaN\"], [-Infinity, \"a \\\" NaN\"]]}"`, `"{\"predictions\": [NaN, 1]}"`,
			[]shown{{Values: []string{"", "NaN"}}, {Values: []string{"", `a " NaN`}, Prediction: "1"}},
		},
		{"two answers to one instance are none", `{"instances":[[1,"red"]]}`, `{"predictions":[[3.5,4.5]]}`, []shown{{Values: []string{"1", "red"}}}},
		{"an empty answer", `{"instances":[[1,"red"]]}`, `{"predictions":[[]]}`, []shown{{Values: []string{"1", "red"}}}},
		{"no instances", `{"instances":[]}`, `{"predictions":[]}`, nil},
		{"no table", `{"text":"hello"}`, `{"answer":"hi"}`, nil},
		{"text", `"hello"`, `"hi"`, nil},
		{"nothing", `null`, `null`, nil},
		{"shapes that lie", `{"inputs":[{"name":"in","shape":[99999999999],"data":[1,2]}]}`, `{"outputs":[{"name":"o","shape":[-3],"data":[]}]}`, []shown{
			{Values: []string{"1", ""}, Strange: true}, {Values: []string{"2", ""}, Strange: true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows := instancesOf(Captured{RequestID: "id", Request: json.RawMessage(tt.request), Response: json.RawMessage(tt.response)}, features)
			if diff := cmp.Diff(tt.want, show(rows)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for i, r := range rows {
				if r.request != "id" || r.place != i {
					t.Errorf("row %d is %d of %q", i, r.place, r.request)
				}
			}
		})
	}
}

// FuzzInstances proves that no request makes a check fall over.
func FuzzInstances(f *testing.F) {
	for _, seed := range []string{
		`{"instances":[[1,"red"]]}`, `{"instances":[{"age":1}]}`, `{"inputs":[{"name":"age","shape":[2,3],"data":[1,[2]]}]}`, `"{\"instances\":[NaN]}"`,
	} {
		f.Add([]byte(seed), []byte(`{"predictions":[1],"outputs":[{"shape":[0],"data":[1]}]}`))
	}
	features := []table.Column{{Name: "age", Type: table.Number}}
	f.Fuzz(func(t *testing.T, request, response []byte) {
		for _, r := range instancesOf(Captured{Request: request, Response: response}, features) {
			if len(r.features) != len(features) {
				t.Errorf("%d values for %d features", len(r.features), len(features))
			}
		}
	})
}
