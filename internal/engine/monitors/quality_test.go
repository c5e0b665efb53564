package monitors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// inScikitLearn computes what model_quality and bias report by scikit-learn and
// fairlearn.
const inScikitLearn = `
import json, sys
from sklearn import metrics as m
from fairlearn import metrics as f

case = json.load(sys.stdin)
label, said, chances, group = case["label"], case["said"], case["chances"], case["group"]
out = {
    "accuracy": m.accuracy_score(label, said),
    "precision": m.precision_score(label, said),
    "recall": m.recall_score(label, said),
    "f1": m.f1_score(label, said),
    "log_loss": m.log_loss(label, chances),
    "demographic_parity_difference": f.demographic_parity_difference(label, said, sensitive_features=group),
    "disparate_impact": f.demographic_parity_ratio(label, said, sensitive_features=group),
    "equal_opportunity_difference": f.equal_opportunity_difference(label, said, sensitive_features=group),
}
label, said = case["true_number"], case["number"]
out["rmse"] = m.root_mean_squared_error(label, said)
out["mae"] = m.mean_absolute_error(label, said)
out["mape"] = 100 * m.mean_absolute_percentage_error(label, said)
out["r2"] = m.r2_score(label, said)
json.dump(out, sys.stdout)
`

// answers are predictions of a classifier and of a regression, and the truth.
type answers struct {
	Label   []int       `json:"label"`
	Said    []int       `json:"said"`
	Chances [][]float64 `json:"chances"`
	Group   []string    `json:"group"`
	Truth   []float64   `json:"true_number"`
	Number  []float64   `json:"number"`
}

func someAnswers(n int) answers {
	r := seeded(3)
	var a answers
	for i := range n {
		group := []string{"a", "b", "c"}[i%3]
		truth := 50 + 20*r.NormFloat64()
		label, chance := 0, r.Float64()
		if r.Float64() < 0.3+0.5*chance {
			label = 1
		}
		if group == "c" {
			chance *= 0.7 // who is treated worse
		}
		if i == 0 {
			label, chance = 1, 0 // as wrong as can be: its logarithm is bounded
		}
		said := 0
		if chance > 0.5 {
			said = 1
		}
		a.Label, a.Said, a.Group = append(a.Label, label), append(a.Said, said), append(a.Group, group)
		a.Chances = append(a.Chances, []float64{1 - chance, chance})
		a.Truth, a.Number = append(a.Truth, truth), append(a.Number, truth+5*r.NormFloat64())
	}
	return a
}

func scikitLearn(t *testing.T, a answers) (want map[string]float64) {
	t.Helper()
	env, err := pyenvtest.Ensure(t.Context(), "scikit-learn==1.7.2", "fairlearn==0.13.0")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), env.Python(), "-c", inScikitLearn)
	cmd.Stdin, cmd.Stderr = bytes.NewReader([]byte(asJSON(t, a))), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return want
}

// answered captures requests of a classifier with their truth, or of a regression.
func (b *bench) answered(a answers, isNumber bool) {
	b.t.Helper()
	for i := range a.Label {
		id, answer, label := fmt.Sprintf("q%d", i), asJSON(b.t, a.Chances[i]), strconv.Itoa(a.Label[i])
		if isNumber {
			answer, label = asJSON(b.t, a.Number[i]), asJSON(b.t, a.Truth[i])
		}
		b.write(gateway.CaptureFile, line(id, time.Now().Add(-time.Minute), 200, fmt.Sprintf(`{"instances":[{"group":%q}]}`, a.Group[i]), `{"predictions":[`+answer+`]}`))
		b.write(gateway.GroundTruthFile, fmt.Sprintf(`{"request_id":%q,"label":%s}`+"\n", id, label))
	}
}

