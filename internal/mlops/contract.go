package mlops

import (
	"context"
	"time"
)

// Phase is where a remote object stands on its way.
type Phase string

// The phases. An object that is gone has none: Get answers NotFound.
const (
	PhasePending  Phase = "pending"  // work is under way
	PhaseReady    Phase = "ready"    // nothing is under way and Revision is in force
	PhaseFailed   Phase = "failed"   // the platform gave up; Reason says why
	PhaseDeleting Phase = "deleting" // on its way to being gone
)

// Change is the platform's receipt for an accepted Create or Update.
type Change struct {
	// Ref is the object's stable identity. For an immutable noun (a run, a
	// version) Update may return the Ref of a successor; the former object then
	// stays as history.
	Ref ID
	// Revision is an opaque mark of the spec that was accepted. The change is
	// done when Get shows the object ready with this Revision.
	Revision string
}

// Observed is one look at a remote object.
type Observed[Spec, Status any] struct {
	Ref      ID
	Spec     Spec              // the spec in force, as the platform has it
	Status   Status            // what the platform owns
	Phase    Phase             //
	Revision string            // mark of the spec in force; another than the one asked for, when ready, means a rollback
	Reason   string            // one human line on the phase, with the tail of a log where there is one
	Native   map[string]string // the platform's own ids, ARNs and links, to join other providers' resources
	Wait     time.Duration     // a hint: not worth looking again sooner; zero is no hint
	// Due says that the next of several steps of a change can be taken now, by
	// Advancer. The phase stays pending, or deleting, until none is left.
	Due bool
}

// Kind is one noun on one backend. No method waits for the platform to finish:
// each starts work or takes one look. All are safe for concurrent use. Errors
// are the platform's own, to be classified by Backend.Code; context errors are
// returned untouched.
type Kind[Spec, Status any] interface {
	// Create starts the creation. It is idempotent for the same identity and
	// owner: repeated after an interruption it adopts what exists and brings it
	// to spec. A name that belongs to another owner is AlreadyExists. If the
	// remote object may exist, Change.Ref is set even with an error.
	Create(ctx context.Context, spec Spec) (Change, error)
	// Get takes one cheap look. An object that is gone is NotFound.
	Get(ctx context.Context, ref ID) (Observed[Spec, Status], error)
	// Update starts a change to spec. An object that already has this spec is
	// left alone and its present revision returned.
	Update(ctx context.Context, ref ID, spec Spec) (Change, error)
	// Delete starts the deletion. Deleting what is gone is NotFound, which
	// callers treat as success.
	Delete(ctx context.Context, ref ID) error
}

// Advancer is a Kind whose changes take several steps on its platform, each
// possible only when the one before has settled there: an autoscaler that can be
// told of an endpoint only once that serves. Where a look shows Observed.Due,
// the caller takes the next step and looks again. A step that was taken already
// is taken once more without harm, and one that nobody takes is shown by the
// spec in force, which then lacks what it would have brought.
type Advancer interface {
	Advance(ctx context.Context, ref ID) error
}

// Lister is a Kind whose platform can answer for many objects at once. List
// returns every object of the kind under a parent (an environment for most
// nouns; a pipeline or a model for runs and versions).
type Lister[Spec, Status any] interface {
	List(ctx context.Context, parent ID) ([]Observed[Spec, Status], error)
}

// Surveyor is a Lister that answers for a whole environment as cheaply as for one
// parent in it. Survey returns every object of the kind in an environment, under
// whichever parent.
type Surveyor[Spec, Status any] interface {
	Survey(ctx context.Context, environment ID) ([]Observed[Spec, Status], error)
}

// Planner is a Kind that can tell, before anything is changed, the content
// digest that a spec's outside bytes have right now (a file that the spec
// names, which may change while the spec does not). The empty digest means
// that it cannot be known yet.
type Planner[Spec any] interface {
	Digest(ctx context.Context, spec Spec) (string, error)
}

// Preflighter is a Kind that can check a spec against its platform without
// changing anything: names taken, quotas, types that do not exist.
type Preflighter[Spec any] interface {
	Preflight(ctx context.Context, spec Spec, c *Checker) error
}

