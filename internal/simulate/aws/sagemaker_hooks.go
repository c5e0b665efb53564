package aws

import "time"

// Hooks let a test play what on AWS is the user's code, or chance. They run with
// the world locked, so they must not call it. All are optional.
type Hooks struct {
	// FailModel says why a container of a model does not start, or "" if it does.
	// An endpoint that is created with it fails; one that is updated rolls back.
	FailModel func(model string) string
	// RunStep does the work of a processing or training job: it returns the files
	// that the job writes, by "output/path" (a training job has the one output
	// "model", and no path unless it is left uncompressed), or why it fails. For an
	// output without a file, and for a file without a path, "output/output.json" is
	// made up. What it adds to the run's checkpoints is kept, whatever it returns.
	// Interruption as the failure is that of spot capacity: the job waits for more,
	// and is run again.
	RunStep func(StepRun) (outputs map[string][]byte, failure string)
	// Invoke answers a request to an endpoint. Latency is how long that takes by
	// the metrics: 10 ms unless told.
	Invoke  func(Invocation) (status int, body []byte)
	Latency func(Invocation) time.Duration
	// SilentRollback leaves no FailureReason after a rollback. AWS does either:
	// users report both (terraform-provider-aws, issues 39099 and 48997).
	SilentRollback bool
}

// Interruption is what RunStep returns when spot capacity is taken away from a job.
// One on demand fails by it, as by a fault of the service.
const Interruption = "InternalServerError: the capacity was taken away"

// StepRun is a job that ran to its end.
type StepRun struct {
	Pipeline  string // "" if a job was started on its own
	Execution string // the ARN
	Step      string
	Kind      string // "Processing", "Training"
	Job       string // the job's name
	Attempt   int    // counted from 1
	// Arguments are the job's request with all references resolved.
	Arguments Params
	// Inputs are the files of the inputs (for a training job the channels), by the
	// input's name and the path below its URI; that is "" for an object of its own.
	Inputs map[string]map[string][]byte
	// Checkpoints are the files below the URI for a training job's checkpoints, by
	// their paths; nil for a job that keeps none.
	Checkpoints map[string][]byte
	// Interruptions are how often spot capacity was taken from the job so far.
	Interruptions int
}

// Invocation is a request to an endpoint.
type Invocation struct {
	Endpoint, Config, Variant, Model string
	ContentType, Accept              string
	Body                             []byte
}

// SetHooks replaces the hooks.
func (w *World) SetHooks(h Hooks) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sm().hooks = h
}
