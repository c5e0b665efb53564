package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultStartup is how long a server may take from its start until it is ready.
const defaultStartup = 5 * time.Minute

// endpointStep is what the next step of a change is.
type endpointStep int

// The steps.
const (
	endpointRest   endpointStep = iota // none, or not yet
	endpointGiveUp                     // keep what is in force, and say why
	endpointSwitch                     // prove the new servers, and move the traffic
	endpointSweep                      // remove servers that are not needed any more
	endpointFinish                     // remove the rest of what was deleted
)

// endpointVerdict is how a look is to be taken.
type endpointVerdict struct {
	phase  mlops.Phase
	step   endpointStep
	reason string
	wait   time.Duration
}

// verdict says where an endpoint stands on its way.
func (e endpointState) verdict() endpointVerdict {
	switch {
	case isLeaving(e.object):
		return e.leavingVerdict()
	case e.record.Spec == nil:
		return endpointVerdict{phase: mlops.PhaseFailed, reason: "its creation was interrupted; apply it again"}
	case e.facts.Failure != "":
		return e.failedVerdict()
	case !e.facts.Done.IsZero():
		return e.doneVerdict()
	}
	return e.startVerdict()
}

// leavingVerdict is of an endpoint that was deleted.
func (e endpointState) leavingVerdict() endpointVerdict {
	for _, name := range e.services() {
		return endpointVerdict{mlops.PhaseDeleting, endpointFinish, "the InferenceService " + name + " is being removed", 0}
	}
	if words := lingering(e.object); words != "" {
		return endpointVerdict{phase: mlops.PhaseDeleting, reason: words}
	}
	return endpointVerdict{mlops.PhaseDeleting, endpointFinish, "its servers are gone; the route follows", 0}
}

// failedVerdict is of a change that was given up.
func (e endpointState) failedVerdict() endpointVerdict {
	switch {
	case len(e.surplus()) > 0:
		return endpointVerdict{mlops.PhasePending, endpointSweep, e.facts.Failure, 0}
	case e.departing() != "":
		return endpointVerdict{phase: mlops.PhasePending, reason: e.facts.Failure}
	case e.facts.Before == nil:
		return endpointVerdict{phase: mlops.PhaseFailed, reason: e.facts.Failure}
	case e.serverless:
		if v, restoring := e.restoreVerdict(); restoring {
			return v
		}
	}
	return endpointVerdict{phase: mlops.PhaseReady, reason: e.facts.Failure}
}

// doneVerdict is of an endpoint whose traffic is where it is to be.
func (e endpointState) doneVerdict() endpointVerdict {
	if words := e.routeProblem(); words != "" {
		return endpointVerdict{phase: mlops.PhasePending, reason: words}
	}
	if e.keeping() {
		left := time.Until(e.keptUntil())
		return endpointVerdict{mlops.PhasePending, endpointRest, "what served before is kept until " + e.keptUntil().Format(time.RFC3339), left}
	}
	if len(e.surplus()) > 0 {
		return endpointVerdict{mlops.PhasePending, endpointSweep, "servers that are not needed any more are being removed", 0}
	}
	if name := e.departing(); name != "" {
		return endpointVerdict{phase: mlops.PhasePending, reason: "the InferenceService " + name + ", which is not needed any more, is being removed"}
	}
	if words := e.flaw(); words != "" {
		return endpointVerdict{phase: mlops.PhaseReady, reason: words}
	}
	return endpointVerdict{phase: mlops.PhaseReady, reason: e.trouble()}
}

// trouble says of servers in force that they are not ready, or "".
func (e endpointState) trouble() string {
	for _, variant := range slices.Sorted(maps.Keys(e.facts.Asked.Servers)) {
		if s := e.servers[e.facts.Asked.Servers[variant]]; !s.ready {
			return fmt.Sprintf("variant %q: %s", variant, s.words())
		}
	}
	return ""
}

// startVerdict is of a change whose servers are being started.
func (e endpointState) startVerdict() endpointVerdict {
	var waits []string
	for _, variant := range slices.Sorted(maps.Keys(e.facts.Asked.Servers)) {
		s, there := e.servers[e.facts.Asked.Servers[variant]]
		limit := e.spec().Variants[variant].Startup.Or(defaultStartup)
		switch {
		case !there:
			return endpointVerdict{mlops.PhasePending, endpointGiveUp, fmt.Sprintf("variant %q: somebody deleted its server", variant), 0}
		case s.failure != "":
			return endpointVerdict{mlops.PhasePending, endpointGiveUp, fmt.Sprintf("variant %q: %s", variant, s.failure), 0}
		case s.ready:
		case time.Since(e.facts.Begun) > limit:
			return endpointVerdict{mlops.PhasePending, endpointGiveUp, fmt.Sprintf("variant %q is not ready after startup_timeout = %s: %s", variant, limit, s.words()), 0}
		default:
			waits = append(waits, fmt.Sprintf("variant %q: %s", variant, s.words()))
		}
	}
	if len(waits) > 0 {
		return endpointVerdict{phase: mlops.PhasePending, reason: strings.Join(waits, "; ")}
	}
	return e.readyVerdict()
}

// readyVerdict is of a change whose servers are ready.
func (e endpointState) readyVerdict() endpointVerdict {
	if words := e.routeRefused(); words != "" {
		return endpointVerdict{mlops.PhasePending, endpointGiveUp, words, 0}
	}
	if words := e.routeProblem(); words != "" {
		return endpointVerdict{phase: mlops.PhasePending, reason: words}
	}
	if at := e.facts.Shadow; !at.IsZero() {
		if left := time.Until(at.Add(e.spec().Rollout.Bake.Or(mlops.DefaultBake))); left > 0 {
			return endpointVerdict{mlops.PhasePending, endpointRest, "the new versions get copies of requests until " + time.Now().Add(left).Format(time.RFC3339), left}
		}
	}
	return endpointVerdict{mlops.PhasePending, endpointSwitch, "the new servers are ready; they are proven, and then get the traffic", 0}
}

// words say what a server waits for.
func (s server) words() string {
	switch {
	case s.failure != "":
		return s.failure
	case s.progress != "":
		return s.progress
	}
	return "KServe has not begun with it"
}
