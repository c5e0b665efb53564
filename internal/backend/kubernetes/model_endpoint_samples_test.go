package kubernetes

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// kserveSamples is where KServe's own samples are in its module.
const kserveModule, kserveSamples = "github.com/kserve/kserve", "docs/samples/"

// podFacts are what a pod that KServe made serves, whoever asked for it.
type podFacts struct {
	Image   string
	Command []string
	Flags   map[string]string // with the model's name as <name>; the last of the same counts
	Env     map[string]string
	Asks    map[string]string // requests and limits
	Model   string            // where it is fetched from
	Logger  map[string]string // flags of the logger
	GPUs    []string          // types that a node may have, as GKE names them
}

// servedPod is a pod as far as facts are read from it.
type servedPod struct {
	InitContainers, Containers []struct {
		Name, Image   string
		Command, Args []string
		Env           []struct{ Name, Value string }
		Resources     struct{ Requests, Limits map[string]string }
	}
	NodeSelector map[string]string
	Affinity     struct {
		NodeAffinity struct {
			Required struct {
				Terms []struct {
					MatchExpressions []struct {
						Key    string
						Values []string
					}
				} `json:"nodeSelectorTerms"`
			} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
		}
	}
}

// factsOfPod reads them. Model is the name that the model is served by.
func factsOfPod(t *testing.T, o *unstructured.Unstructured, model string) podFacts {
	t.Helper()
	var pod servedPod
	if err := remarshal(o.Object["spec"], &pod); err != nil {
		t.Fatal(err)
	}
	out := podFacts{Env: map[string]string{}, Asks: map[string]string{}, GPUs: pod.gpus()}
	for _, c := range pod.InitContainers {
		if c.Name == "storage-initializer" {
			out.Model = c.Args[0]
		}
	}
	for _, c := range pod.Containers {
		switch c.Name {
		case "agent":
			out.Logger = flagsOf(c.Args, model)
			for _, own := range []string{"--inference-service", "--namespace", "--component-port", "--metadata-headers"} {
				delete(out.Logger, own)
			}
		case "kserve-container":
			out.Image, out.Command, out.Flags = c.Image, c.Command, flagsOf(c.Args, model)
			for _, e := range c.Env {
				out.Env[e.Name] = e.Value
			}
			delete(out.Env, "INFERENCE_SERVICE_NAME")
			for key, value := range c.Resources.Requests {
				out.Asks["request "+key] = value
			}
			for key, value := range c.Resources.Limits {
				out.Asks["limit "+key] = value
			}
		}
	}
	return out
}

// gpus are the types of accelerators that its node may have.
func (p servedPod) gpus() []string {
	var out []string
	if one := p.NodeSelector[labelGKEGPU]; one != "" {
		out = append(out, one)
	}
	for _, term := range p.Affinity.NodeAffinity.Required.Terms {
		for _, e := range term.MatchExpressions {
			if e.Key == labelGKEGPU {
				out = append(out, e.Values...)
			}
		}
	}
	return out
}

// flagsOf reads arguments, "--name=value" or "--name value".
func flagsOf(args []string, model string) map[string]string {
	out := map[string]string{}
	last := ""
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "-"):
			key, value, _ := strings.Cut(a, "=")
			out[key], last = value, key
		default:
			out[last] = strings.TrimSpace(out[last] + " " + a)
		}
	}
	for key, value := range out {
		if value == model {
			out[key] = "<name>"
		}
	}
	return out
}

// sampleCase is a sample of KServe's, and the same in the portable words.
type sampleCase struct {
	file      string
	model     string // the name that the sample's model is served by, if not the sample's
	version   mlops.ModelVersionSpec
	variant   mlops.Variant
	capture   bool
	overrides string
	same      func(*podFacts) // what comes to the same, and why
}

// object is the sample, as KServe's makers give it, under a name.
func (c sampleCase) object(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	o := kubetest.Samples(t, kserveModule, kserveSamples+c.file+".yaml")[0]
	o.SetName(name)
	unstructured.RemoveNestedField(o.Object, "spec", "predictor", "serviceAccountName")
	return o
}

// called is the name that its model is served by.
func (c sampleCase) called(service string) string {
	if c.model != "" {
		return c.model
	}
	return service
}

