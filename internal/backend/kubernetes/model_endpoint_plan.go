package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// longestServer is how long the name of an inference service may be before its mark, so
// that the names that KServe makes of it fit into labels.
const longestServer = 40

// servedVersion is a version as its server needs it.
type servedVersion struct {
	spec   mlops.ModelVersionSpec
	digest string
	uri    string
}

// endpointPlan is what a spec comes to.
type endpointPlan struct {
	form     endpointForm
	services []endpointPart
}

// endpointPart is the inference service of a variant.
type endpointPart struct {
	manifest

	variant string
}

// server is what the part describes.
func (p endpointPart) server() string { return cmp.Or(p.labels[labelServer], p.name) }

// at is the attribute that the part comes from.
func (p endpointPart) at() mlops.Path { return mlops.At("variants", mlops.Key(p.variant)) }

// compile is the plan of a spec. Old is what is there.
func (k modelEndpointKind) compile(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, old endpointState) (endpointPlan, error) {
	versions, err := k.endpointVersions(ctx, s.place, spec, old)
	if err != nil {
		return endpointPlan{}, err
	}
	return k.planEndpoint(ctx, s, spec, versions, old)
}

// endpointVersions finds the versions of a spec, and refuses those that the environment
// must not serve. What it serves already may stay.
func (k modelEndpointKind) endpointVersions(ctx context.Context, p place, spec mlops.ModelEndpointSpec, old endpointState) (map[mlops.ID]servedVersion, error) {
	out := map[mlops.ID]servedVersion{}
	c := mlops.NewChecker()
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		version, at := spec.Variants[variant].Version, mlops.At("variants", mlops.Key(variant), "version")
		if version.Environment() != spec.Environment {
			return nil, mlops.InvalidField(at.String(), "%q is of another environment", version)
		}
		if _, known := out[version]; known {
			continue
		}
		seen, err := k.versions.Get(ctx, version)
		if k.is(err, mlops.NotFound) {
			return nil, &mlops.Error{Code: mlops.Invalid, Field: at.String(), Err: err}
		}
		if err != nil {
			return nil, err
		}
		if !old.serves(version) {
			mlops.CheckApproval(c, at, p.spec.Stage, version, seen.Spec.Approval)
		}
		if err := k.canFetch(ctx, p, seen); err != nil {
			return nil, err
		}
		out[version] = servedVersion{seen.Spec, seen.Status.Digest, servingURI(seen)}
	}
	return out, c.Err()
}

// serves reports whether a version is in force.
func (e endpointState) serves(version mlops.ID) bool {
	f := e.facts.force()
	return f != nil && slices.ContainsFunc(slices.Collect(maps.Values(f.Spec.Variants)), func(v mlops.Variant) bool { return v.Version == version })
}

// planEndpoint compiles every variant. Two variants that are alike have a server each,
// whose figures are their own.
func (k modelEndpointKind) planEndpoint(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, versions map[mlops.ID]servedVersion, old endpointState) (endpointPlan, error) {
	if s.knative() {
		return k.planKnative(ctx, s, spec, versions, old)
	}
	p := endpointPlan{form: endpointForm{Servers: map[string]string{}, Digests: map[mlops.ID]string{}}}
	alike, speaks, custom := map[string]int{}, "", false
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		v := spec.Variants[variant]
		of := versions[v.Version]
		custom = custom || of.spec.Format == "custom"
		made, err := k.compileVariant(ctx, s, spec, variant, of)
		if err != nil {
			return p, err
		}
		if speaks != "" && made.predict != p.form.Predict {
			return p, &mlops.Error{Code: mlops.Invalid, Field: mlops.At("variants", mlops.Key(variant), "version").String(), Err: fmt.Errorf(
				"its server answers at %s, and that of variant %q at %s: requests to one endpoint are of one protocol; serve it by another endpoint", made.predict, speaks, p.form.Predict)}
		}
		speaks, p.form.Predict = variant, made.predict
		mark := revisionOf([]any{s.id, v.Version, of.digest, made.predictor})
		alike[mark]++
		if n := alike[mark]; n > 1 {
			mark = revisionOf([]any{mark, n})
		}
		server := s.serverStem(s.id.Name()) + "-" + mark[:10]
		p.form.Servers[variant], p.form.Digests[v.Version] = server, of.digest
		p.services = append(p.services, endpointPart{s.serviceManifest(server, made, spec, v), variant})
	}
	p.form.Ground = s.endpointGround(spec, custom)
	return p, nil
}

// serverRoom is how long the name of an inference service in a namespace may be before
// its mark: KServe makes one label of a host's name of both, `name-predictor-namespace`.
func (w whereabouts) serverRoom() int {
	return min(longestServer, validation.DNS1123LabelMaxLength-len("-0123456789-predictor-")-len(w.namespace))
}

// stemMark is how much of a digest, with its hyphen, tells names apart that are cut.
const stemMark = 7

// serverStem is what the names of an endpoint's servers begin with, and those of no
// other's: its name, or as much of that as has room, with a mark.
func (w whereabouts) serverStem(endpoint string) string {
	room := w.serverRoom()
	if len(endpoint) <= room {
		return endpoint
	}
	return endpoint[:max(1, room-stemMark)] + "-" + revisionOf(endpoint)[:stemMark-1]
}

// maxEndpointVariants comes from an HTTPRoute's 16 rules, of which each server in force
// and each that comes has one.
const maxEndpointVariants = 7

