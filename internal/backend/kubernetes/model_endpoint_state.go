package kubernetes

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointForm is a spec as it is served.
type endpointForm struct {
	Spec     mlops.ModelEndpointSpec  `json:"spec,omitzero"` // of what is asked for, the record has it
	Revision string                   `json:"revision,omitempty"`
	Servers  map[string]string        `json:"servers"` // names of the inference services, by variant
	Digests  map[mlops.ID]string      `json:"digests"` // of the versions
	Predict  string                   `json:"predict"` // path at which the servers answer
	Since    map[string]time.Time     `json:"since,omitempty"`
	Previous map[string]mlops.Serving `json:"previous,omitempty"` // what served before
	Ground   ground                   `json:"ground,omitempty"`

	// In Knative mode, the server that the inference service describes, and the names of
	// the revisions that servers are.
	Latest    string            `json:"latest,omitempty"`
	Revisions map[string]string `json:"revisions,omitempty"`
}

// endpointFacts is what an endpoint's record has beside the spec: how far the change
// to it has come.
type endpointFacts struct {
	Asked   endpointForm   `json:"asked"`
	Before  *endpointForm  `json:"before,omitempty"` // in force until Asked is; nil if nothing ever worked
	Begun   time.Time      `json:"begun,omitzero"`   // when the servers were started
	Shadow  time.Time      `json:"shadow,omitzero"`  // since when requests are copied to the new servers
	Done    time.Time      `json:"done,omitzero"`    // since when what is asked for has the traffic
	Failure string         `json:"failure,omitempty"`
	Applied map[string]any `json:"applied"` // by inference service, the spec as the server took it
}

// endpointState is an endpoint as a look finds it.
type endpointState struct {
	held

	facts   endpointFacts
	servers map[string]server
	gateway gatewaySeen
	moved   string // what it still has of its environment as that was, or ""
	bent    string // what somebody changed of its route, or ""

	serverless bool         // it is run in Knative mode
	knative    *knativeSeen // nil where there is nothing of it
}

// server is an inference service as a look finds it.
type server struct {
	spec     json.RawMessage // as the API server has it
	leaving  bool            // it was deleted, and is not gone yet
	ready    bool
	failure  string // why it will not become ready, as far as KServe says so
	progress string // what it waits for
	replicas int64
}

// spec is the spec that was asked for last.
func (e endpointState) spec() mlops.ModelEndpointSpec { return e.facts.Asked.Spec }

// next are the facts of a change that begins: what is in force stays so until the
// change is done.
func (f endpointFacts) next(former record, form endpointForm, asked mlops.ModelEndpointSpec) endpointFacts {
	n := endpointFacts{Asked: form, Before: f.Before, Begun: time.Now().UTC().Truncate(time.Millisecond), Applied: map[string]any{}}
	if !f.Done.IsZero() {
		before := f.Asked
		before.Spec, before.Revision = asked, former.Revision
		n.Before = &before
	}
	if n.Before != nil {
		for _, name := range n.Before.Servers {
			n.Applied[name] = f.Applied[name]
		}
		n.Asked.Previous = n.Before.previousTo(form.Spec)
	}
	return n
}

// previousTo is what served before a change from this form. A rollout in steps that the
// provider drives is one change.
func (f endpointForm) previousTo(next mlops.ModelEndpointSpec) map[string]mlops.Serving {
	variants := f.Spec.Variants
	if f.Spec.Transition != nil {
		variants = f.Spec.Transition.From
	}
	if next.Transition != nil || mlops.DigestOf(variants) == mlops.DigestOf(next.Variants) {
		return f.Previous
	}
	out := map[string]mlops.Serving{}
	for name, v := range variants {
		out[name] = mlops.Serving{Version: v.Version, Digest: f.Digests[v.Version], Traffic: v.Traffic}
	}
	return out
}

// force is what has the traffic, or nil if nothing ever had.
func (f endpointFacts) force() *endpointForm {
	if !f.Done.IsZero() {
		return &f.Asked
	}
	return f.Before
}

