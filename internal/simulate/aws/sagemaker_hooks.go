package aws

// Hooks let a test play what on AWS is the user's code, or chance. They run with
// the world locked, so they must not call it. All are optional.
type Hooks struct {
	// FailModel says why a container of a model does not start, or "" if it does.
	// An endpoint that is created with it fails; one that is updated rolls back.
	FailModel func(model string) string
	// RunStep does the work of a processing or training job: it returns what the
	// job writes, by the name of the output (for a training job "model"), or why
	// it fails. Where an output is missing, a small file is written for it.
	RunStep func(StepRun) (outputs map[string][]byte, failure string)
	// Invoke answers a request to an endpoint.
	Invoke func(Invocation) (status int, body []byte)
	// SilentRollback leaves no FailureReason after a rollback. AWS does either:
	// users report both (terraform-provider-aws, issues 39099 and 48997).
	SilentRollback bool
}

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
