package mlops

// Compute asks for capability; each backend resolves it to the cheapest type
// of its own that satisfies it.
type Compute struct {
	CPU         float64      `json:"cpu,omitempty"`    // cores; fractions allowed
	Memory      Quantity     `json:"memory,omitempty"` // bytes
	Accelerator *Accelerator `json:"accelerator,omitempty"`
	// Native is the platform's own name of a machine type, instead of an ask.
	Native string   `json:"native,omitempty"`
	Disk   Quantity `json:"disk,omitempty"` // bytes of scratch space
	Spot   bool     `json:"spot,omitempty"` // cheaper capacity that may be taken away
}

// Accelerator asks for GPUs or the like, by type or by memory.
type Accelerator struct {
	Type   string   `json:"type,omitempty"`   // such as "nvidia-l4"
	Memory Quantity `json:"memory,omitempty"` // at least this much on each
	Count  int64    `json:"count,omitempty"`  // zero is one
}

// Err tells what is wrong with an ask by itself, or nil.
func (a *Compute) Err() error {
	c := NewChecker()
	a.validate(c, nil)
	return c.Err()
}

// validate checks an ask at its place in a spec.
func (a *Compute) validate(c *Checker, at Path) {
	if a == nil {
		return
	}
	if a.CPU < 0 {
		c.Add(at.With("cpu"), "Negative CPU", "Ask for a positive number of cores, such as 0.5 or 2.")
	}
	if a.CPU > 1024 {
		c.Add(at.With("cpu"), "Too many CPUs", "cpu counts cores, not millicores; no platform has %g of them in one machine.", a.CPU)
	}
	if a.Native != "" && (a.CPU != 0 || a.Memory != 0 || a.Accelerator != nil) {
		asks := []Path{at.With("native"), at.With("cpu"), at.With("memory"), at.With("accelerator")}
		c.AddIf(at.With("native"), asks, "Type and ask", "Give either the platform's own type, or what the machine must have, not both.")
	}
	if g := a.Accelerator; g != nil {
		if g.Type == "" && g.Memory == 0 {
			c.Add(at.With("accelerator"), "Incomplete accelerator", "Give the accelerator's type, or the memory it must have.")
		}
		if g.Count < 0 {
			c.Add(at.With("accelerator", "count"), "Negative count", "Ask for one accelerator or more.")
		}
	}
}
