package sagemaker

import (
	"regexp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// jobRoot is below which a job's container has everything.
const jobRoot = "/opt/ml/"

// layout is where a job's container finds and leaves things, below jobRoot. Both
// kinds of jobs have folders of their own. It is a part of step.json.
type layout struct {
	Input       string `json:"input"`       // each input is a folder in it
	Output      string `json:"output"`      // each output is a folder in it
	Within      string `json:"within"`      // from an output's folder to what the step writes
	Message     string `json:"message"`     // file that says why a step failed
	Checkpoints string `json:"checkpoints"` // folder that survives an interruption, or ""

	code  string // folder of the step's program
	slash string // what the URI of a folder ends in
}

// layoutOf is where a step's job has its things. Source: the developer guide, "Build
// your own processing container" and "Mapping of training storage paths".
func layoutOf(s mlops.Step) layout {
	if s.OnSpot() {
		return layout{
			Input: "input/data", Output: "model", Within: outputFolder, Message: "output/failure", Checkpoints: "checkpoints",
			code: "input/data/" + codeInput, slash: "/",
		}
	}
	return layout{Input: "processing/input", Output: "processing/output", Message: "output/message", code: "processing/mlops"}
}

// input is the directory of an input.
func (l layout) input(directory string) string { return jobRoot + l.Input + "/" + directory }

// output is the path that a step writes an output to.
func (l layout) output(name string) string {
	at := jobRoot + l.Output + "/" + name + "/"
	if l.Within != "" {
		at += l.Within + "/"
	}
	return at + name
}

// channelForm is how a channel of a training job may be called.
var channelForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// names are what a job calls an input, and the directory that it has it in. For a
// channel they are the same; a long one is cut, and told from others by its digest.
func (l layout) names(input string) (inJob, directory string) {
	inJob = inputPrefix + input
	if l.Checkpoints == "" {
		return inJob, input
	}
	if !channelForm.MatchString(inJob) {
		const kept = 40
		inJob = inJob[:min(len(inJob), kept)] + "-" + shortHash(input)
	}
	return inJob, inJob
}