// live are the names of the servers that are to be there.
func (e endpointState) live() []string {
	names := map[string]bool{}
	if e.facts.Failure == "" {
		for _, name := range e.facts.Asked.Servers {
			names[name] = true
		}
	}
	if b := e.facts.Before; b != nil && (e.facts.Done.IsZero() || time.Now().Before(e.keptUntil())) {
		for _, name := range b.Servers {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// keptUntil is until when what was replaced stays warm.
func (e endpointState) keptUntil() time.Time {
	if e.serverless || e.facts.Before == nil || e.facts.Done.IsZero() || e.spec().Transition != nil || e.wentBack() {
		return e.facts.Done
	}
	return e.facts.Done.Add(e.spec().Rollout.Previous(0))
}

// wentBack reports whether what has the traffic is what had it before a rollout in
// steps, which failed: nobody needs a quick way back to that.
func (e endpointState) wentBack() bool {
	t := e.facts.Before.Spec.Transition
	return t != nil && mlops.DigestOf(t.From) == mlops.DigestOf(e.spec().Variants)
}

// surplus are the names of the servers that are not needed any more.
func (e endpointState) surplus() []string {
	if e.serverless {
		if n := e.knative; n != nil && !n.leaving && e.facts.Failure != "" && e.facts.Before == nil {
			return e.services()
		}
		return nil
	}
	live := e.live()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.servers)) {
		if !slices.Contains(live, name) && !e.servers[name].leaving {
			out = append(out, name)
		}
	}
	return out
}

// departing is the first server that was removed and is not gone yet, or "". Until it is,
// a change is not over: the next one might ask for the same server.
func (e endpointState) departing() string {
	if e.serverless {
		if n := e.knative; n != nil && n.leaving && e.facts.Failure != "" && e.facts.Before == nil {
			return n.name
		}
		return ""
	}
	live := e.live()
	for _, name := range slices.Sorted(maps.Keys(e.servers)) {
		if e.servers[name].leaving && !slices.Contains(live, name) {
			return name
		}
	}
	return ""
}

// keeping reports whether servers that were replaced are kept warm now.
func (e endpointState) keeping() bool {
	if e.facts.Before == nil || e.facts.Done.IsZero() || !time.Now().Before(e.keptUntil()) {
		return false
	}
	for _, name := range e.facts.Before.Servers {
		if _, there := e.servers[name]; there && !slices.Contains(slices.Collect(maps.Values(e.facts.Asked.Servers)), name) {
			return true
		}
	}
	return false
}

// flaw says what of the form in force somebody changed, or "".
func (e endpointState) flaw() string {
	f := e.facts.force()
	if f == nil {
		return ""
	}
	if e.moved != "" {
		return e.moved
	}
	if e.serverless {
		return e.knativeFlaw()
	}
	for _, variant := range slices.Sorted(maps.Keys(f.Servers)) {
		if words := e.flawOf(f.Servers[variant]); words != "" {
			return words
		}
	}
	shares := map[string]int64{}
	for _, b := range f.backends() {
		shares[strings.TrimSuffix(b.Name, "-predictor")] = *b.Weight
	}
	if !maps.Equal(shares, e.shares()) {
		return cmp.Or(e.bent, flawOfWeights)
	}
	return e.bent
}

// flawOfWeights is said of a route whose weights are others than asked for.
const flawOfWeights = "somebody changed the weights of the HTTPRoute"

// flawOf says what somebody did to a server, or "".
func (e endpointState) flawOf(name string) string {
	of, there := e.servers[name]
	if !there || of.leaving {
		return "the InferenceService " + name + " is gone"
	}
	var live any
	if err := json.Unmarshal(of.spec, &live); err != nil {
		return ""
	}
	if at := missing(e.facts.Applied[name], live, "spec"); at != "" {
		return "somebody changed " + at + " of the InferenceService " + name
	}
	return ""
}

// echo is what an object has at the paths that a manifest's spec mentions: lists, which
// KServe adds to, are taken as they are.
func (m manifest) echo(have *unstructured.Unstructured) (any, error) {
	want, err := plain(m.content["spec"])
	if err != nil {
		return nil, err
	}
	live, err := plain(have.Object["spec"])
	return echo(want, live), err
}

func echo(want, have any) any {
	w, ok := want.(map[string]any)
	h, both := have.(map[string]any)
	if !ok || !both {
		return have
	}
	out := map[string]any{}
	for key := range w {
		if v, there := h[key]; there {
			out[key] = echo(w[key], v)
		}
	}
	return out
}

// plain is a value as JSON has it.
func plain(v any) (out any, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out)
}
