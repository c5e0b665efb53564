package kubernetes

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// templateFacts are what a service of Knative's is told of its servers, and how many of
// them there may be.
type templateFacts struct {
	Pod         podFacts
	Scaling     map[string]string // annotations of Knative's autoscaler, without its prefix
	Concurrency int64             // the hard limit of requests in flight
}

// factsOfService reads them. Model is the name that the model is served by.
func factsOfService(t *testing.T, service *unstructured.Unstructured, model string) templateFacts {
	t.Helper()
	const prefix = "autoscaling.knative.dev/"
	template, _, _ := unstructured.NestedMap(service.Object, "spec", "template")
	out := templateFacts{Pod: factsOfPod(t, &unstructured.Unstructured{Object: template}, model), Scaling: map[string]string{}}
	out.Concurrency, _, _ = unstructured.NestedInt64(template, "spec", "containerConcurrency")
	notes, _, _ := unstructured.NestedStringMap(template, "metadata", "annotations")
	for key, value := range notes {
		if what, ok := strings.CutPrefix(key, prefix); ok {
			out.Scaling[what] = value
		}
	}
	out.Pod.Model = notes["internal.serving.kserve.io/storage-initializer-sourceuri"]
	return out
}

// kserveKnativeCases are KServe's samples of scaling with Knative.
func kserveKnativeCases() []sampleCase {
	flowers := func(file string) sampleCase {
		version := mlops.ModelVersionSpec{Format: "tensorflow", ArtifactURI: "gs://kfserving-examples/models/tensorflow/flowers"}
		return sampleCase{file: file, version: version, variant: mlops.Variant{Scaling: &mlops.Scaling{Concurrency: new(int64(1))}}}
	}
	gpu := flowers("autoscaling/autoscale_gpu")
	gpu.version.Image = "openvino/model_server:1.13.0-gpu" // what its runtimeVersion comes to
	gpu.variant.Compute = &mlops.Compute{Accelerator: &mlops.Accelerator{Count: 1, Memory: 16 << 30}}
	limited := flowers("autoscaling/autoscale_custom")
	limited.variant.Scaling = nil
	// A hard limit is Knative's alone: it is said in KServe's own words.
	limited.overrides = `{"InferenceService": {"spec": {"predictor": {"containerConcurrency": 10}}}}`
	torch := sampleCase{
		file:    "v1beta1/torchserve/autoscaling/autoscaling",
		version: mlops.ModelVersionSpec{Format: "pytorch", ArtifactURI: "gs://kfserving-examples/models/torchserve/image_classifier/v1"},
		variant: mlops.Variant{Scaling: &mlops.Scaling{Concurrency: new(int64(10))}},
	}
	// A model that sleeps when nobody asks.
	asleep := sampleCase{
		file:      "fluid/kserve-isvc",
		version:   mlops.ModelVersionSpec{Format: "huggingface", ArtifactURI: "s3://${bucket}/models/meta-llama--Meta-Llama-3.1-8B-Instruct"},
		variant:   mlops.Variant{Scaling: &mlops.Scaling{Min: new(int64)}, Compute: &mlops.Compute{CPU: 24, Memory: 48 << 30, Accelerator: &mlops.Accelerator{Count: 1, Memory: 24 << 30}}},
		overrides: `{"InferenceService": {"spec": {"predictor": {"model": {"args": ["--gpu-memory-utilization=0.95", "--max-model-len=1024", "--tensor-parallel-size=1", "--enforce-eager", "--disable-log-stats"]}}}}}`,
		same: func(ours *podFacts) { // who says a limit of an accelerator asks for it
			ours.Asks["request nvidia.com/gpu"] = ours.Asks["limit nvidia.com/gpu"]
		},
	}
	return []sampleCase{flowers("autoscaling/autoscale"), limited, gpu, torch, asleep}
}

