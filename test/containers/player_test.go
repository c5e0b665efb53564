package containers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestPlayer proves where the outputs of each kind of job are, and what interrupts one.
func TestPlayer(t *testing.T) {
	t.Parallel()
	step := map[string]map[string][]byte{"mlops-code": {"step.json": []byte(`{"outputs": ["model", "metrics"]}`)}}
	processing := aws.Params{"ProcessingOutputConfig": map[string]any{"Outputs": []any{
		map[string]any{"OutputName": "train"}, map[string]any{"OutputName": monitoring},
	}}}
	play := Player{Constraints: "c", Write: func(_ aws.StepRun, output string) []byte { return []byte("of " + output) }}
	fail := play
	fail.Fail = func(aws.StepRun) string { return "AlgorithmError" }
	for _, tt := range []struct {
		name    string
		player  Player
		run     aws.StepRun
		want    map[string]string
		failure string
	}{
		{"processing", play, aws.StepRun{Kind: "Processing", Arguments: processing}, map[string]string{"train/train": "of train", constraints: "c", statistics: "{}"}, ""},
		{"on spot capacity", play, aws.StepRun{Kind: "Training", Inputs: step, Checkpoints: map[string][]byte{}}, nil, aws.Interruption},
		{
			"on spot capacity, again", play,
			aws.StepRun{Kind: "Training", Inputs: step, Interruptions: 1, Checkpoints: map[string][]byte{checkpoint: []byte("1")}},
			map[string]string{"model/model/data/model": "of model", "model/metrics/data/metrics": "of metrics"},
			"",
		},
		{"without its checkpoint", play, aws.StepRun{Kind: "Training", Inputs: step, Interruptions: 1}, nil, "AlgorithmError: the checkpoint is lost"},
		{"that fails", fail, aws.StepRun{Kind: "Processing", Arguments: processing}, nil, "AlgorithmError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			outputs, failure := tt.player.Run(tt.run)
			var got map[string]string
			for path, content := range outputs {
				if got == nil {
					got = map[string]string{}
				}
				got[path] = string(content)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || failure != tt.failure {
				t.Errorf("failure %q, want %q; outputs (-want +got):\n%s", failure, tt.failure, diff)
			}
		})
	}
}
