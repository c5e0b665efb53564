package aws

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The kinds of SageMaker's objects, by what stands before the name in their ARNs.
const (
	smModel          = "model"
	smConfig         = "endpoint-config"
	smEndpoint       = "endpoint"
	smGroup          = "model-package-group"
	smPackage        = "model-package"
	smPipeline       = "pipeline"
	smExecution      = "execution" // "pipeline/<name>/execution/<id>"
	smProcessing     = "processing-job"
	smTraining       = "training-job"
	smSchedule       = "monitoring-schedule"
	smDataQuality    = "data-quality-job-definition"
	smModelQuality   = "model-quality-job-definition"
	smBias           = "model-bias-job-definition"
	smExplainability = "model-explainability-job-definition"
	smExperiment     = "experiment"
	smTrial          = "experiment-trial"
	smComponent      = "experiment-trial-component"
)

// sagemakerState is what the service keeps.
type sagemakerState struct {
	hooks   Hooks
	objects map[string]*smObject // by ARN
	created int                  // how many objects there ever were
	tokens  map[string]string    // ARNs by operation and idempotency token
	indexed map[string]*smEntry  // what Search shows, by ARN
	weights map[string]int       // requests so far, by endpoint, to spread them
	copies  map[string]int       // requests so far that had a shadow, by endpoint
}

// smObject is one object of the service, of any kind.
type smObject struct {
	kind, name, arn, region string
	// in has the members as they were given, and as updates changed them. It is
	// never changed in place: answers that were given out share it.
	in       Params
	tags     map[string]string
	created  time.Time
	modified time.Time
	number   int // in the order of creation
	status   string
	reason   string // why it failed; "" if it did not
	// looks is for how many more looks a passing phase lasts; settle ends it and
	// is nil when there is none. It may begin another.
	looks  int
	settle func(now time.Time)
	// detail is what only this kind has: *smServing, *smRun, *smGraph.
	detail any
	ran    time.Time // when a pipeline was started last
}

// sm returns the service's state, made at its first use.
func (w *World) sm() *sagemakerState {
	if w.sagemaker == nil {
		w.sagemaker = &sagemakerState{
			objects: map[string]*smObject{}, tokens: map[string]string{},
			indexed: map[string]*smEntry{}, weights: map[string]int{}, copies: map[string]int{},
		}
	}
	return w.sagemaker
}

func (w *World) sagemakerHandlers() map[string]Handler {
	all := map[string]Handler{}
	for _, some := range []map[string]Handler{
		w.smTagHandlers(), w.smGroupHandlers(), w.smPackageHandlers(),
		w.smPipelineHandlers(), w.smExecutionHandlers(),
		w.smModelHandlers(), w.smConfigHandlers(), w.smEndpointHandlers(),
		w.smExperimentHandlers(), w.smTrialHandlers(), w.smComponentHandlers(),
		w.smSearchHandlers(), w.smJobHandlers(), w.smScheduleHandlers(), w.smDefinitionHandlers(),
	} {
		maps.Copy(all, some)
	}
	return all
}

// smARN is the ARN of an object. The service writes names in lower case, as the
// ARNs in AWS's samples and recordings show, so names differ by more than case.
func smARN(c *Call, kind, name string) string {
	return fmt.Sprintf("arn:%s:sagemaker:%s:%s:%s/%s", smPartition(c.Region), c.Region, c.Account, kind, strings.ToLower(name))
}

// smPartition is the partition of a region.
func smPartition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// smRef is the ARN that a name or an ARN means.
func smRef(c *Call, kind, nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return smARN(c, kind, nameOrARN)
}

// find returns the object that a name or an ARN means, or how the service says
// that there is none.
func (w *World) find(c *Call, kind, nameOrARN string) (*smObject, error) {
	arn := smRef(c, kind, nameOrARN)
	if o := w.sm().objects[arn]; o != nil && o.kind == kind {
		return o, nil
	}
	return nil, smMissing(kind, arn)
}

