package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// knativeInference is as much of an inference service as a look reads in Knative mode.
type knativeInference struct {
	inferenceService

	Metadata struct {
		Name              string            `json:"name"`
		Labels            map[string]string `json:"labels"`
		Annotations       map[string]string `json:"annotations"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		inferenceStatus

		URL        string `json:"url"`
		Components struct {
			Predictor struct {
				RolledOut string `json:"latestRolledoutRevision"`
			} `json:"predictor"`
		} `json:"components"`
	} `json:"status"`
}

// knativeService is as much of a service of Knative's as a look reads.
type knativeService struct {
	Metadata struct {
		Name       string `json:"name"`
		Generation int64  `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64          `json:"observedGeneration"`
		Created            string         `json:"latestCreatedRevisionName"`
		Conditions         []condition    `json:"conditions"`
		Traffic            []knativeShare `json:"traffic"`
	} `json:"status"`
}

// knativeShare is the share of the traffic that a revision has. That of the latest
// revision goes on to the next one when that is ready.
type knativeShare struct {
	Revision string `json:"revisionName"`
	Percent  int64  `json:"percent"`
	Latest   bool   `json:"latestRevision"`
}

// knativeSeen is an endpoint's inference service in Knative mode, with what Knative says
// of it.
type knativeSeen struct {
	name      string
	spec      json.RawMessage
	leaving   bool
	url       string
	server    string // that it describes
	share     int64  // of that server, as far as it says
	rolledOut string // the revision that had all traffic last
	progress  string // what KServe waits for
	service   knativeService
}

// seen reads an inference service.
func (o knativeInference) seen() *knativeSeen {
	n := &knativeSeen{
		name: o.Metadata.Name, spec: bytes.Clone(o.Spec), leaving: o.Metadata.DeletionTimestamp != "", url: o.Status.URL,
		server: o.Metadata.Labels[labelServer], rolledOut: o.Status.Components.Predictor.RolledOut, share: 100,
	}
	var spec struct {
		Predictor struct {
			Share *int64 `json:"canaryTrafficPercent"`
		} `json:"predictor"`
	}
	if err := json.Unmarshal(o.Spec, &spec); err == nil && spec.Predictor.Share != nil {
		n.share = *spec.Predictor.Share
	}
	o.inferenceService.Status = o.Status.inferenceStatus
	s := o.server()
	n.progress = cmp.Or(s.failure, s.progress)
	return n
}

// knatives lists the inference services of endpoints, by endpoint, with what Knative
// says of each.
func (p place) knatives(ctx context.Context, selector string) (map[mlops.ID]*knativeSeen, error) {
	out, byName := map[mlops.ID]*knativeSeen{}, map[string]*knativeSeen{}
	err := p.cluster.each(ctx, kindInferenceService, p.namespace, selector, func(raw []byte) error {
		var o knativeInference
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		n := o.seen()
		out[mlops.ID(o.Metadata.Annotations[noteID])], byName[predictor(n.name)] = n, n
		return nil
	})
	if withoutKind(err) != nil {
		return nil, err
	}
	err = p.cluster.each(ctx, kindKnativeService, p.namespace, selector, func(raw []byte) error {
		var o knativeService
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if n := byName[o.Metadata.Name]; n != nil {
			n.service = o
		}
		return nil
	})
	return out, withoutKind(err)
}

// revision is the revision that Knative has made of what the inference service
// describes, and which is ready; "" before.
func (n *knativeSeen) revision() string {
	if n.made() == "" || n.service.condition("ConfigurationsReady").Status != "True" {
		return ""
	}
	return n.made()
}

// made is that revision whether it is ready or not; "" where KServe or Knative have yet
// to learn of it.
func (n *knativeSeen) made() string {
	of := n.service
	if n.server == "" || of.Spec.Template.Metadata.Labels[labelServer] != n.server || of.Status.ObservedGeneration != of.Metadata.Generation ||
		of.condition("ConfigurationsReady").Reason == "OutOfDate" {
		return ""
	}
	return of.Status.Created
}

