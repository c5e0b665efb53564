package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The ways in which an environment's endpoints are run.
const (
	modeStandard = "standard"
	modeKnative  = "knative"
)

// kindKnativeService is what KServe makes of an inference service in Knative mode.
const kindKnativeService kind = "serving.knative.dev/v1/Service"

// labelServer says which server an inference service describes, in Knative mode, where
// an endpoint has one of these for all its servers. KServe and Knative hand it on to the
// revision, and to its pods.
const labelServer = prefix + "server"

// noteRetention is Knative's annotation of how long the last pod stays when there are no
// requests.
const noteRetention = "autoscaling.knative.dev/scale-to-zero-pod-retention-period"

// defaultIdle is when a variant that may sleep does, and longestIdle the longest that
// Knative lets it be awake without requests.
const (
	defaultIdle = 5 * time.Minute
	longestIdle = time.Hour
)

// longestKnative is how long an endpoint's name may be, so that KServe's and Knative's
// names of what they make of it, `name-predictor-00001`, are labels.
const longestKnative = 63 - len("-predictor-00001")

// knative reports whether an environment's endpoints are services of Knative's.
func (l layout) knative() bool { return l.spec.Target.Settings.String(targetMode) == modeKnative }

// endpointCarrier is the kind of the objects that carry the records of endpoints. In
// Knative mode these cannot be the inference services: KServe hands what they are
// annotated with on, and Knative would make a revision of each change to a record.
func (l layout) endpointCarrier() kind {
	if l.knative() {
		return kindConfigMap
	}
	return kindHTTPRoute
}

// share is the percentage of the traffic that the server has which the endpoint's
// inference service describes.
func (f endpointForm) share() int64 {
	var latest int64
	for variant, v := range f.Spec.Variants {
		if f.Servers[variant] == f.Latest {
			latest += v.Traffic
		}
	}
	return latest
}

// variantOf is the variant that a server serves.
func (f endpointForm) variantOf(server string) string {
	for _, variant := range slices.Sorted(maps.Keys(f.Servers)) {
		if f.Servers[variant] == server {
			return variant
		}
	}
	return ""
}

// service is the service that counts and answers the requests of a server by itself: in
// Knative mode that of its revision.
func (f endpointForm) service(server string) string {
	if f.Latest == "" {
		return predictor(server)
	}
	return f.Revisions[server]
}

// sides are the variants of a spec in Knative mode: the one that its inference service
// describes, and while a rollout lasts the one before it, which stays as it is.
func sides(spec mlops.ModelEndpointSpec) (latest, before string) {
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		if t := spec.Transition; t != nil {
			if _, old := t.From[variant]; old {
				before = variant
				continue
			}
		}
		latest = variant
	}
	return latest, before
}

// planKnative compiles the inference service of an endpoint in Knative mode. What had
// the traffic before, it does not describe: that is a revision of Knative's.
func (k modelEndpointKind) planKnative(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, versions map[mlops.ID]servedVersion, old endpointState) (endpointPlan, error) {
	p := endpointPlan{form: endpointForm{Spec: spec, Servers: map[string]string{}, Digests: map[mlops.ID]string{}, Revisions: map[string]string{}}}
	variant, before := sides(spec)
	v := spec.Variants[variant]
	of := versions[v.Version]
	made, err := k.compileVariant(ctx, s, spec, variant, of)
	if err != nil {
		return p, err
	}
	p.form.Predict = made.predict
	scaleKnative(made.predictor, spec, v.Scaling)
	m := s.knativeManifest("", made.predictor, 100, spec, v.Scaling)
	marks := []any{s.id, v.Version, of.digest, made.predictor, m.labels, m.annotations}
	if old.edited() != "" { // so that what is put right is told from what it is now
		marks = append(marks, now())
	}
	server := s.id.Name() + "-" + revisionOf(marks)[:10]
	p.form.Latest, p.form.Servers[variant], p.form.Digests[v.Version] = server, server, of.digest
	if before != "" {
		if err := p.form.takeOver(before, spec.Variants[before].Version, old.facts.force()); err != nil {
			return p, err
		}
	}
	p.form.Ground = s.endpointGround(spec, of.spec.Format == "custom")
	share := old.firstShare(p.form)
	p.services = []endpointPart{{s.knativeManifest(server, made.predictor, share, spec, v.Scaling), variant}}
	return p, nil
}

