package kubernetes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestEndpointPlan proves that a plan refuses what the cluster or the environment has
// no means for, at the attribute, and changes nothing.
func TestEndpointPlan(t *testing.T) {
	t.Parallel()
	percent, zero := 1.0, int64(0)
	gates := &mlops.Rollout{Strategy: mlops.RolloutCanary, Gates: &mlops.Gates{MaxErrorPercent: &percent}}
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		format   string
		deny     bool
		spec     func(*mlops.ModelEndpointSpec)
		path     string // "" where the plan is good
		want     string
	}{
		{name: "good", format: "sklearn"},
		{name: "no runtime", format: "handwriting", path: `variants["main"].version`, want: "kubectl apply --server-side"},
		{name: "denied", format: "sklearn", deny: true, path: `variants["main"]`, want: "ask the data office"},
		{name: "schema", format: "sklearn", spec: func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"InferenceService": {"spec": {"predictor": {"replicas": 3}}}}`
		}, path: `variants["main"]`, want: "replicas"},
		{name: "webhook", format: "sklearn", spec: func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"InferenceService": {"spec": {"predictor": {"model": {"name": "x"}}}}}`
		}, path: `variants["main"]`, want: "'name' field is not allowed"},
		{name: "other object", format: "sklearn", spec: func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"Deployment": {"spec": {}}}`
		}, path: "overrides", want: "Deployment"},
		{name: "other part", format: "sklearn", spec: func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"InferenceService": {"spec": {"transformer": {}}}}`
		}, path: "overrides", want: "not transformer"},
		{name: "no gateway", format: "sklearn", settings: mlops.Settings{targetGateway: ""}, path: "environment", want: "kubernetes.gateway"},
		{name: "no figures", format: "sklearn", settings: mlops.Settings{targetPrometheus: ""}, spec: func(s *mlops.ModelEndpointSpec) {
			s.Rollout = gates
		}, path: "rollout.gates", want: "kubernetes.prometheus_url"},
		{name: "no errors counted", format: "sklearn", settings: mlops.Settings{targetMetrics: metricsKServe}, spec: func(s *mlops.ModelEndpointSpec) {
			s.Rollout = gates
		}, path: "rollout.gates.max_error_percent", want: "istio"},
		{name: "sleep unseen", format: "sklearn", settings: mlops.Settings{targetPrometheus: ""}, spec: func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Scaling = &mlops.Scaling{Min: &zero}
			s.Variants["main"] = v
		}, path: `variants["main"].scaling`, want: "kubernetes.prometheus_url"},
		{name: "no such gateway", format: "sklearn", settings: mlops.Settings{targetGateway: "default/nowhere"}, path: "environment", want: "there is no Gateway nowhere in the namespace default"},
		{name: "samples", format: "sklearn", spec: func(s *mlops.ModelEndpointSpec) {
			s.Capture = &mlops.Capture{SamplePercent: 50}
		}, path: "capture.sample_percent", want: "every request"},
		{name: "captures on a volume", format: "sklearn", settings: mlops.Settings{targetStorage: "pvc://claim"}, spec: func(s *mlops.ModelEndpointSpec) {
			s.Capture = &mlops.Capture{SamplePercent: 100}
		}, path: "capture", want: "kubernetes.capture_url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServing(t, tt.settings)
			if tt.deny {
				control.Deny(t, "serving.kserve.io", "inferenceservices", s.namespace, "ask the data office")
			}
			spec := s.endpoint("planned", s.version(tt.format, "s3://bucket/a"))
			if tt.spec != nil {
				tt.spec(&spec)
			}
			c := mlops.NewChecker()
			if err := s.kind.Preflight(t.Context(), spec, c); err != nil {
				t.Fatal(err)
			}
			if tt.path == "" {
				if len(c.Problems()) > 0 {
					t.Errorf("a good plan: %v", c.Problems())
				}
			} else if p := c.Problems(); len(p) == 0 || p[0].Path.String() != tt.path || !strings.Contains(p[0].Detail, tt.want) {
				t.Errorf("problems %v, want one at %s with %q", p, tt.path, tt.want)
			}
			if names := s.services(); len(names) > 0 || control.Exists(t, s.routeRef("planned")) {
				t.Errorf("a plan made %v", names)
			}
		})
	}
}

