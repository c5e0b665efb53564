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

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// What KServe knows an inference service's way to be run by.
const (
	noteMode       = "serving.kserve.io/deploymentMode"
	noteAutoscaler = "serving.kserve.io/autoscalerClass"
	labelVisible   = "networking.kserve.io/visibility"
)

// Where a server finds its model, and where it listens.
const (
	modelFolder = "/mnt/models"
	serverPort  = "8080"
)

// compiledVariant is a variant as KServe serves it.
type compiledVariant struct {
	predictor map[string]any // but for scaling, which changes in place
	predict   string         // path at which it answers
}

// compileVariant is the predictor of a variant.
func (k modelEndpointKind) compileVariant(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, variant string, of servedVersion) (compiledVariant, error) {
	v := spec.Variants[variant]
	out := compiledVariant{predictor: map[string]any{"serviceAccountName": s.serviceAccount}, predict: "/"}
	if of.spec.Format == "custom" {
		s.customServer(out.predictor, v, of)
	} else {
		r, err := k.runtimeOf(ctx, s.place, mlops.At("variants", mlops.Key(variant), "version"), of.spec.Format)
		if err != nil {
			return out, err
		}
		out.predictor["model"], out.predict = runtimeServer(r, s.id.Name(), v, of), r.predictPath(s.id.Name())
	}
	if v.Compute != nil {
		selector, affinity, tolerations := nodesOf(*v.Compute)
		setUnlessEmpty(out.predictor, "nodeSelector", selector, len(selector))
		setUnlessEmpty(out.predictor, "affinity", affinity, len(affinity))
		setUnlessEmpty(out.predictor, "tolerations", tolerations, len(tolerations))
	}
	if spec.Capture != nil {
		out.predictor["logger"] = s.logger()
	}
	return out, overridePredictor(spec, out)
}

func setUnlessEmpty(m map[string]any, key string, value any, size int) {
	if size > 0 {
		m[key] = value
	}
}

// overridePredictor merges what only KServe has into a predictor.
func overridePredictor(spec mlops.ModelEndpointSpec, out compiledVariant) error {
	given, err := mlops.Overrides(spec.Overrides)
	if err != nil || len(given) == 0 {
		return err
	}
	service, _ := given[kindInferenceService.name()].(map[string]any)
	patch, _ := service["spec"].(map[string]any)
	predictor, _ := patch["predictor"].(map[string]any)
	now, err := plain(out.predictor)
	if err != nil {
		return err
	}
	object, _ := now.(map[string]any)
	clear(out.predictor)
	maps.Copy(out.predictor, mlops.MergePatch(object, predictor))
	return nil
}

// runtimeServer is a model that an installed runtime serves by the endpoint's name.
func runtimeServer(r servingRuntime, model string, v mlops.Variant, of servedVersion) map[string]any {
	own := maps.Clone(v.Env)
	if own == nil {
		own = map[string]string{}
	}
	out := map[string]any{
		"modelFormat": map[string]any{"name": of.spec.Format}, "runtime": r.name, "protocolVersion": r.protocol, "storageUri": of.uri,
	}
	if key := r.nameEnv(); key != "" {
		own[key] = model
	} else if r.byName {
		out["args"] = []string{"--model_name=" + model}
	}
	setUnlessEmpty(out, "env", envOf(own), len(own))
	if of.spec.Image != "" {
		out["image"] = of.spec.Image
	}
	if v.Compute != nil {
		if resources := resourcesOf(*v.Compute); resources != nil {
			out["resources"] = r.within(resources)
		}
	}
	return out
}

// within raises the limit of CPUs that a runtime has to what is asked for, if that is
// more: KServe would keep the runtime's, under which no more can be asked.
func (r servingRuntime) within(asked *containerResources) *containerResources {
	limit, err := resource.ParseQuantity(cmp.Or(r.cpus, "0"))
	if err != nil || limit.IsZero() {
		return asked
	}
	if cpus, err := resource.ParseQuantity(asked.Requests["cpu"]); err == nil && cpus.Cmp(limit) > 0 {
		asked.Limits["cpu"] = asked.Requests["cpu"]
	}
	return asked
}

// customServer is a container of the user's, which listens on $PORT.
func (s scene) customServer(predictor map[string]any, v mlops.Variant, of servedVersion) {
	own := map[string]string{"PORT": serverPort, "MODEL_PATH": modelFolder, "STORAGE_URI": of.uri}
	c := map[string]any{"name": "kserve-container", "image": of.spec.Image}
	if of.spec.Image == "" {
		c["image"] = s.stepImage()
	}
	command := of.spec.Command
	if len(command) > 0 && len(of.spec.Packages) > 0 {
		own["MLOPS_PACKAGES"] = strings.Join(of.spec.Packages, "\n")
		command = append([]string{"sh", "-c", findPython + install + runCommand, "sh"}, command...)
		predictor["volumes"] = []map[string]any{{"name": volumeOfPackages, "emptyDir": map[string]any{}}}
		c["volumeMounts"] = []volumeMount{{Name: volumeOfPackages, Path: packageFolder}}
	}
	if len(command) > 0 {
		c["command"] = command
	}
	for key, value := range v.Env {
		if _, taken := own[key]; !taken {
			own[key] = value
		}
	}
	if s.knative() { // which sets it itself, and refuses it otherwise
		delete(own, "PORT")
	}
	c["env"] = envOf(own)
	if v.Compute != nil {
		if resources := resourcesOf(*v.Compute); resources != nil {
			c["resources"] = resources
		}
	}
	predictor["containers"] = []map[string]any{c}
}