// takeOver adds a variant that is in force and stays so while a rollout lasts.
func (f endpointForm) takeOver(variant string, version mlops.ID, force *endpointForm) error {
	if force == nil || force.Servers[variant] == "" {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("variant %q, which the traffic is to be moved away from, serves nothing", variant))
	}
	server := force.Servers[variant]
	f.Servers[variant], f.Digests[version] = server, force.Digests[version]
	f.Revisions[server] = force.Revisions[server]
	return nil
}

// scaleKnative says how many replicas a revision may have, and by how many requests in
// flight Knative goes, and how long a request may take.
func scaleKnative(predictor map[string]any, spec mlops.ModelEndpointSpec, scaling *mlops.Scaling) {
	least, most, concurrency := scaling.Bounds()
	predictor["minReplicas"], predictor["maxReplicas"] = least, most
	if scaling != nil {
		predictor["scaleMetric"], predictor["scaleTarget"] = "concurrency", concurrency
	}
	predictor["timeout"] = int64(cmp.Or(time.Duration(spec.Timeout), defaultRequest) / time.Second)
}

// knativeManifest is the inference service of an endpoint, which describes one server
// and gives it a share of the traffic. The share is said even where it is all, so that
// whoever changes it is found out.
func (s scene) knativeManifest(server string, predictor any, share int64, spec mlops.ModelEndpointSpec, scaling *mlops.Scaling) manifest {
	content, _ := predictor.(map[string]any)
	content = maps.Clone(content)
	content["canaryTrafficPercent"] = share
	m := s.component(s.of(kindInferenceService, s.id.Name()), map[string]any{"spec": map[string]any{"predictor": content}}, spec.Labels)
	m.annotations[noteMode] = "Knative"
	if server != "" {
		m.labels[labelServer] = server
	}
	if scaling != nil && scaling.Min != nil && *scaling.Min == 0 {
		m.annotations[noteRetention] = strconv.FormatInt(int64(scaling.IdleAfter.Or(defaultIdle)/time.Second), 10) + "s"
	}
	return m
}

// describe applies the inference service as a form has it, with a share of the traffic.
func (k modelEndpointKind) describe(ctx context.Context, s scene, e endpointState, f endpointForm, share int64) error {
	spec, _ := e.facts.Applied[f.Latest].(map[string]any)
	if spec["predictor"] == nil {
		return mlops.NewError(mlops.Failed, fmt.Errorf("the record of %q does not have what it served; apply it again", s.id))
	}
	v := f.Spec.Variants[f.variantOf(f.Latest)]
	_, err := k.applied(ctx, s.cluster, s.id, s.knativeManifest(f.Latest, spec["predictor"], share, f.Spec, v.Scaling), variantOrigins())
	return err
}

// promote gives the new revision its share of the traffic, and notes its name.
func (k modelEndpointKind) promote(ctx context.Context, s scene, e *endpointState) error {
	f := &e.facts.Asked
	if f.Revisions == nil {
		f.Revisions = map[string]string{}
	}
	f.Revisions[f.Latest] = e.knative.revision()
	return k.describe(ctx, s, *e, *f, f.share())
}

// restore describes what served before a change that was given up. KServe makes a new
// revision of that, which has no traffic until it is ready: the old one has it.
func (k modelEndpointKind) restore(ctx context.Context, s scene, e endpointState) error {
	f := *e.facts.Before
	if n := e.knative; n == nil || n.server != f.Latest {
		share := f.share()
		if n != nil && n.rolledOut != "" {
			share = 0
		}
		return k.describe(ctx, s, e, f, share)
	}
	if err := k.describe(ctx, s, e, f, f.share()); err != nil {
		return err
	}
	f.Revisions[f.Latest] = e.knative.revision()
	return k.keep(ctx, s, e)
}

