package sagemaker

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The tags that say how far an endpoint's change has come. Each names what it is
// true of, so that a later change does not inherit it.
const (
	tagEndpointBegun   = "mlops:begun"   // revision that SageMaker was told of
	tagEndpointDone    = "mlops:done"    // revision whose every step was taken, "@" and when (Unix seconds)
	tagEndpointPassed  = "mlops:passed"  // configuration and smoke test that it passed, if there was one to pass
	tagEndpointFailure = "mlops:failure" // revision that was given up, ":" and why, compressed
	// tagEndpointNext, on configurations, is what comes when the endpoint is gone:
	// nextRemake or nextSweep. The former is on the endpoint too, until it is gone.
	tagEndpointNext = "mlops:next"
)

// What comes when an endpoint is gone.
const (
	nextRemake = "create" // it had failed, and SageMaker can but delete it: the same again
	nextSweep  = "delete" // the parts that are left are removed
)

// endpointForm is a spec as it is deployed.
type endpointForm struct {
	Spec     mlops.ModelEndpointSpec `json:"spec,omitzero"`
	Revision string                  `json:"revision"`
	Config   string                  `json:"config"` // name of the endpoint configuration
	// Shadow is the name of the configuration in which its variant is a shadow of what
	// was in force before, where its rollout begins with that.
	Shadow  string            `json:"shadow,omitempty"`
	Core    string            `json:"core"`    // mark of what needs a new configuration if it changes
	Types   map[string]string `json:"types"`   // machine types by variant
	Digests map[string]string `json:"digests"` // of the versions, by variant
	// Since is from when on a variant's version has served, where that began with
	// another revision than this one.
	Since    map[string]time.Time     `json:"since,omitempty"`
	Previous map[string]mlops.Serving `json:"previous,omitempty"` // what served before
}

// endpointExtra is what an endpoint's record has beside the spec.
type endpointExtra struct {
	Asked  endpointForm  `json:"asked"` // without Spec, which is the record's
	Before *endpointForm `json:"before,omitempty"`
	// First says that the endpoint was made with this, where there was nothing of a
	// former one: it has a single configuration, and never had a rollout's alarms.
	First bool `json:"first,omitempty"`
}

// endpointFacts is an endpoint as SageMaker shows it, by one look or in a list.
type endpointFacts struct {
	exists   bool
	config   string
	status   types.EndpointStatus
	failure  string
	variants []types.ProductionVariantSummary
	modified time.Time
	tags     map[string]string
}

// endpointState is an endpoint with what its tags say of it.
type endpointState struct {
	endpointFacts

	record  record
	asked   endpointForm
	before  *endpointForm // in force until asked is; nil if nothing ever worked
	strange *endpointForm // in force, and neither of the two
	first   bool          // see endpointExtra
}

// readEndpoint reads the tags.
func readEndpoint(f endpointFacts) (endpointState, error) {
	r, err := recordOf(f.tags)
	if err != nil {
		return endpointState{}, invalid(err)
	}
	var extra endpointExtra
	if len(r.Extra) > 0 {
		if err := json.Unmarshal(r.Extra, &extra); err != nil {
			return endpointState{}, err
		}
	}
	s := endpointState{endpointFacts: f, record: r, asked: extra.Asked, before: extra.Before, first: extra.First}
	s.asked.Revision = r.Revision
	return s, r.into(&s.asked.Spec)
}

// begun reports whether SageMaker was told of what is asked for.
func (s endpointState) begun() bool { return s.tags[tagEndpointBegun] == s.asked.Revision }

// done returns the revision whose every step was taken, and when the last was.
func (s endpointState) done() (revision string, at time.Time) {
	revision, seconds, _ := strings.Cut(s.tags[tagEndpointDone], "@")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		at = time.Unix(n, 0).UTC()
	}
	return revision, at
}

// doneMark is the tag's value that done reads.
func doneMark(revision string, at time.Time) string {
	return revision + "@" + strconv.FormatInt(at.Unix(), 10)
}

// givenUp returns why what is asked for was given up, or "".
func (s endpointState) givenUp() string {
	revision, text, ok := strings.Cut(s.tags[tagEndpointFailure], ":")
	if !ok || revision != s.asked.Revision {
		return ""
	}
	words, err := unpack(text)
	if err != nil {
		return text
	}
	return string(words)
}

// failureMark is the tag's value that givenUp reads. Words that do not fit are cut.
func failureMark(revision, words string) (string, error) {
	for room := maxTagValue; ; room -= 16 {
		for len(words) > room || !utf8.ValidString(words) {
			words = words[:min(room, len(words)-1)]
		}
		text, err := pack([]byte(words))
		if err != nil || len(revision)+1+len(text) <= maxTagValue {
			return revision + ":" + text, err
		}
	}
}