func (o knativeService) condition(kind string) condition {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

// words say what a revision that is not ready waits for.
func (n *knativeSeen) words() string {
	if c := n.service.condition("ConfigurationsReady"); n.made() != "" && c.Status != "True" && c.Reason+c.Message != "" {
		return "Knative says of the revision " + n.made() + " " + strings.TrimSuffix(c.Reason+": "+c.Message, ": ")
	}
	return n.progress
}

// runOnKnative adds what an endpoint in Knative mode runs on. Of its servers the one
// that its inference service describes is ready when the revision is; others are
// revisions that have been.
func (e endpointState) runOnKnative(replicas map[string]int64) {
	n := e.knative
	if n == nil {
		return
	}
	forms := []endpointForm{e.facts.Asked}
	if b := e.facts.Before; b != nil {
		forms = append(forms, *b)
	}
	for _, f := range forms {
		for _, name := range f.Servers {
			e.servers[name] = server{ready: !n.leaving && f.Revisions[name] != "", replicas: replicas[name]}
		}
	}
	if n.server != "" {
		e.servers[n.server] = server{spec: n.spec, leaving: n.leaving, ready: n.revision() != "" && !n.leaving, progress: n.words(), replicas: replicas[n.server]}
	}
}

// services are the names of the inference services that are there.
func (e endpointState) services() []string {
	switch {
	case !e.serverless:
		return slices.Sorted(maps.Keys(e.servers))
	case e.knative != nil:
		return []string{e.knative.name}
	}
	return nil
}

// unsettled says what of a form's shares of the traffic is not in force yet, or "".
func (n *knativeSeen) unsettled(f endpointForm) string {
	revision, share := n.made(), f.share()
	switch {
	case revision == "":
		return "Knative has not made the revision yet"
	case n.url == "":
		return "KServe has not given the endpoint a URL yet"
	}
	var latest int64
	for _, t := range n.service.Status.Traffic {
		switch {
		case t.Latest:
			latest += t.Percent
		case t.Percent > 0 && f.variantOf(f.serverOf(t.Revision)) == "":
			return "KServe has the revision " + t.Revision + " share the traffic, which is not what served before"
		}
	}
	if latest != share {
		return fmt.Sprintf("Knative sends %d percent of the traffic to the revision %s, and is to send %d", latest, revision, share)
	}
	if share == 100 && n.rolledOut != revision {
		return "KServe does not know yet that the revision " + revision + " has all of the traffic"
	}
	return ""
}

// serverOf is the server that a revision is, or "".
func (f endpointForm) serverOf(revision string) string {
	for _, server := range slices.Sorted(maps.Keys(f.Revisions)) {
		if f.Revisions[server] == revision {
			return server
		}
	}
	return ""
}

// knativeFlaw says what of an endpoint in Knative mode somebody changed, or "". While a
// change lasts, its inference service describes what is in force or what comes.
func (e endpointState) knativeFlaw() string {
	n := e.knative
	if n == nil || n.leaving {
		return "the InferenceService " + e.record.ID.Name() + " is gone"
	}
	if _, known := e.facts.Applied[n.server]; !known {
		return "somebody changed the label " + labelServer + " of the InferenceService " + n.name
	}
	if at := e.edited(); at != "" {
		return "somebody changed " + at + " of the InferenceService " + n.name
	}
	if f := e.facts.Asked; !e.facts.Done.IsZero() && e.facts.Failure == "" && n.share != f.share() {
		return flawOfShare
	}
	return ""
}

// edited is the first field of the inference service, but for the share of the traffic,
// that is not as it was applied, or "".
func (e endpointState) edited() string {
	if e.knative == nil {
		return ""
	}
	var live any
	if err := json.Unmarshal(e.knative.spec, &live); err != nil {
		return ""
	}
	return missing(e.facts.Applied[e.knative.server], live, "spec")
}

// withoutShare takes the share of the traffic, which changes in steps, from a spec as it
// was applied.
func withoutShare(applied any) any {
	spec, _ := applied.(map[string]any)
	if predictor, ok := spec["predictor"].(map[string]any); ok {
		delete(predictor, "canaryTrafficPercent")
	}
	return applied
}

// flawOfShare is said of an inference service whose share of the traffic is another than
// asked for.
const flawOfShare = "somebody changed spec.predictor.canaryTrafficPercent of the InferenceService"

// showKnativeFlaw makes what somebody changed a difference from the configuration.
func (e endpointState) showKnativeFlaw(out *endpointObserved, f *endpointForm) {
	words := e.knativeFlaw()
	if words == "" {
		return
	}
	out.Spec.Variants = maps.Clone(out.Spec.Variants)
	out.Revision, out.Reason = "", words
	latest := f.variantOf(f.Latest)
	if v, ok := out.Spec.Variants[latest]; ok && words == flawOfShare {
		v.Traffic = e.knative.share
		out.Spec.Variants[latest] = v
		return
	}
	delete(out.Spec.Variants, latest)
}

// restoreVerdict is of a change that was given up, while what served before comes back.
func (e endpointState) restoreVerdict() (v endpointVerdict, restoring bool) {
	f, n := e.facts.Before, e.knative
	switch {
	case n != nil && n.leaving:
		return endpointVerdict{phase: mlops.PhasePending, reason: e.facts.Failure}, true
	case n == nil || n.server != f.Latest || n.revision() != "" && n.share != f.share():
		return endpointVerdict{mlops.PhasePending, endpointSweep, e.facts.Failure, 0}, true
	case n.revision() == "" || n.unsettled(*f) != "" && f.Revisions[f.Latest] == n.revision():
		return endpointVerdict{phase: mlops.PhasePending, reason: e.facts.Failure}, true
	case f.Revisions[f.Latest] != n.revision(): // it is to be noted
		return endpointVerdict{mlops.PhasePending, endpointSweep, e.facts.Failure, 0}, true
	}
	return endpointVerdict{}, false
}

// trafficProblem says why the traffic is not yet where it is to be, or "". What somebody
// changed is no such reason: that is a difference.
func (e endpointState) trafficProblem() string {
	if e.facts.Done.IsZero() || e.knativeFlaw() != "" {
		return ""
	}
	return e.knative.unsettled(e.facts.Asked)
}