func TestQualityIsThatOfScikitLearn(t *testing.T) {
	t.Parallel()
	a := someAnswers(300)
	want := scikitLearn(t, a)
	classes := func(s *mlops.MonitorSpec) {
		s.ModelQuality = &mlops.ModelQualityCheck{
			Task: "classification", Min: map[string]float64{"accuracy": 0, "precision": 0, "recall": 0, "f1": 0}, Max: map[string]float64{"log_loss": 100},
		}
	}
	numbers := func(s *mlops.MonitorSpec) {
		s.ModelQuality = &mlops.ModelQualityCheck{
			Task: "regression", Min: map[string]float64{"r2": 0}, Max: map[string]float64{"rmse": 100, "mae": 100, "mape": 100},
		}
	}
	bias := func(statistic string, threshold float64) func(*mlops.MonitorSpec) {
		return func(s *mlops.MonitorSpec) {
			classes(s)
			s.Bias = &mlops.BiasCheck{Group: "group", Statistic: statistic, Threshold: threshold}
		}
	}
	tests := []struct {
		name    string
		monitor func(*mlops.MonitorSpec)
		numbers bool
		check   string
		figures []string
	}{
		{"classes", classes, false, "model_quality", []string{"accuracy", "precision", "recall", "f1", "log_loss"}},
		{"numbers", numbers, true, "model_quality", []string{"rmse", "mae", "mape", "r2"}},
		{"demographic parity", bias("demographic_parity_difference", 1), false, "bias", []string{"demographic_parity_difference"}},
		{"disparate impact", bias("disparate_impact", 0.01), false, "bias", []string{"disparate_impact"}},
		{"equal opportunity", bias("equal_opportunity_difference", 1), false, "bias", []string{"equal_opportunity_difference"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.answered(a, tt.numbers)
			b.watch(tt.monitor)
			r := b.check(mlops.MonitorOK)
			for _, name := range tt.figures {
				at := name
				if tt.check == "bias" {
					at = "group"
				}
				got := *figure(t, r, tt.check, at, name).Value
				if math.Abs(got-want[name]) > 1e-9*math.Abs(want[name]) {
					t.Errorf("%s is %v, want %v", name, got, want[name])
				}
			}
		})
	}
}

func TestLimitsOfQuality(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		low      map[string]float64
		high     map[string]float64
		want     mlops.MonitorState
		violated string
	}{
		{"kept", map[string]float64{"accuracy": 0.5}, nil, mlops.MonitorOK, ""},
		{"too low", map[string]float64{"accuracy": 0.99}, nil, mlops.MonitorViolated, "accuracy"},
		{"too high", nil, map[string]float64{"log_loss": 0.0001}, mlops.MonitorViolated, "log_loss"},
		{"one of two", map[string]float64{"accuracy": 0.5, "recall": 1}, nil, mlops.MonitorViolated, "recall"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.answered(someAnswers(150), false)
			b.watch(func(s *mlops.MonitorSpec) {
				s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: tt.low, Max: tt.high}
			})
			r := b.check(tt.want)
			for _, f := range r.Checks["model_quality"].Features {
				if f.Violated != (f.Name == tt.violated) {
					t.Errorf("%s violated: %t", f.Name, f.Violated)
				}
			}
		})
	}
}

// TestMetricsThatCannotBe: a metric without a value is said, and violates nothing.
func TestMetricsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 10 {
		id := fmt.Sprintf("q%d", i)
		b.write(gateway.CaptureFile, line(id, time.Now().Add(-time.Minute), 200, `{"instances":[[1]]}`, `{"predictions":["no"]}`))
		b.write(gateway.GroundTruthFile, fmt.Sprintf(`{"request_id":%q,"label":"no"}`+"\n", id))
	}
	b.watch(func(s *mlops.MonitorSpec) {
		s.MinRows = 10
		s.ModelQuality = &mlops.ModelQualityCheck{
			Task: "classification", Positive: "yes", Min: map[string]float64{"accuracy": 0.9, "precision": 0.9}, Max: map[string]float64{"log_loss": 1},
		}
	})
	r := b.check(mlops.MonitorOK)
	for _, name := range []string{"precision", "log_loss"} {
		if f := figure(t, r, "model_quality", name, ""); f.Value != nil || f.Violated || f.Reason == "" {
			t.Errorf("%+v", f)
		}
	}
}