// Forewarner is a Kind that can tell what its platform has too little of for a spec:
// quotas. It is asked at plan even while parts of the spec are not known, which the
// Checker knows, and warns at most.
type Forewarner[Spec any] interface {
	Forewarn(ctx context.Context, spec Spec, c *Checker) error
}

// Backend is one platform, opened. Each accessor returns that noun's Kind.
type Backend interface {
	Environments() Kind[EnvironmentSpec, EnvironmentStatus]
	Pipelines() Kind[PipelineSpec, PipelineStatus]
	PipelineRuns() Kind[PipelineRunSpec, PipelineRunStatus]
	Models() Kind[ModelSpec, ModelStatus]
	ModelVersions() Kind[ModelVersionSpec, ModelVersionStatus]
	ModelEndpoints() Kind[ModelEndpointSpec, ModelEndpointStatus]
	Experiments() Kind[ExperimentSpec, ExperimentStatus]
	Datasets() Kind[DatasetSpec, DatasetStatus]
	Monitors() Kind[MonitorSpec, MonitorStatus]

	// Code sorts one of this backend's raw errors into a code.
	Code(err error) Code
	// Close lets go of connections. Nothing remote is changed.
	Close() error
}

// Factory describes a backend and opens it. It is data: the provider block,
// the environment's target attribute, their docs and the portability guide are
// built from it.
type Factory struct {
	Name         string       // as in IDs and HCL: "local"
	Summary      string       // one sentence for the docs
	Settings     []Setting    // the backend's object in the provider block
	Target       []Setting    // the backend's object in an environment
	Capabilities Capabilities //
	// Scope returns the ID segments between the backend's and the environment's
	// name (region, project, …), from the provider's and the target's settings.
	Scope func(provider, target Settings) ([]string, error)
	// Open connects. It must not start or change anything remote: it runs at
	// plan time too.
	Open func(ctx context.Context, options Options) (Backend, error)
	// Catalogue returns the platform's types of machines. Nil where asks for
	// compute are met as they are, without types.
	Catalogue func() Catalogue
}

// Options is what a backend gets to know when it is opened.
type Options struct {
	Settings Settings // the provider block's object for this backend, environment variables applied
	Owner    string   // stamp of the configuration that acts; see Kind.Create
	Version  string   // the provider's version, for user agents and engine upgrades
}

// SettingType is the type of a Setting's value.
type SettingType int

// The setting types and the Go type that Settings holds for each.
const (
	StringSetting SettingType = iota // string
	IntSetting                       // int64
	BoolSetting                      // bool
	ListSetting                      // []string
	MapSetting                       // map[string]string
)

// Setting describes one attribute of a backend's own.
type Setting struct {
	Name      string
	Doc       string
	Type      SettingType
	Env       string // environment variable that serves as default; provider settings only
	Required  bool
	Sensitive bool
	Replace   bool // changing it replaces the environment; target settings only
	// WriteOnly is a secret that no state and no plan has: a backend finds it in
	// Target.Secrets, keeps it sealed, and never gives it back. Target settings of
	// texts and maps only.
	WriteOnly bool
}

// Settings holds the values of a backend's own attributes by name. A value
// that was not given is absent.
type Settings map[string]any

// String returns a string value, or "".
func (s Settings) String(name string) string { v, _ := s[name].(string); return v }

// Int returns an integer value, or 0.
func (s Settings) Int(name string) int64 {
	switch v := s[name].(type) {
	case int64:
		return v
	case float64: // a spec that went through JSON
		return int64(v)
	}
	return 0
}

// Bool returns a boolean value, or false.
func (s Settings) Bool(name string) bool { v, _ := s[name].(bool); return v }

// Map returns a map value, or nil.
func (s Settings) Map(name string) map[string]string {
	switch v := s[name].(type) {
	case map[string]string:
		return v
	case map[string]any: // a spec that went through JSON
		out := make(map[string]string, len(v))
		for k, e := range v {
			if t, ok := e.(string); ok {
				out[k] = t
			}
		}
		return out
	}
	return nil
}

// List returns a list value, or nil.
func (s Settings) List(name string) []string {
	switch v := s[name].(type) {
	case []string:
		return v
	case []any: // a spec that went through JSON
		out := make([]string, 0, len(v))
		for _, e := range v {
			if t, ok := e.(string); ok {
				out = append(out, t)
			}
		}
		return out
	}
	return nil
}
