package sagemaker

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestQualityConstraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		check mlops.ModelQualityCheck
		kind  types.MonitoringProblemType
		want  string
	}{
		{
			"accuracy, of any number of labels",
			mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.9}},
			types.MonitoringProblemTypeMulticlassClassification,
			`{"multiclass_classification_constraints":{"accuracy":{"threshold":0.9,"comparison_operator":"LessThanThreshold"}},"version":0}`,
		},
		{
			"recall, of one of two",
			mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"recall": 0.5}},
			types.MonitoringProblemTypeBinaryClassification,
			`{"binary_classification_constraints":{"recall":{"threshold":0.5,"comparison_operator":"LessThanThreshold"}},"version":0}`,
		},
		{
			"an error, and what is explained",
			mlops.ModelQualityCheck{Task: "regression", Min: map[string]float64{"r2": 0.7}, Max: map[string]float64{"rmse": 3}},
			types.MonitoringProblemTypeRegression,
			`{"regression_constraints":{"r2":{"threshold":0.7,"comparison_operator":"LessThanThreshold"},"rmse":{"threshold":3,"comparison_operator":"GreaterThanThreshold"}},"version":0}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := problemType(&c.check); got != c.kind {
				t.Errorf("got %s, want %s", got, c.kind)
			}
			if diff := cmp.Diff(c.want, string(qualityConstraints(&c.check))); diff != "" {
				t.Errorf("constraints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOffset(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]string{
		0: "-PT0H", time.Hour: "-PT1H", 7 * 24 * time.Hour: "-PT168H", 90 * time.Minute: "-PT90M", time.Second: "-PT1M", 59*time.Minute + time.Second: "-PT1H",
	} {
		if got := *offset(ago); got != want {
			t.Errorf("%s ago: got %s, want %s", ago, got, want)
		}
	}
}

func TestPredictionsScript(t *testing.T) {
	t.Parallel()
	got := played(t, []byte(predictions),
		[2]string{"", `{"predictions": [1]}`}, [2]string{"", `{"predictions": [1, 0]}`}, [2]string{"", `["yes"]`},
		[2]string{"", `{"error": "none"}`}, [2]string{"", "no json"}, [2]string{"", ""})
	if want := `[{"prediction": 1}, [], {"prediction": "yes"}, [], [], []]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