func kserveCases() []sampleCase {
	plain := func(file, format, uri string) sampleCase {
		return sampleCase{file: "v1beta1/" + file, version: mlops.ModelVersionSpec{Format: format, ArtifactURI: "gs://kfserving-examples/models/" + uri}}
	}
	gpu := plain("tensorflow/gpu", "tensorflow", "tensorflow/flowers")
	gpu.variant.Compute = &mlops.Compute{Accelerator: &mlops.Accelerator{Count: 1, Memory: 16 << 30}}
	t4 := sampleCase{
		file:    "accelerators/tensorflow-gpu",
		version: mlops.ModelVersionSpec{Format: "tensorflow", ArtifactURI: "gs://kfserving-examples/models/tensorflow/flowers", Image: "openvino/model_server:1.11.0-gpu"},
		variant: mlops.Variant{Compute: &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-t4", Count: 1}}},
		same: func(ours *podFacts) { // one type has several names, by whoever labels the nodes
			if slices.Contains(ours.GPUs, "nvidia-tesla-t4") {
				ours.GPUs = []string{"nvidia-tesla-t4"}
			}
		},
	}
	// Where a sample has a runtimeVersion, we have the image that this comes to.
	triton := plain("triton/torchscript/torchscript", "triton", "torchscript")
	triton.version.Image = "kserve-tritonserver:21.08-py3"
	triton.variant.Env = map[string]string{"OMP_NUM_THREADS": "1"}
	return []sampleCase{
		plain("sklearn/v1/sklearn", "sklearn", "sklearn/1.0/model"),
		plain("lightgbm/lightgbm", "lightgbm", "lightgbm/iris"),
		plain("paddle/paddle", "paddle", "paddle/resnet"),
		plain("pmml/pmml", "pmml", "pmml"),
		plain("onnx/onnx", "onnx", "onnx"),
		plain("tensorflow/tensorflow", "tensorflow", "tensorflow/flowers"),
		plain("torchserve/autoscaling/autoscaling", "pytorch", "torchserve/image_classifier/v1"),
		gpu, t4, triton,
		{
			file: "storage/hf/hf_isvc", model: "llama2",
			version: mlops.ModelVersionSpec{Format: "huggingface", ArtifactURI: "hf://meta-llama/Llama-2-7b-chat-hf"},
			variant: mlops.Variant{Compute: &mlops.Compute{CPU: 6, Memory: 24 << 30, Accelerator: &mlops.Accelerator{Count: 1, Memory: 24 << 30}}},
			// What only this runtime has is said in its own words.
			overrides: `{"InferenceService": {"spec": {"predictor": {"model": {"args": ["--model_name=llama2", "--model_dir=/mnt/models", "--backend=huggingface"]}}}}}`,
		},
		{
			file: "logger/basic/sklearn-logging", capture: true,
			version: mlops.ModelVersionSpec{Format: "sklearn", ArtifactURI: "gs://kfserving-examples/models/sklearn/1.0/model"},
		},
	}
}

// TestKServeSamples proves that what KServe's makers give as samples, said in the
// portable words, comes to pods that serve the same: both are made by KServe's own
// manager and webhooks. What cannot be compared: samples of the second protocol for
// formats that have the first as well, which the provider prefers; images with a model
// inside; and scaling, of which there are samples for Knative alone (see
// TestKServeKnativeSamples).
func TestKServeSamples(t *testing.T) {
	t.Parallel()
	s := newServing(t, mlops.Settings{targetCapture: "http://message-dumper.default/"})
	for _, c := range kserveCases() {
		t.Run(strings.ReplaceAll(c.file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			called := kubetest.Name("sample")
			ours := serving{t, s.kind, s.shelf, s.environment, s.namespace}.sample(called, c)
			sample := kubetest.Name("theirs")
			control.Apply(t, s.namespace, jsonOf(t, c.object(t, sample).Object))
			want := factsOfPod(t, s.pod(t, sample), c.called(sample))
			got := factsOfPod(t, s.pod(t, ours), c.called(called))
			if c.same != nil {
				c.same(&got)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-KServe's +ours):\n%s", c.file, diff)
			}
		})
	}
}

// sample makes the endpoint of a case, and returns the name of its server.
func (s serving) sample(called string, c sampleCase) string {
	s.Helper()
	s.endpointOf(called, c)
	for _, server := range s.services() {
		if strings.HasPrefix(server, called+"-") {
			return server
		}
	}
	s.Fatalf("%s has no server", called)
	return ""
}

// endpointOf makes the endpoint of a case.
func (s serving) endpointOf(called string, c sampleCase) {
	s.Helper()
	c.version.Model, c.version.Approval = s.environment.Child(mlops.NounModel, "m"), "approved"
	version, err := shelvedVersions{s.shelf}.Create(s.Context(), c.version)
	if err != nil {
		s.Fatal(err)
	}
	spec := s.endpoint(called, version.Ref)
	c.variant.Version, c.variant.Traffic = version.Ref, 100
	spec.Variants["main"], spec.Overrides = c.variant, c.overrides
	if c.capture {
		spec.Capture = &mlops.Capture{SamplePercent: 100}
	}
	if _, err := s.kind.Create(s.Context(), spec); err != nil {
		s.Fatal(err)
	}
}

// pod waits for a pod of an inference service.
func (s serving) pod(t *testing.T, service string) *unstructured.Unstructured {
	t.Helper()
	for range looks(2 * time.Minute) {
		if pods := control.List(t, "pods", s.namespace, "serving.kserve.io/inferenceservice="+service); len(pods) > 0 {
			return &pods[0]
		}
	}
	t.Fatalf("%s has no pod; its service is %v", service, control.Get(t, s.serviceRef(service)).Object["status"])
	return nil
}

// TestKServeCanarySamples proves that a share of the traffic that KServe's samples give a
// new version, which KServe heeds with Knative alone, is a weight of the route.
func TestKServeCanarySamples(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"rollout/canary", "rollout/pinned", "tensorflow/canary"} {
		sample := kubetest.Samples(t, kserveModule, kserveSamples+"v1beta1/"+file+".yaml")[0]
		share, found, err := unstructured.NestedFloat64(sample.Object, "spec", "predictor", "canaryTrafficPercent")
		if err != nil || !found {
			t.Fatalf("%s has no share: %v", file, err)
		}
		percent := int64(share)
		form := endpointForm{Servers: map[string]string{"stable": "old", "canary": "new"}}
		form.Spec.Variants = map[string]mlops.Variant{"stable": {Traffic: 100 - percent}, "canary": {Traffic: percent}}
		got := map[string]int64{}
		for _, b := range form.backends() {
			got[b.Name] = *b.Weight
		}
		if diff := cmp.Diff(map[string]int64{"old-predictor": 100 - percent, "new-predictor": percent}, got); diff != "" {
			t.Errorf("%s: weights (-KServe's +ours):\n%s", file, diff)
		}
	}
}