// checkEndpoint refuses what an endpoint cannot be on Kubernetes.
func checkEndpoint(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if n := len(spec.Variants); n > maxEndpointVariants {
		c.Add(mlops.At("variants"), "Too many variants", "An endpoint has at most %d variants here, for an HTTPRoute has at most 16 rules; these are %d.", maxEndpointVariants, n)
	}
	if t := time.Duration(spec.Timeout); t != 0 && t%time.Millisecond != 0 || t >= 99999*time.Second {
		c.Add(mlops.At("request_timeout"), "Timeout out of bounds", "The Gateway API counts in milliseconds, up to 99999s; this is %s.", t)
	}
	if p := spec.Capture; p != nil && p.SamplePercent != 100 {
		c.Add(mlops.At("capture", "sample_percent"), "Not available on kubernetes", "KServe's logger captures every request: set sample_percent = 100, or leave capture out.")
	}
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		v, at := spec.Variants[variant], mlops.At("variants", mlops.Key(variant))
		if s := v.Scaling; s != nil && s.IdleAfter != 0 && (s.Min == nil || *s.Min != 0) {
			c.AddIf(at.With("scaling", "idle_after"), []mlops.Path{at.With("scaling")}, "Never idle", "It says when a variant with min = 0 sleeps; this one does not.")
		}
		checkEnv(c, at.With("env"), v.Env)
		if v.Compute != nil {
			checkMachineName(c, at.With("compute", "native"), v.Compute.Native)
		}
	}
	if err := checkEndpointOverrides(spec); err != nil {
		c.Add(mlops.At("overrides"), "Not an override", "%s.", err)
	}
}

// checkEndpointOverrides refuses what names no object that an endpoint has.
func checkEndpointOverrides(spec mlops.ModelEndpointSpec) error {
	given, err := mlops.Overrides(spec.Overrides)
	if err != nil {
		return err
	}
	for _, of := range slices.Sorted(maps.Keys(given)) {
		patch, ok := given[of].(map[string]any)
		if of != kindInferenceService.name() || !ok {
			return fmt.Errorf("%q is no object that an endpoint is made of; write { InferenceService = { spec = { predictor = { … } } } }", of)
		}
		inner, ok := patch["spec"].(map[string]any)
		if !ok || len(patch) != 1 {
			return errors.New("of an InferenceService, the spec alone can be overridden")
		}
		for _, part := range slices.Sorted(maps.Keys(inner)) {
			if _, ok := inner[part].(map[string]any); !ok || part != "predictor" {
				return fmt.Errorf("of an InferenceService's spec, the predictor alone can be overridden, and not %s", part)
			}
		}
	}
	return nil
}

// checkEndpointPlace refuses what the environment has no means for.
func checkEndpointPlace(c *mlops.Checker, spec mlops.ModelEndpointSpec, l layout) {
	s := l.spec.Target.Settings
	if l.knative() {
		checkKnative(c, spec)
	} else {
		checkBehindGateway(c, spec, l)
	}
	if spec.Capture != nil && s.String(targetCapture) == "" && !slices.Contains([]string{"s3", "gs"}, l.storage.scheme()) {
		c.Add(mlops.At("capture"), "Nowhere to keep captures", "KServe's logger writes to s3:// and gs://: give the environment such a kubernetes.storage_uri, or a kubernetes.capture_url that takes CloudEvents.")
	}
	checkMeasurable(c, spec, l)
}

// checkBehindGateway refuses what an endpoint cannot be behind a gateway.
func checkBehindGateway(c *mlops.Checker, spec mlops.ModelEndpointSpec, l layout) {
	if l.spec.Target.Settings.String(targetGateway) == "" {
		c.Add(mlops.At("environment"), "No gateway", "Endpoints are reached through a gateway: set kubernetes.gateway of the environment to namespace/name of a Gateway.")
	}
	if host := l.host(spec.Name); host != "" && len(spec.Name)+1+len(l.namespace) > 63 {
		c.Add(mlops.At("name"), "Name too long", "The host of the endpoint would be %q, whose first label is longer than 63 characters.", host)
	}
	if room := l.serverRoom(); len(spec.Name) > room && room <= stemMark {
		c.AddIf(mlops.At("name"), []mlops.Path{mlops.At("name"), mlops.At("environment")}, "Name too long", "KServe gives servers hosts of their name and the namespace %s, which leaves %d characters for the endpoint's. Take a shorter name, or an environment with a shorter namespace.", l.namespace, max(0, room))
	}
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		if byRequests(spec.Variants[variant].Scaling) && figuresOf(l).inFlight == "" {
			c.Add(mlops.At("variants", mlops.Key(variant), "scaling"), "Requests are not counted", "Scaling by requests, and to zero, needs the gateway's figures: set kubernetes.prometheus_url of the environment, with kubernetes.metrics = \"istio\". Without target and with min of 1 or more, it scales by CPU.")
		}
	}
}

// checkMeasurable refuses gates that nobody has figures for.
func checkMeasurable(c *mlops.Checker, spec mlops.ModelEndpointSpec, l layout) {
	if spec.Rollout == nil || !spec.Rollout.Gates.Measured() {
		return
	}
	g, at := spec.Rollout.Gates, mlops.At("rollout", "gates")
	switch {
	case l.spec.Target.Settings.String(targetPrometheus) == "":
		c.Add(at, "Nothing to judge by", "Gates are judged by Prometheus' figures: set kubernetes.prometheus_url of the environment, or keep smoke_test alone.")
	case g.MaxErrorPercent != nil && figuresOf(l).errors == "":
		c.Add(at.With("max_error_percent"), "Errors are not counted", "KServe's model servers count no errors: use kubernetes.metrics = \"istio\" with an Istio gateway, or leave it out.")
	}
}
