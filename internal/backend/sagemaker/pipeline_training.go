package sagemaker

import (
	"path"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A step on spot capacity is a training job, since no other kind of job has it. What
// is different there: inputs are channels; all outputs are folders of the one
// artifact, which is left uncompressed for that; and SageMaker keeps a directory of
// checkpoints in S3, from which it goes on after an interruption.
const (
	maxChannels    = 20    // inputs of a training job
	spotPatience   = 86400 // seconds that a job waits for capacity, besides its own time
	artifactFolder = "output/model"
)

// useOf is what a step's machine is used for.
func useOf(s mlops.Step) string {
	if s.OnSpot() {
		return mlops.UseTraining
	}
	return mlops.UseProcessing
}

// trainingArguments are the request that a step on spot capacity becomes.
func (c *compiler) trainingArguments(name string, s mlops.Step, w wiring, machine string) map[string]any {
	algorithm := map[string]any{"TrainingImage": w.app["ImageUri"], "TrainingInputMode": "File"}
	if entrypoint, ok := w.app["ContainerEntrypoint"]; ok {
		algorithm["ContainerEntrypoint"] = entrypoint
	}
	output := map[string]any{"S3OutputPath": c.below(name), "CompressionType": "NONE"}
	set(output, "KmsKeyId", c.place.Key, len(c.place.Key))
	arguments := map[string]any{
		"AlgorithmSpecification":    algorithm,
		"RoleArn":                   c.place.Role,
		"OutputDataConfig":          output,
		"ResourceConfig":            c.cluster(machine, s.Compute),
		"StoppingCondition":         map[string]any{"MaxRuntimeInSeconds": longestRun(s), "MaxWaitTimeInSeconds": longestWait(s)},
		"EnableManagedSpotTraining": true,
		"CheckpointConfig":          map[string]any{"S3Uri": c.below(name, w.at.Checkpoints), "LocalPath": jobRoot + w.at.Checkpoints},
		"EnableNetworkIsolation":    c.place.Isolated,
		"Tags":                      c.jobTags(),
	}
	set(arguments, "Environment", w.env, len(w.env))
	set(arguments, "InputDataConfig", channels(w.inputs), len(w.inputs))
	if vpc, ok := nativeNetwork(c.place)["VpcConfig"]; ok {
		arguments["VpcConfig"] = vpc
	}
	return arguments
}

// below is a folder of a step's own in the run.
func (c *compiler) below(step string, folders ...any) any {
	parts := append([]any{strings.TrimSuffix(c.place.uri("runs"), "/"), get("Execution.PipelineExecutionId"), step}, folders...)
	return joined("/", parts...)
}

// makesFolders begins the command of a step in the user's own image on spot capacity:
// nobody makes the folders of a training job's outputs, as SageMaker does those of a
// processing job's, nor surely that of its checkpoints (AWS's own samples make it).
func makesFolders(s mlops.Step) []any {
	if !s.OnSpot() {
		return nil
	}
	at := layoutOf(s)
	begin := []any{"sh", "-c", `while [ "$1" != -- ]; do mkdir -p "$1" || exit; shift; done; shift; exec "$@"`, "sh", jobRoot + at.Checkpoints}
	for _, o := range s.Outputs {
		begin = append(begin, path.Dir(at.output(o)))
	}
	return append(begin, "--")
}

// channels are a job's inputs as training jobs have them.
func channels(inputs []jobInput) []map[string]any {
	var all []map[string]any
	for _, in := range inputs {
		all = append(all, map[string]any{
			"ChannelName": in.Name, "InputMode": "File",
			"DataSource": map[string]any{"S3DataSource": map[string]any{
				"S3DataType": "S3Prefix", "S3Uri": in.S3["S3Uri"], "S3DataDistributionType": "FullyReplicated",
			}},
		})
	}
	return all
}

// longestWait is for how many seconds a job may take with all the time in which it
// waits for capacity. It is never less than the job's own time.
func longestWait(s mlops.Step) int64 {
	run := longestRun(s)
	return max(run, min(run+spotPatience, longestJob))
}

// outputURI is where a step leaves an output. The slash is for jobs that read it by a
// channel, which would otherwise be given the folder's name too.
func (c *compiler) outputURI(r mlops.Reference, slash string) any {
	if c.spec.Steps[r.Step].OnSpot() {
		// By the job's name and not by ModelArtifacts: SageMaker does not say
		// whether the URI there ends in a slash.
		return c.below(r.Step, get("Steps."+r.Step+".TrainingJobName"), artifactFolder, r.Name, outputFolder+slash)
	}
	uri := get("Steps." + r.Step + ".ProcessingOutputConfig.Outputs['" + r.Name + "'].S3Output.S3Uri")
	if slash == "" {
		return uri
	}
	return joined("", uri, slash)
}

// inputURI is an input's template as a URI.
func (c *compiler) inputURI(text, slash string) (any, error) {
	if r, alone := soleOutput(text); alone {
		return c.outputURI(r, slash), nil
	}
	return c.uriOf(text)
}

// soleOutput is the output of another step that a template is, if it is nothing else.
func soleOutput(text string) (mlops.Reference, bool) {
	t, err := mlops.ParseTemplate(text)
	if err != nil || len(t.References()) != 1 || t.References()[0].Kind != mlops.RefStepOutput {
		return mlops.Reference{}, false
	}
	around, err := t.Render(func(mlops.Reference) (string, error) { return "", nil })
	return t.References()[0], err == nil && around == ""
}
