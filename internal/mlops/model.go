package mlops

import "time"

// ModelSpec is a registered model: the name under which versions are kept.
type ModelSpec struct {
	Environment ID                `json:"environment"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
}

// ModelStatus is what the platform owns of a model.
type ModelStatus struct {
	CreatedAt time.Time `json:"created_at"`
	Latest    string    `json:"latest"` // newest version, "" if there is none
}

// ID returns the model's ID, empty while the environment is unknown.
func (s ModelSpec) ID() ID { return s.Environment.Child(NounModel, s.Name) }

// Validate checks what every backend refuses.
func (s ModelSpec) Validate(c *Checker) { checkLabels(c, At("labels"), s.Labels) }

// Uses lists the features asked for.
func (s ModelSpec) Uses() []Use { return nil }