// TestKServeKnativeSamples proves that KServe's samples of scaling with Knative, said in
// the portable words, come to services of Knative's that are told the same: both are made
// by KServe's own manager. What has no portable equal: no limit to the replicas (a
// variant has a max, which is 1 where nobody says); a hard limit of requests in flight
// (overrides have it); a machine's type together with what is asked of it; and the
// annotations of a mesh. What ours say beside that is what Knative does anyway, and how
// long an idle pod stays.
func TestKServeKnativeSamples(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	for _, c := range kserveKnativeCases() {
		t.Run(strings.ReplaceAll(c.file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			s := serving{t, s.kind, s.shelf, s.environment, s.namespace}
			called, theirs := kubetest.Name("sample"), kubetest.Name("theirs")
			s.endpointOf(called, c)
			control.Apply(t, s.namespace, jsonOf(t, knativeSample(t, c, theirs)))
			want := factsOfService(t, s.made(theirs), c.called(theirs))
			got := factsOfService(t, s.made(called), c.called(called))
			if got.Scaling["metric"] == "concurrency" { // Knative's default
				delete(got.Scaling, "metric")
			}
			if want.Scaling["target"] == "" { // ours is said, and Knative has one too
				delete(got.Scaling, "target")
			}
			if got.Scaling["min-scale"] == "0" {
				delete(got.Scaling, strings.TrimPrefix(noteRetention, "autoscaling.knative.dev/"))
			}
			delete(got.Scaling, "max-scale")
			if c.same != nil {
				c.same(&got.Pod)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-KServe's +ours):\n%s", c.file, diff)
			}
		})
	}
}

// knativeSample is a sample for Knative, which its makers' default is.
func knativeSample(t *testing.T, c sampleCase, called string) map[string]any {
	t.Helper()
	o := c.object(t, called)
	notes := o.GetAnnotations()
	if notes == nil {
		notes = map[string]string{}
	}
	notes[noteMode] = "Knative"
	o.SetAnnotations(notes)
	return o.Object
}

// made waits for the service of Knative's that an inference service comes to.
func (s serving) made(service string) *unstructured.Unstructured {
	s.Helper()
	return control.Wait(s, s.knativeRef(service), "to be made", func(*unstructured.Unstructured) bool { return true })
}

// TestKServeKnativeRollout proves that KServe's own sample of a rollout, from one version
// to ten percent of the next and to all of it, is what a rollout in steps has KServe and
// Knative do. What has no portable equal is a new version that is pinned at none of the
// traffic: a rollout goes back, and is over.
func TestKServeKnativeRollout(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	theirs := kubetest.Name("theirs")
	var want []map[string]int64
	for _, step := range []string{"default", "canary", "promotion"} {
		control.Apply(t, s.namespace, jsonOf(t, knativeSample(t, sampleCase{file: "v1beta1/rollout/" + step}, theirs)))
		want = append(want, s.moved(theirs, want))
	}
	version := func(uri string) mlops.ID {
		return s.version("tensorflow", "gs://kfserving-examples/models/tensorflow/"+uri)
	}
	spec := s.endpoint("ours", version("flowers"))
	s.ready(s.create(spec), spec)
	next := s.endpoint("ours", version("flowers-2"))
	next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10}, Bake: mlops.Duration(time.Second)}
	shares, seen, err := s.driven(next)
	if err != nil {
		t.Fatal(err)
	}
	s.ready(seen, next)
	var got []map[string]int64
	for _, one := range shares {
		got = append(got, byNumber("ours", one))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shares of revisions (-KServe's +ours):\n%s", diff)
	}
}

// moved waits until the traffic of an inference service is shared in another way than
// last, and KServe has noted which revision has it, which the next step is a share of.
func (s serving) moved(service string, before []map[string]int64) map[string]int64 {
	s.Helper()
	var now map[string]int64
	control.Wait(s, s.serviceRef(service), "to move its traffic", func(o *unstructured.Unstructured) bool {
		rolled, _, _ := unstructured.NestedString(o.Object, "status", "components", "predictor", "latestRolledoutRevision")
		if rolled == "" {
			return false
		}
		now = byNumber(service, s.shares(service))
		return len(now) > 0 && (len(before) == 0 || !maps.Equal(before[len(before)-1], now))
	})
	return now
}

// byNumber are shares of revisions, by the numbers of these.
func byNumber(service string, shares map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for revision, share := range shares {
		out[strings.TrimPrefix(revision, predictor(service)+"-")] = share
	}
	return out
}
