package mlops

import "time"

// ExperimentSpec is where runs are tracked.
type ExperimentSpec struct {
	Environment ID                `json:"environment"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
}

// ExperimentStatus is what the platform owns of an experiment.
type ExperimentStatus struct {
	Runs      []ExperimentRun `json:"runs"` // newest first, at most MaxExperimentRuns
	Total     int64           `json:"total"`
	CreatedAt time.Time       `json:"created_at"`
}

// MaxExperimentRuns is how many runs an experiment shows.
const MaxExperimentRuns = 100

// ExperimentRun is one run that an experiment tracks.
type ExperimentRun struct {
	Run        ID                 `json:"run"`
	State      RunState           `json:"state"`
	Parameters map[string]string  `json:"parameters"`
	Metrics    map[string]float64 `json:"metrics"`
	StartedAt  time.Time          `json:"started_at,omitzero"`
	FinishedAt time.Time          `json:"finished_at,omitzero"`
}

// ID returns the experiment's ID, empty while the environment is unknown.
func (s ExperimentSpec) ID() ID { return s.Environment.Child(NounExperiment, s.Name) }

// Validate checks what every backend refuses.
func (s ExperimentSpec) Validate(c *Checker) { checkLabels(c, At("labels"), s.Labels) }

// Uses lists the features asked for.
func (s ExperimentSpec) Uses() []Use { return nil }