// firstShare is the share of the traffic that a form's server has from its beginning:
// Knative gives it none before it is ready. Where something else than what it takes the
// place of would hand its share on, it is none, until that server is ready too.
func (e endpointState) firstShare(f endpointForm) int64 {
	force, n := e.facts.force(), e.knative
	switch {
	case force == nil || n == nil || n.leaving || n.rolledOut == "":
		return f.share()
	case n.server == f.Latest && force.Latest == f.Latest:
		return force.share()
	case n.server == f.Latest:
		return n.share
	case n.server == force.Latest && force.share() == 100:
		return f.share()
	}
	return 0
}

// knativeCapabilities are those of the backend in Knative mode.
func knativeCapabilities() mlops.Capabilities {
	const standard = ` kubernetes.endpoint_mode = "standard" of the environment has it.`
	c := capabilities()
	c.Features = maps.Clone(c.Features)
	for feature, why := range map[mlops.Feature]string{
		mlops.FeatureEndpointSplit:        "In Knative mode an endpoint is one service, which serves one variant, and a second one while a rollout lasts.",
		mlops.FeatureEndpointShadow:       "Knative copies no requests.",
		mlops.FeatureEndpointKeepPrevious: "Knative keeps no pods of revisions that have no traffic.",
		mlops.FeatureEndpointSmokeTest:    "Knative gives a revision traffic when its pods are ready, before the provider could send it a request.",
	} {
		c.Features[feature] = mlops.Answer{Support: mlops.NotProvided, Note: why + standard}
	}
	return c
}

// withoutSteps is a spec as its user gave it, without what the provider's own steps on
// the way there ask for.
func withoutSteps(spec mlops.ModelEndpointSpec) mlops.ModelEndpointSpec {
	if spec.Transition != nil {
		spec.Variants = spec.Transition.To
	}
	if r := spec.Rollout; r != nil && r.KeepPrevious != nil && *r.KeepPrevious == 0 { // keeping nothing
		kept := *r
		kept.KeepPrevious = nil
		spec.Rollout = &kept
	}
	return spec
}

// reservedByKnative are variables of the environment that Knative sets in every server,
// and takes from nobody else.
func reservedByKnative() []string {
	return []string{"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"}
}

// checkKnative refuses what an endpoint in Knative mode cannot have.
func checkKnative(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	knativeCapabilities().CheckFeatures(c, name, withoutSteps(spec))
	if len(spec.Name) > longestKnative {
		c.Add(mlops.At("name"), "Name too long", "Knative adds to it: in Knative mode it has at most %d characters.", longestKnative)
	}
	if t := time.Duration(spec.Timeout); t%time.Second != 0 {
		c.Add(mlops.At("request_timeout"), "Not whole seconds", "Knative counts in seconds; this is %s.", t)
	}
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		for _, key := range reservedByKnative() {
			if _, given := spec.Variants[variant].Env[key]; given {
				c.Add(mlops.At("variants", mlops.Key(variant), "env", mlops.Key(key)), "Reserved", "Knative sets %s itself; leave it out.", key)
			}
		}
		if s := spec.Variants[variant].Scaling; s != nil && time.Duration(s.IdleAfter) > longestIdle {
			c.Add(mlops.At("variants", mlops.Key(variant), "scaling", "idle_after"), "Idle for too long", "Knative keeps an idle pod for at most %s; this is %s.", longestIdle, time.Duration(s.IdleAfter))
		}
	}
	checkKnativeOverrides(c, spec)
}

// checkKnativeOverrides refuses an override of the share, which is the rollout's.
func checkKnativeOverrides(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if strings.Contains(spec.Overrides, "canaryTrafficPercent") {
		c.Add(mlops.At("overrides"), "Not an override", "canaryTrafficPercent is the provider's to say: use rollout.")
	}
}