// envOf is an environment in the order of its names.
func envOf(env map[string]string) []envVar {
	out := make([]envVar, 0, len(env))
	for _, key := range slices.Sorted(maps.Keys(env)) {
		out = append(out, envVar{Name: key, Value: env[key]})
	}
	return out
}

// logger sends every request and response to the environment's sink, or keeps them
// where the environment keeps things.
func (s scene) logger() map[string]any {
	headers := []string{mlops.HeaderCopies}
	if sink := s.spec.Target.Settings.String(targetCapture); sink != "" {
		return map[string]any{"mode": "all", "url": sink, "metadataHeaders": headers}
	}
	// KServe insists on a key, and takes the credentials of the service account.
	store := map[string]any{
		"path": "captures/" + s.id.Name(), "parameters": map[string]string{"format": "json"},
		"key": cmp.Or(s.storage.Secret, nameOfStorage), "serviceAccountName": s.serviceAccount,
	}
	return map[string]any{"mode": "all", "url": s.storage.URI, "storage": store, "metadataHeaders": headers}
}

// serviceManifest is the inference service of a variant, with its scaling. It is in no
// ingress of KServe's own: the endpoint's route leads to it.
func (s scene) serviceManifest(server string, made compiledVariant, spec mlops.ModelEndpointSpec, v mlops.Variant) manifest {
	predictor := maps.Clone(made.predictor)
	class := s.scale(predictor, server, v.Scaling)
	content := map[string]any{"spec": map[string]any{"predictor": predictor}}
	m := s.component(s.of(kindInferenceService, server), content, spec.Labels)
	m.labels[labelVisible] = "cluster-local"
	m.annotations[noteMode], m.annotations[noteAutoscaler] = "Standard", class
	return m
}

// defaultUtilization is how busy a replica's CPU should be, in percent.
const defaultUtilization = 80

// scale says how many replicas there may be, and by what the autoscaler goes.
func (s scene) scale(predictor map[string]any, server string, scaling *mlops.Scaling) (class string) {
	least, most, concurrency := scaling.Bounds()
	predictor["minReplicas"], predictor["maxReplicas"] = least, most
	switch {
	case scaling == nil:
		return "none"
	case !byRequests(scaling):
		predictor["scaleMetric"], predictor["scaleTarget"] = "cpu", defaultUtilization
		return "hpa"
	}
	predictor["autoScaling"] = map[string]any{"metrics": []map[string]any{{"type": "External", "external": map[string]any{
		"metric": map[string]any{
			"backend": "prometheus", "serverAddress": s.spec.Target.Settings.String(targetPrometheus),
			"query": s.inFlight(server, scaling),
		},
		"target": map[string]any{"type": "Value", "value": strconv.FormatInt(concurrency, 10)},
	}}}}
	return "keda"
}

// byRequests reports whether a scaling goes by requests in flight, which is KEDA's way.
func byRequests(s *mlops.Scaling) bool {
	return s != nil && (s.Concurrency != nil || s.Min != nil && *s.Min == 0)
}

// inFlight is the query for the requests in flight at a server. One that may sleep
// counts as busy until nobody has asked it for a while.
func (s scene) inFlight(server string, scaling *mlops.Scaling) string {
	f := figuresOf(s.layout)
	query := f.query(f.inFlight, s.namespace, predictor(server), time.Minute)
	if scaling.Min == nil || *scaling.Min != 0 {
		return query
	}
	idle := scaling.IdleAfter.Or(5 * time.Minute)
	return fmt.Sprintf("(%s or vector(0)) + 0.001 * ((%s or vector(0)) > bool 0)", query, f.query(f.requests, s.namespace, predictor(server), idle))
}

// checkEnv refuses variables that a container cannot have.
func checkEnv(c *mlops.Checker, at mlops.Path, env map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if problems := validation.IsEnvVarName(key); len(problems) > 0 {
			c.Add(at.With(mlops.Key(key)), "Not a name here", "%q is no name of a container's variable: %s.", key, problems[0])
		}
	}
}

// checkMachineName refuses machines that no node can say to be.
func checkMachineName(c *mlops.Checker, at mlops.Path, native string) {
	if problems := validation.IsValidLabelValue(native); len(problems) > 0 {
		c.Add(at, "Not a machine type", "%q is no value of the label %s: %s.", native, labelMachine, problems[0])
	}
}
