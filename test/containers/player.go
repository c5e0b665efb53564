package containers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// Player plays a job to its end. A step on spot capacity loses that once, when it has
// written a checkpoint, and fails unless it finds that again.
type Player struct {
	// Write is what a job writes to an output.
	Write func(run aws.StepRun, output string) []byte
	// Fail says why a job fails, or "". It is nil where none does.
	Fail func(run aws.StepRun) string
	// Constraints are what AWS's analyzer suggests of a baseline.
	Constraints string
}

// The outputs of the analyzer's own job.
const (
	monitoring  = "monitoring_output"
	constraints = monitoring + "/constraints.json"
	statistics  = monitoring + "/statistics.json"
)

// checkpoint is the file that a step on spot capacity keeps.
const checkpoint = "epoch"

// Run is the hook for jobs; see aws.Hooks.
func (p Player) Run(run aws.StepRun) (outputs map[string][]byte, failure string) {
	if p.Fail != nil {
		if failure := p.Fail(run); failure != "" {
			return nil, failure
		}
	}
	if run.Kind == "Training" {
		return p.train(run)
	}
	return p.process(run), ""
}

// process writes the outputs of a processing job: one file each, called as the output.
func (p Player) process(run aws.StepRun) map[string][]byte {
	outputs := map[string][]byte{constraints: []byte(p.Constraints), statistics: []byte("{}")}
	config, _ := run.Arguments["ProcessingOutputConfig"].(map[string]any)
	declared, _ := config["Outputs"].([]any)
	for _, o := range declared {
		output, _ := o.(map[string]any)
		if name := fmt.Sprint(output["OutputName"]); name != monitoring {
			outputs[name+"/"+name] = p.Write(run, name)
		}
	}
	return outputs
}

// train writes those of a step on spot capacity: folders of the one artifact.
func (p Player) train(run aws.StepRun) (outputs map[string][]byte, failure string) {
	if run.Interruptions == 0 {
		run.Checkpoints[checkpoint] = []byte("1")
		return nil, aws.Interruption
	}
	if string(run.Checkpoints[checkpoint]) != "1" {
		return nil, "AlgorithmError: the checkpoint is lost"
	}
	var step struct {
		Outputs []string `json:"outputs"`
	}
	if err := json.Unmarshal(Program(run), &step); err != nil {
		return nil, "AlgorithmError: " + err.Error()
	}
	outputs = map[string][]byte{}
	for _, name := range step.Outputs {
		outputs[strings.Join([]string{"model", name, "data", name}, "/")] = p.Write(run, name)
	}
	return outputs, ""
}

// Program is what a step does, as the provider describes it to the job; nil for a job
// that is no step.
func Program(run aws.StepRun) []byte {
	for _, input := range slices.Sorted(maps.Keys(run.Inputs)) {
		if step, ok := run.Inputs[input]["step.json"]; ok {
			return step
		}
	}
	return nil
}