// TestEndpointLikeSamples proves that what KServe makes of an endpoint is what it makes
// of an inference service as its own samples write it: the same image, arguments,
// resources and model.
func TestEndpointLikeSamples(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	for _, tt := range []struct {
		name    string // of KServe's sample
		sample  string // its predictor
		format  string
		uri     string
		compute *mlops.Compute
	}{
		{name: "storage/uri/sklearn", format: "sklearn", uri: "https://example.com/model.joblib", sample: `{sklearn: {storageUri: "https://example.com/model.joblib"}}`},
		{
			name: "autoscaling/resources", format: "sklearn", uri: "s3://bucket/iris", compute: &mlops.Compute{CPU: 0.1, Memory: 512 << 20},
			sample: `{model: {modelFormat: {name: sklearn}, storageUri: "s3://bucket/iris", resources: {requests: {cpu: 100m, memory: 512Mi}, limits: {memory: 512Mi}}}}`,
		},
		{
			name: "more than the runtime's limit", format: "sklearn", uri: "s3://bucket/iris", compute: &mlops.Compute{CPU: 2, Memory: 4 << 30},
			sample: `{model: {modelFormat: {name: sklearn}, storageUri: "s3://bucket/iris", resources: {requests: {cpu: "2", memory: 4Gi}, limits: {cpu: "2", memory: 4Gi}}}}`,
		},
		{name: "v1beta1/mlflow/v2", format: "mlflow", uri: "gs://bucket/wine", sample: `{model: {modelFormat: {name: mlflow}, protocolVersion: v2, storageUri: "gs://bucket/wine"}}`},
		{name: "v1beta1/onnx", format: "onnx", uri: "gs://bucket/style", sample: `{model: {modelFormat: {name: onnx}, storageUri: "gs://bucket/style"}}`},
		{
			name: "v1beta1/custom/prebuilt-image", format: "custom", uri: "s3://bucket/custom",
			sample: `{containers: [{name: kserve-container, image: "registry.example.com/serve:1", env: [{name: STORAGE_URI, value: "s3://bucket/custom"}]}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := kubetest.Name("e")
			spec := s.endpoint(called, s.version(tt.format, tt.uri))
			v := spec.Variants["main"]
			v.Compute = tt.compute
			spec.Variants["main"] = v
			s.ready(s.create(spec), spec)
			sample := kubetest.Name("sample")
			control.Apply(t, s.namespace, `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: `+sample+`, annotations: {serving.kserve.io/deploymentMode: Standard}, labels: {networking.kserve.io/visibility: cluster-local}}
spec: {predictor: `+tt.sample+`}
`)
			seen, err := s.kind.Get(t.Context(), spec.ID())
			if err != nil {
				t.Fatal(err)
			}
			want, got := servedFacts(t, s, sample), servedFacts(t, s, seen.Native["inference_service_main"])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what KServe makes of it (-sample +ours):\n%s", diff)
			}
		})
	}
}

// servedFacts are what KServe makes of an inference service, but for its name and for
// the model's, which ours has from the endpoint.
func servedFacts(t *testing.T, s serving, service string) map[string]any {
	t.Helper()
	ref := kubetest.Ref{Resource: "deployments.apps", Namespace: s.namespace, Name: predictor(service)}
	o := control.Wait(t, ref, "to be there", func(*unstructured.Unstructured) bool { return true })
	var d struct {
		Spec struct {
			Template struct {
				Metadata struct{ Annotations map[string]string }
				Spec     struct {
					Containers []struct {
						Name, Image string
						Args        []string
						Resources   map[string]any
					}
				}
			}
		}
	}
	if err := remarshal(o.Object, &d); err != nil {
		t.Fatal(err)
	}
	c := d.Spec.Template.Spec.Containers[0]
	var args []string
	for _, arg := range c.Args {
		if !strings.HasPrefix(arg, "--model_name=") {
			args = append(args, arg)
		}
	}
	return map[string]any{
		"name": c.Name, "image": c.Image, "args": args, "resources": c.Resources,
		"model": d.Spec.Template.Metadata.Annotations["internal.serving.kserve.io/storage-initializer-sourceuri"],
	}
}
