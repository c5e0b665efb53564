//go:build unix

package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// epochs trains three epochs, and goes on after the last that is in the checkpoints.
// It is killed in the second, unless it had begun before.
const epochs = `
i=$(cat "$MLOPS_CHECKPOINTS/epoch" 2>/dev/null || echo 0)
begun=$i
while [ $i -lt 3 ]; do
  i=$((i+1))
  echo $i >"$MLOPS_CHECKPOINTS/epoch"
  if [ $i = 2 ] && [ $begun = 0 ]; then kill -9 $$; fi
done
echo "went on after $begun" >"$MLOPS_OUTPUT_MODEL"
`

// onSpot is a step that may be interrupted.
func onSpot(script string, outputs ...string) mlops.Step {
	step := sh(script, outputs...)
	step.Compute = &mlops.Compute{Spot: true}
	return step
}

// TestCheckpointsOutliveAnAttempt proves that an attempt that was killed leaves its
// checkpoints to the next one, and to no other step or run.
func TestCheckpointsOutliveAnAttempt(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	train, other := onSpot(epochs, "model"), onSpot(`ls -A "$MLOPS_CHECKPOINTS" >"$MLOPS_OUTPUT_LIST"`, "list")
	train.Retry, train.NoCache = &mlops.Retry{Attempts: 2}, true
	other.After, other.NoCache = []string{"train"}, true
	e.addPipeline(map[string]mlops.Step{"train": train, "other": other})
	for _, trigger := range []string{"1", "2"} {
		o := e.run(trigger)
		wantState(t, o, mlops.RunSucceeded)
		if got := o.Status.Steps["train"].Attempt; got != 2 {
			t.Errorf("run %s: succeeded at attempt %d, want 2", trigger, got)
		}
		got := map[string]string{}
		for step, output := range map[string]string{"train": "2/outputs/model", "other": "1/outputs/list"} {
			content, err := os.ReadFile(filepath.Join(e.dir, "environments/dev/runs/work", o.Status.Run, "steps", step, output))
			if err != nil {
				t.Fatal(err)
			}
			got[step] = string(content)
		}
		if diff := cmp.Diff(map[string]string{"train": "went on after 2\n", "other": ""}, got); diff != "" {
			t.Errorf("run %s: %s", trigger, diff)
		}
	}
}

// TestCheckpointsAreForSpotAlone proves that a step that nobody interrupts is told of
// no directory.
func TestCheckpointsAreForSpotAlone(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"plain": sh(`test -z "$MLOPS_CHECKPOINTS"`), "spot": onSpot(`test -d "$MLOPS_CHECKPOINTS"`)})
	wantState(t, e.run("1"), mlops.RunSucceeded)
}
