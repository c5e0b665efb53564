package mlops

import (
	"encoding/json"
	"maps"
	"slices"
)

// PipelineSpec is a versioned graph of steps.
type PipelineSpec struct {
	Environment ID                   `json:"environment"`
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Parameters  map[string]Parameter `json:"parameters"`
	Steps       map[string]Step      `json:"steps"`
	Definition  string               `json:"definition,omitempty"`  // the platform's own definition, as JSON, instead of Steps
	Parallelism int64                `json:"parallelism,omitempty"` // most steps at once; zero leaves it to the backend
	Schedule    *Schedule            `json:"schedule,omitempty"`
	Experiment  ID                   `json:"experiment,omitempty"` // where runs are tracked
}

// Parameter is a value that a run may set.
type Parameter struct {
	Type        string  `json:"type"` // one of ParameterTypes
	Default     *string `json:"default,omitempty"`
	Description string  `json:"description,omitempty"`
}

// ParameterTypes lists the types of a parameter.
func ParameterTypes() []string { return []string{"string", "integer", "number", "boolean"} }

// Step is one unit of work. Exactly one of Script and Command says what it
// does. Inputs, Env and Command may hold templates. A step runs if all of When
// holds; one that does not is skipped, with all steps that need it, and the run
// goes on.
type Step struct {
	Script   string            `json:"script,omitempty"`  // Python source
	Command  []string          `json:"command,omitempty"` // program and arguments
	Image    string            `json:"image,omitempty"`   // container to run it in
	Packages []string          `json:"packages"`          // pip requirements
	Inputs   map[string]string `json:"inputs"`            // name to template, nearly always an output of another step
	Outputs  []string          `json:"outputs"`           // names; each is a path to write to
	Env      map[string]string `json:"env"`
	After    []string          `json:"after"`         // steps to wait for without using their outputs
	When     []string          `json:"when,omitzero"` // comparisons: see ParseCondition
	Compute  *Compute          `json:"compute,omitempty"`
	Retry    *Retry            `json:"retry,omitempty"`
	Timeout  Duration          `json:"timeout,omitempty"` // of one attempt
	NoCache  bool              `json:"no_cache,omitempty"`
}

// EnvCheckpoints is the variable of a step on spot capacity that names a directory of
// its own. What is in it survives interruptions, and is there for all attempts at
// the step in one run; another run begins with an empty one.
const EnvCheckpoints = "MLOPS_CHECKPOINTS"

// OnSpot reports whether a step runs on capacity that may be taken away.
func (s Step) OnSpot() bool { return s.Compute != nil && s.Compute.Spot }

// Retry says how often a step is tried.
type Retry struct {
	Attempts int64    `json:"attempts"`          // in all, the first included
	Backoff  Duration `json:"backoff,omitempty"` // before the second attempt; doubled each time
}

// Schedule fires at times of a time zone.
type Schedule struct {
	Cron     string `json:"cron"`               // five fields: minute hour day-of-month month day-of-week
	Timezone string `json:"timezone,omitempty"` // IANA name; empty is UTC
	Disabled bool   `json:"disabled,omitempty"`
}

// PipelineStatus is what the platform owns of a pipeline.
type PipelineStatus struct {
	Version string `json:"version"` // PipelineSpec.Version of the definition in force
}

// ID returns the pipeline's ID, empty while the environment is unknown.
func (s PipelineSpec) ID() ID { return s.Environment.Child(NounPipeline, s.Name) }

// Version returns the digest of what a run of this pipeline would do: steps
// or definition, and parameters, without description and schedule. How a
// definition is written does not count. Twelve hex digits.
func (s PipelineSpec) Version() string {
	var definition any // stays nil where there is none
	if s.Definition != "" && json.Unmarshal([]byte(s.Definition), &definition) != nil {
		definition = s.Definition
	}
	d := DigestOf(struct {
		P map[string]Parameter
		S map[string]Step
		D any `json:",omitempty"`
	}{s.Parameters, s.Steps, definition})
	return d[len("sha256:"):][:12]
}

// Datasets lists the datasets that the steps read, by name.
func (s PipelineSpec) Datasets() []string {
	found := map[string]bool{}
	for _, step := range s.Steps {
		for _, f := range step.templates() {
			t, err := ParseTemplate(f.text)
			if err != nil {
				continue // Validate tells
			}
			for _, r := range t.References() {
				if r.Kind == RefDataset {
					found[r.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Uses lists the features asked for.
func (s PipelineSpec) Uses() []Use {
	var u []Use
	add := func(asked bool, f Feature, p Path) {
		if asked {
			u = append(u, Use{f, p})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Steps)) {
		at, step := At("steps", Key(name)), s.Steps[name]
		add(step.Script != "", FeaturePipelineScript, at.With("script"))
		add(len(step.Command) > 0, FeaturePipelineCommand, at.With("command"))
		add(step.Image != "", FeaturePipelineImage, at.With("image"))
		add(len(step.Packages) > 0, FeaturePipelinePackages, at.With("packages"))
		add(len(step.When) > 0, FeaturePipelineWhen, at.With("when"))
		add(step.Retry != nil, FeaturePipelineRetry, at.With("retry"))
		add(step.Timeout != 0, FeaturePipelineTimeout, at.With("timeout"))
		if c := step.Compute; c != nil {
			add(c.CPU != 0, FeaturePipelineCPU, at.With("compute", "cpu"))
			add(c.Memory != 0, FeaturePipelineMemory, at.With("compute", "memory"))
			add(c.Accelerator != nil, FeaturePipelineGPU, at.With("compute", "accelerator"))
			add(c.Native != "", FeaturePipelineNative, at.With("compute", "native"))
			add(c.Disk != 0, FeaturePipelineDisk, at.With("compute", "disk"))
			add(c.Spot, FeaturePipelineSpot, at.With("compute", "spot"))
		}
	}
	add(s.Definition != "", FeaturePipelineDefinition, At("definition"))
	add(s.Parallelism != 0, FeaturePipelineParallel, At("parallelism"))
	add(s.Schedule != nil, FeaturePipelineSchedule, At("schedule"))
	add(s.Experiment != "", FeaturePipelineTracked, At("experiment"))
	return u
}