// busy reports whether SageMaker takes no change now.
func (s endpointState) busy() bool { return s.exists && !settledStatus(s.status) }

func (s endpointState) kept() record { return s.record }

// leaving reports whether the endpoint is being deleted for good.
func (s endpointState) leaving() bool {
	if s.exists {
		return s.status == types.EndpointStatusDeleting && s.tags[tagEndpointNext] != nextRemake
	}
	return s.tags[tagEndpointNext] == nextSweep
}

// standing returns what is in force and needs no further step, or nil.
func (s endpointState) standing() *endpointForm {
	revision, _ := s.done()
	switch {
	case !s.exists || !s.begun() || s.status != types.EndpointStatusInService && !s.busy():
		return nil
	case s.config == s.asked.Config && revision == s.asked.Revision:
		return &s.asked
	case s.before != nil && s.config == s.before.Config && revision == s.before.Revision:
		return s.before
	}
	return nil
}

// force returns what is in force, or nil if nothing ever worked.
func (s endpointState) force() *endpointForm {
	switch f := s.standing(); {
	case !s.exists, s.status == types.EndpointStatusFailed:
		return nil
	case f != nil:
		return f
	case s.strange != nil:
		return s.strange
	case s.oneWay():
		return nil
	}
	return s.before
}

// holds reports whether a revision is in force or on its way, so that asking for it
// changes nothing.
func (s endpointState) holds(revision string) bool {
	if s.record.Revision != revision {
		return false
	}
	switch v := s.verdict(); v.phase {
	case mlops.PhasePending:
		return s.givenUp() == ""
	case mlops.PhaseReady:
		return s.inForce().Revision == revision
	case mlops.PhaseFailed, mlops.PhaseDeleting:
	}
	return false
}

// endpointStep is what the next step of a change is.
type endpointStep int

// The steps.
const (
	endpointRest   endpointStep = iota // none, or not yet
	endpointBegin                      // tell SageMaker what is asked for
	endpointShadow                     // what follows when that is a shadow of what is in force
	endpointSettle                     // what follows when that is in service
	endpointRemake                     // create again what had failed
	endpointSweep                      // remove the parts of what is gone
)

// endpointVerdict is how a look is to be taken.
type endpointVerdict struct {
	phase  mlops.Phase
	step   endpointStep
	reason string
}

// verdict says where the endpoint stands on its way.
func (s endpointState) verdict() endpointVerdict {
	if !s.exists || s.status == types.EndpointStatusDeleting {
		return s.verdictOnGone()
	}
	if s.standing() != nil {
		return endpointVerdict{phase: mlops.PhaseReady, reason: s.givenUp()}
	}
	switch s.status {
	case types.EndpointStatusCreating, types.EndpointStatusUpdating, types.EndpointStatusRollingBack, types.EndpointStatusSystemUpdating, types.EndpointStatusDeleting:
		return endpointVerdict{phase: mlops.PhasePending, reason: "SageMaker says " + string(s.status)}
	case types.EndpointStatusFailed, types.EndpointStatusOutOfService, types.EndpointStatusUpdateRollbackFailed, types.EndpointStatusInService:
	}
	switch {
	case !s.begun():
		return endpointVerdict{mlops.PhasePending, endpointBegin, "the change is to begin"}
	case s.status != types.EndpointStatusInService:
		return endpointVerdict{phase: mlops.PhaseFailed, reason: "SageMaker says " + string(s.status) + ": " + s.failure}
	case s.shadowed():
		return s.shadowVerdict(time.Now())
	case s.givenUp() != "" && (s.before == nil || s.oneWay()):
		return endpointVerdict{phase: mlops.PhaseFailed, reason: s.givenUp()}
	case s.strange != nil:
		return endpointVerdict{phase: mlops.PhaseReady, reason: "the endpoint configuration " + s.config + " is in force, which is not of this configuration's making"}
	}
	return endpointVerdict{mlops.PhasePending, endpointSettle, "in service; the smoke test, scaling, explanations and tidying follow"}
}

func (s endpointState) verdictOnGone() endpointVerdict {
	remake := s.tags[tagEndpointNext] == nextRemake
	switch {
	case s.exists && remake:
		return endpointVerdict{phase: mlops.PhasePending, reason: "what had failed is being deleted, to be made again"}
	case s.exists:
		return endpointVerdict{phase: mlops.PhaseDeleting, reason: "SageMaker says " + string(s.status)}
	case remake:
		return endpointVerdict{mlops.PhasePending, endpointRemake, "what had failed is deleted, and to be made again"}
	}
	return endpointVerdict{mlops.PhaseDeleting, endpointSweep, "the endpoint is gone; its models and configurations follow"}
}
