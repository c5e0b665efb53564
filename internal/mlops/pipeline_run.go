package mlops

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// PipelineRunSpec asks for one run of a pipeline.
type PipelineRunSpec struct {
	Pipeline   ID                `json:"pipeline"`
	Parameters map[string]string `json:"parameters"` // in text form, by name
	Triggers   map[string]string `json:"triggers"`   // a change asks for another run
	// After is the run that this one follows in the same resource, empty for
	// the first. It keeps a repeated request (the same After) apart from a new
	// one with the same triggers as an earlier run.
	After ID `json:"after,omitempty"`
	// Detached is a run that no configuration has: the retention of its
	// environment ends it, as it does scheduled runs.
	Detached bool `json:"detached,omitempty"`
}

// PipelineRunStatus is what the platform owns of a run.
type PipelineRunStatus struct {
	Run        string             `json:"run"` // last segment of the ID
	State      RunState           `json:"state"`
	Outputs    map[string]string  `json:"outputs"` // "step.output" to URI; a step that was skipped has none
	Metrics    map[string]float64 `json:"metrics"` // read back from outputs named metrics
	Steps      map[string]StepRun `json:"steps"`
	Lineage    *Lineage           `json:"lineage,omitempty"`
	StartedAt  time.Time          `json:"started_at"`
	FinishedAt time.Time          `json:"finished_at,omitzero"`
}

// RunState is how a run stands, or how it ended.
type RunState string

// The run states.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
	RunSkipped   RunState = "skipped" // of a step alone: a condition did not hold
)

// Ended reports whether the state is final.
func (s RunState) Ended() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCancelled || s == RunSkipped
}

// StepRun is how one step of a run stands.
type StepRun struct {
	State      RunState  `json:"state"`
	Attempt    int       `json:"attempt"`
	Cached     bool      `json:"cached"` // outputs taken from an earlier run
	Reason     string    `json:"reason,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// Lineage is the evidence of a run: what went in, what was done, what came out.
type Lineage struct {
	PipelineVersion string                 `json:"pipeline_version"`
	Parameters      map[string]string      `json:"parameters"` // with defaults filled in
	Engine          string                 `json:"engine"`     // name and version of what ran it
	Steps           map[string]StepLineage `json:"steps"`
	Datasets        map[ID]DatasetVersion  `json:"datasets,omitempty"` // that were read, as they were
}

// StepLineage is the evidence of one step.
type StepLineage struct {
	Code     string            `json:"code"` // digest of script or command
	Packages []string          `json:"packages"`
	Inputs   map[string]string `json:"inputs"`  // name to content digest
	Outputs  map[string]string `json:"outputs"` // name to content digest
}

// Validate checks what every backend refuses. Values are checked against the
// pipeline's parameters by PipelineSpec.CheckParameters.
func (s PipelineRunSpec) Validate(c *Checker) {
	if s.Pipeline == "" {
		return
	}
	if _, err := s.Pipeline.ParseAs(NounPipeline); err != nil {
		c.Add(At("pipeline"), "Not a pipeline", "%s.", err)
	}
}

// Uses lists the features asked for.
func (s PipelineRunSpec) Uses() []Use { return nil }

// FindOutput returns the key in Outputs that a user's word for an output means:
// "step.output", or the output alone where only one step has it. The error says
// what there is.
func (s PipelineRunStatus) FindOutput(word string) (string, error) {
	if _, ok := s.Outputs[word]; ok {
		return word, nil
	}
	var found []string
	for key := range s.Outputs {
		if _, name, _ := strings.Cut(key, "."); name == word {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		step, _, _ := strings.Cut(word, ".")
		if run := s.Steps[step]; run.State == RunSkipped {
			return "", fmt.Errorf("the run has no output %q: step %q was skipped: %s", word, step, run.Reason)
		}
		have := slices.Sorted(maps.Keys(s.Outputs))
		return "", fmt.Errorf("the run has no output %q; it has %s.%s", word, list(have), DidYouMean(word, have))
	}
	return "", fmt.Errorf("output %q is ambiguous: say which of %s", word, strings.Join(found, ", "))
}

// OutputToKeep is FindOutput for whoever makes a version or a dataset of what a run
// wrote, by the attributes run and output. What it refuses is Invalid and names the
// one at fault: a run that has not succeeded has nothing to keep.
func (s PipelineRunStatus) OutputToKeep(run ID, word string) (key string, err error) {
	if s.State != RunSucceeded {
		return "", &Error{Code: Invalid, Field: "run", Err: fmt.Errorf("the run %s is %s; only a run that has succeeded has outputs to keep", run, s.State)}
	}
	if key, err = s.FindOutput(word); err != nil {
		return "", &Error{Code: Invalid, Field: "output", Err: err}
	}
	return key, nil
}

// Evidence is what a version has of packages and metrics that is made of an output,
// given by its key: what its spec says of them, else what the run does.
func (s PipelineRunStatus) Evidence(key string, spec ModelVersionSpec) (packages []string, metrics map[string]float64) {
	packages, metrics = spec.Packages, spec.Metrics
	if metrics == nil {
		metrics = s.Metrics
	}
	if packages == nil && s.Lineage != nil {
		step, _, _ := strings.Cut(key, ".")
		packages = s.Lineage.Steps[step].Packages
	}
	return packages, metrics
}