// smMissing is how the service says that there is no such object. Which kinds
// answer ValidationException, and with which words, is what AWS's own controllers
// look for (sagemaker-controller, generator.yaml).
func smMissing(kind, arn string) *Fault {
	name := arn[strings.LastIndex(arn, "/")+1:]
	switch kind {
	case smModel:
		return fault("ValidationException", "Could not find model %q.", arn)
	case smConfig:
		return fault("ValidationException", "Could not find endpoint configuration %q.", arn)
	case smEndpoint:
		return fault("ValidationException", "Could not find endpoint %q.", arn)
	case smGroup:
		return fault("ValidationException", "ModelPackageGroup %s does not exist.", arn)
	case smPackage:
		return fault("ValidationException", "ModelPackage %s does not exist.", arn)
	case smProcessing:
		return fault("ValidationException", "Could not find requested job with name: %s", name)
	case smTraining:
		return fault("ValidationException", "Requested resource not found.")
	case smPipeline:
		return fault("ResourceNotFound", "Pipeline '%s' does not exist.", arn)
	case smExecution:
		return fault("ResourceNotFound", "Pipeline execution with ARN %s does not exist", arn)
	case smSchedule:
		return fault("ResourceNotFound", "Monitoring Schedule %s does not exist", arn)
	}
	return fault("ResourceNotFound", "Resource %s does not exist", arn)
}

// add keeps a new object.
func (w *World) add(c *Call, kind, name, arn string, in Params) *smObject {
	s := w.sm()
	s.created++
	o := &smObject{
		kind: kind, name: name, arn: arn, region: c.Region, in: smWithout(in, "Tags", "ClientToken", "ClientRequestToken"),
		tags: smTagsOf(in), created: c.Time, modified: c.Time, number: s.created,
	}
	s.objects[arn] = o
	return o
}

// drop forgets an object, and the tokens of the requests that made it.
func (w *World) drop(o *smObject) {
	delete(w.sm().objects, o.arn)
	maps.DeleteFunc(w.sm().tokens, func(_, arn string) bool { return arn == o.arn })
}

// all returns a region's objects of a kind, oldest first.
func (w *World) all(c *Call, kind string) []*smObject {
	var out []*smObject
	for _, o := range w.sm().objects {
		if o.kind == kind && o.region == c.Region {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *smObject) int { return cmp.Compare(a.number, b.number) })
	return out
}

// pass puts an object into a passing phase, which the configured number of looks
// will see before end is called.
func (w *World) pass(o *smObject, status string, end func(now time.Time)) {
	o.status, o.looks, o.settle = status, w.config.Looks, end
}

// look counts one look at an object, and ends the phase that has been seen often
// enough.
func (w *World) look(o *smObject, now time.Time) *smObject {
	switch {
	case o.settle == nil:
	case o.looks > 0:
		o.looks--
	default:
		end := o.settle
		o.settle = nil
		end(now)
		o.modified = now
		if o.settle != nil && o.looks > 0 {
			o.looks-- // this look sees the next phase already
		}
	}
	return o
}

// members returns those of an object's members that an answer has, without those
// that were never given.
func (o *smObject) members(names ...string) Params {
	out := Params{}
	for _, name := range names {
		if v, ok := o.in[name]; ok && v != nil {
			out[name] = v
		}
	}
	return out
}

// change sets members, and leaves the old ones to answers that have them.
func (o *smObject) change(now time.Time, in Params, names ...string) {
	fresh := maps.Clone(o.in)
	for _, name := range names {
		if v, ok := in[name]; ok && v != nil {
			fresh[name] = v
		}
	}
	o.in, o.modified = fresh, now
}

// smWithout is a copy without some members.
func smWithout(in Params, names ...string) Params {
	out := Params{}
	for k, v := range in {
		if v != nil && !slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

// smSet sets a member unless it is the empty text.
func smSet(out Params, name, value string) {
	if value != "" {
		out[name] = value
	}
}

// smJoin adds members to an answer.
func smJoin(out Params, more Params) Params {
	maps.Copy(out, more)
	return out
}
