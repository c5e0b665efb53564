package mlops

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// ModelEndpointSpec is a live endpoint with variants.
type ModelEndpointSpec struct {
	Environment ID                 `json:"environment"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Labels      map[string]string  `json:"labels"`
	Variants    map[string]Variant `json:"variants"`
	Rollout     *Rollout           `json:"rollout,omitempty"`
	Capture     *Capture           `json:"capture,omitempty"`
	SmokeTest   *SmokeTest         `json:"smoke_test,omitempty"`
	Timeout     Duration           `json:"request_timeout,omitempty"` // of one request; default 60s
	Schedule    *UpTime            `json:"schedule,omitempty"`
	Access      string             `json:"access"`              // one of Accesses; empty is open
	Overrides   string             `json:"overrides,omitempty"` // JSON, merged into the platform's own requests

	DeletionProtection bool `json:"deletion_protection"`

	// Transition is a rollout that the provider drives from outside, on a
	// platform that has only plain weights: Variants then hold a step of it.
	// Backends keep it with the rest and otherwise leave it alone.
	Transition *Transition `json:"transition,omitempty"`
}

// Transition is how far a rollout is that the provider drives.
type Transition struct {
	From map[string]Variant `json:"from"` // what was in force before, by variant
	To   map[string]Variant `json:"to"`   // what is asked for
	Step int64              `json:"step"` // of Rollout.Stages, from 0
}

// UpTime says when an endpoint serves: from each time of Up to the next of Down.
// While it is down it has no servers and answers 503.
type UpTime struct {
	Up       string `json:"up"`                 // cron, five fields
	Down     string `json:"down"`               // cron, five fields
	Timezone string `json:"timezone,omitempty"` // IANA name; empty is UTC
}

// Accesses lists who may send requests to an endpoint: anybody who reaches it,
// or bearers of its token.
func Accesses() []string { return []string{AccessOpen, AccessToken} }

// The accesses.
const (
	AccessOpen  = "open"
	AccessToken = "token"
)

// Variant is one version served with a share of the traffic.
type Variant struct {
	Version ID                `json:"version"`
	Traffic int64             `json:"traffic"` // percent; all variants sum to 100
	Compute *Compute          `json:"compute,omitempty"`
	Scaling *Scaling          `json:"scaling,omitempty"`
	Env     map[string]string `json:"env"`
	Startup Duration          `json:"startup_timeout,omitempty"` // from start to ready; default 5m
}

// Scaling bounds the number of replicas; within them the autoscaler owns it.
type Scaling struct {
	Min         *int64   `json:"min,omitempty"`         // default 1; 0 lets an idle variant sleep
	Max         *int64   `json:"max,omitempty"`         // default the larger of 1 and min
	Concurrency *int64   `json:"concurrency,omitempty"` // requests in flight that one replica should have; default 8
	IdleAfter   Duration `json:"idle_after,omitempty"`  // with min 0, how long without a request until sleep; default 5m
}

// Bounds returns the effective bounds and target of a scaling that may be nil.
func (s *Scaling) Bounds() (minReplicas, maxReplicas, concurrency int64) {
	minReplicas, concurrency = 1, 8
	if s == nil {
		return 1, 1, concurrency
	}
	if s.Min != nil {
		minReplicas = *s.Min
	}
	if s.Concurrency != nil {
		concurrency = *s.Concurrency
	}
	maxReplicas = max(1, minReplicas)
	if s.Max != nil {
		maxReplicas = *s.Max
	}
	return minReplicas, maxReplicas, concurrency
}

// Capture keeps a share of requests and responses.
type Capture struct {
	SamplePercent int64 `json:"sample_percent"` // 0 to 100
}

// SmokeTest is a request that a new version must answer before it gets traffic.
type SmokeTest struct {
	Request string   `json:"request"`           // JSON body
	Status  int64    `json:"expect_status"`     // HTTP status
	Timeout Duration `json:"timeout,omitempty"` // default 30s
}

// ModelEndpointStatus is what the platform owns of an endpoint.
type ModelEndpointStatus struct {
	URL      string             `json:"url"`
	Serving  map[string]Serving `json:"serving"`  // by variant: what really answers
	Replicas map[string]int64   `json:"replicas"` // by variant, ready ones

	Rollout  *RolloutStatus     `json:"rollout,omitempty"`  // of the last change, or of the one under way
	Previous map[string]Serving `json:"previous,omitempty"` // what served before the last change, by variant
	// PreviousUntil is until when the servers of Previous stay warm; zero if they
	// are gone.
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	Asleep        bool      `json:"asleep,omitempty"` // down by its schedule
	// Resolved is by variant the machine type that the platform resolved its
	// compute to, where the platform has types.
	Resolved map[string]string `json:"resolved,omitempty"`
	// MonthlyUSD is about what the machines of the least number of replicas cost in
	// a month of 730 hours, without tax and traffic; nil where that is not known.
	MonthlyUSD *float64 `json:"monthly_usd,omitempty"`
}

// RolloutStatus is how a rollout stands, or how it ended.
type RolloutStatus struct {
	Revision  string             `json:"revision"` // of the change that it brings
	Strategy  string             `json:"strategy"`
	State     string             `json:"state"`     // RolloutRunning, RolloutDone or RolloutRolledBack
	Step      int64              `json:"step"`      // the one under way or the last, from 1; 0 before the first
	Steps     int64              `json:"steps"`     // how many there are
	Percent   int64              `json:"percent"`   // on the new versions now
	Candidate map[string]Serving `json:"candidate"` // the new versions, by variant
	Figures   Figures            `json:"figures"`   // of the new versions in this step
	Reason    string             `json:"reason,omitempty"`
	StartedAt time.Time          `json:"started_at"`
	StepAt    time.Time          `json:"step_at,omitzero"` // start of this step
	EndedAt   time.Time          `json:"ended_at,omitzero"`
}

// The states of a rollout.
const (
	RolloutRunning    = "running"
	RolloutDone       = "done"
	RolloutRolledBack = "rolled_back"
)

// Credentials is what a client needs to send requests to an endpoint.
type Credentials struct {
	URL     string
	Token   string // empty where the endpoint asks for none
	Headers map[string]string
	Expires time.Time // zero if they do not
}

// Credentialer is the Kind of endpoints of a platform that can give credentials
// out. They are secrets: they must not be kept.
type Credentialer interface {
	Credentials(ctx context.Context, ref ID) (Credentials, error)
}

// Measurer is the Kind of endpoints of a platform whose figures can be asked
// for: of each variant, from a time until now. The provider needs it where it
// drives a rollout itself.
type Measurer interface {
	Measure(ctx context.Context, ref ID, since time.Time) (map[string]Figures, error)
}

// Prober is the Kind of endpoints of a platform that can be asked to send an
// endpoint's smoke test to one of its variants once more. Another answer than
// the one expected is code Failed. The provider needs it where it drives a
// rollout itself.
type Prober interface {
	Probe(ctx context.Context, ref ID, variant string) error
}

// Serving is what really answers for one variant.
type Serving struct {
	Version ID     `json:"version"`
	Digest  string `json:"digest"`
	Traffic int64  `json:"traffic"`
	// Since is from when on Version has answered for this variant with any of the
	// traffic, whatever else was changed since; zero where that is not known.
	Since time.Time `json:"since,omitzero"`
}

// ID returns the endpoint's ID, empty while the environment is unknown.
func (s ModelEndpointSpec) ID() ID { return s.Environment.Child(NounModelEndpoint, s.Name) }

// Validate checks what every backend refuses.
func (s ModelEndpointSpec) Validate(c *Checker) {
	checkLabels(c, At("labels"), s.Labels)
	if len(s.Variants) == 0 {
		c.Add(At("variants"), "No variants", "An endpoint needs at least one variant.")
	}
	s.validateTraffic(c)
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		v := s.Variants[name]
		v.validate(c, At("variants", Key(name)), name)
	}
	s.Rollout.validate(c, At("rollout"), s.SmokeTest)
	s.validateAccess(c)
	if p := s.Capture; p != nil && (p.SamplePercent < 0 || p.SamplePercent > 100) {
		c.Add(At("capture", "sample_percent"), "Not a percentage", "sample_percent is from 0 to 100; it is %d.", p.SamplePercent)
	}
	s.SmokeTest.validate(c, At("smoke_test"))
	checkPositive(c, At("request_timeout"), s.Timeout)
	checkOverrides(c, At("overrides"), s.Overrides)
}

func (s ModelEndpointSpec) validateAccess(c *Checker) {
	if s.Access != "" && !slices.Contains(Accesses(), s.Access) {
		c.Add(At("access"), "Unknown access", "%q is no access; use one of %s.%s", s.Access, strings.Join(Accesses(), ", "), DidYouMean(s.Access, Accesses()))
	}
	if u := s.Schedule; u != nil && (u.Up == "" || u.Down == "") {
		c.AddIf(At("schedule"), []Path{At("schedule")}, "Half a schedule", "Give both up and down: when the endpoint starts to serve, and when it stops.")
	}
}

func (s ModelEndpointSpec) validateTraffic(c *Checker) {
	var sum int64
	needs := []Path{}
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		at, v := At("variants", Key(name), "traffic"), s.Variants[name]
		needs = append(needs, at)
		if v.Traffic < 0 || v.Traffic > 100 {
			c.Add(at, "Not a percentage", "traffic is a percentage from 0 to 100; it is %d.", v.Traffic)
		}
		sum += v.Traffic
	}
	if len(s.Variants) > 0 && sum != 100 {
		c.AddIf(At("variants"), needs, "Traffic does not sum to 100", "The variants' traffic sums to %d; it must sum to 100.", sum)
	}
}

func (v Variant) validate(c *Checker, at Path, name string) {
	PortableName().CheckName(c, at, name)
	v.Compute.validate(c, at.With("compute"))
	checkPositive(c, at.With("startup_timeout"), v.Startup)
	if v.Version != "" {
		if _, err := v.Version.ParseAs(NounModelVersion); err != nil {
			c.Add(at.With("version"), "Not a model version", "%s.", err)
		}
	}
	low, high, concurrency := v.Scaling.Bounds()
	scaling := at.With("scaling")
	if low < 0 {
		c.Add(scaling.With("min"), "Negative replicas", "min is 0 or more.")
	}
	if high < max(1, low) {
		c.AddIf(scaling.With("max"), []Path{scaling.With("min"), scaling.With("max")}, "Bounds crossed", "max (%d) must be at least 1 and not below min (%d).", high, low)
	}
	if concurrency < 1 {
		c.Add(scaling.With("target", "concurrency"), "Concurrency too low", "One request in flight is the least that a replica can have.")
	}
}

func (t *SmokeTest) validate(c *Checker, at Path) {
	if t == nil {
		return
	}
	if !json.Valid([]byte(t.Request)) {
		c.Add(at.With("request"), "Invalid JSON", "The smoke test's request must be JSON; write it with jsonencode.")
	}
	if t.Status < 100 || t.Status > 599 {
		c.Add(at.With("expect_status"), "Not an HTTP status", "%d is no HTTP status; 200 is the usual one.", t.Status)
	}
	checkPositive(c, at.With("timeout"), t.Timeout)
}

// Uses lists the features asked for.
func (s ModelEndpointSpec) Uses() []Use {
	u := []Use{}
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		u = append(u, s.Variants[name].uses(At("variants", Key(name)))...)
	}
	u = append(u, s.Rollout.uses(At("rollout"))...)
	if s.Schedule != nil {
		u = append(u, Use{FeatureEndpointSchedule, At("schedule")})
	}
	if s.Access == AccessToken {
		u = append(u, Use{FeatureEndpointToken, At("access")})
	}
	if s.DeletionProtection {
		u = append(u, Use{FeatureEndpointProtect, At("deletion_protection")})
	}
	if s.Capture != nil {
		u = append(u, Use{FeatureEndpointCapture, At("capture")})
	}
	if s.SmokeTest != nil {
		u = append(u, Use{FeatureEndpointSmokeTest, At("smoke_test")})
	}
	if s.Overrides != "" {
		u = append(u, Use{FeatureEndpointOverrides, At("overrides")})
	}
	return u
}

// uses lists the features that a variant asks for.
func (v Variant) uses(at Path) []Use {
	var u []Use
	if v.Traffic != 100 {
		u = append(u, Use{FeatureEndpointSplit, at.With("traffic")})
	}
	if v.Scaling != nil {
		u = append(u, Use{FeatureEndpointScaling, at.With("scaling")})
		if v.Scaling.Min != nil && *v.Scaling.Min == 0 {
			u = append(u, Use{FeatureEndpointScaleToZero, at.With("scaling", "min")})
		}
	}
	if v.Compute == nil {
		return u
	}
	compute := at.With("compute")
	if v.Compute.Accelerator != nil {
		u = append(u, Use{FeatureEndpointGPU, compute.With("accelerator")})
	}
	if v.Compute.Native != "" {
		u = append(u, Use{FeatureEndpointNative, compute.With("native")})
	}
	if v.Compute.Disk != 0 {
		u = append(u, Use{FeatureEndpointDisk, compute.With("disk")})
	}
	return u
}
