package kubernetes

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// noteNodeName is where Argo's pods say which attempt at which step they are.
const noteNodeName = "workflows.argoproj.io/node-name"

// claimOf is the claim that a pod has for the volume of its checkpoints, "" for none.
func claimOf(pod *unstructured.Unstructured) string {
	all, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
	for _, v := range all {
		volume, _ := v.(map[string]any)
		if claim, ok, _ := unstructured.NestedString(volume, "persistentVolumeClaim", "claimName"); ok {
			return claim
		}
	}
	return ""
}

// TestCheckpoints proves that all attempts at a step on spot capacity have one volume of
// the run, of the size that was asked for, and other steps none; and that it goes when
// the run ends, also one that failed.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fails  string // attempts
		want   mlops.Phase
		disk   mlops.Quantity
		volume string
	}{
		{"recovers", "fit(0)", mlops.PhaseReady, 3 << 30, "3Gi"},
		{"fails", "fit(0) fit(1)", mlops.PhaseFailed, 0, "20Gi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := plant(t, nil)
			var mu sync.Mutex
			claims := map[string]string{} // by attempt
			control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
				mu.Lock()
				defer mu.Unlock()
				_, attempt, _ := strings.Cut(pod.GetAnnotations()[noteNodeName], ".")
				claims[attempt] = claimOf(pod)
				if strings.Contains(test.fails, attempt) {
					return kubetest.Outcome{ExitCode: 1}
				}
				return kubetest.Outcome{Running: attempt == "fit(1)"}
			})
			p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{
				"fit":  {Command: []string{"fit"}, Compute: &mlops.Compute{Spot: true, Disk: test.disk}, Retry: &mlops.Retry{Attempts: 2}},
				"read": {Command: []string{"read"}},
			}})
			change, err := e.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: p.ID()})
			e.must(err)
			claim := change.Ref.Name() + "-checkpoints-fit"
			volume := e.ref("persistentvolumeclaims", claim)
			if test.want == mlops.PhaseReady {
				e.finishSecond(t, volume, test.volume)
			}
			if seen := e.ended(change.Ref); seen.Phase != test.want || seen.Status.Steps["fit"].Attempt != 2 {
				t.Errorf("it is %s (%s), with %+v", seen.Phase, seen.Reason, seen.Status.Steps)
			}
			control.WaitGone(t, volume)
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(map[string]string{"fit(0)": claim, "fit(1)": claim, "read": ""}, claims); diff != "" {
				t.Errorf("claims of the attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestInterrupted proves that a step on spot capacity is begun again when its program is
// told to end, however often it may be repeated, and that one that fails is repeated as
// often as asked for: by Argo's own controller.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	again := &mlops.Retry{Attempts: 2, Backoff: mlops.Duration(time.Second)}
	for _, test := range []struct {
		name     string
		retry    *mlops.Retry
		exits    []int // codes of the attempts
		want     mlops.Phase
		attempts int
	}{
		{"no-retry", nil, []int{143, 3}, mlops.PhaseFailed, 2},
		{"interrupted", again, []int{143, 137, 143, 3}, mlops.PhaseFailed, 4},
		{"fails", again, []int{3, 3}, mlops.PhaseFailed, 2},
		{"recovers", again, []int{3, 143, 0}, mlops.PhaseReady, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := plant(t, nil)
			control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
				_, attempt, _ := strings.Cut(pod.GetAnnotations()[noteNodeName], ".")
				n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(attempt, "fit("), ")"))
				if err != nil || n >= len(test.exits) {
					return kubetest.Outcome{ExitCode: 9}
				}
				return kubetest.Outcome{ExitCode: test.exits[n]}
			})
			p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}, Compute: &mlops.Compute{Spot: true}, Retry: test.retry}}})
			change, err := e.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: p.ID()})
			e.must(err)
			seen := e.ended(change.Ref)
			step := seen.Status.Steps["fit"]
			if seen.Phase != test.want || step.Attempt != test.attempts || test.want == mlops.PhaseFailed && !strings.Contains(seen.Reason, "exit code 3") {
				t.Errorf("it is %s (%s), with %+v; want %s after %d attempts", seen.Phase, seen.Reason, step, test.want, test.attempts)
			}
		})
	}
}

// TestResumedBackoff proves that interruptions make no wait longer than asked for.
func TestResumedBackoff(t *testing.T) {
	t.Parallel()
	got := resumed(retryOf(&mlops.Retry{Attempts: 4, Backoff: mlops.Duration(10 * time.Second)}))
	want := &argoRetry{
		Limit: "23", Policy: "Always", Expression: interrupted + " || asInt(retries) < 3",
		Backoff: &argoBackoff{Duration: "10s", Factor: "2", Cap: "40s"}, // 10s, 20s, 40s
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resumed (-want +got):\n%s", diff)
	}
}

// running waits until Argo knows that an attempt at a step runs, and names its pod. One
// that is lost before is made again, as the same attempt.
func (e estate) running(t *testing.T, attempt string) (name string) {
	t.Helper()
	e.settle(attempt, func() bool {
		for _, pod := range control.List(t, "pods", e.spec.Name, "") {
			if !strings.HasSuffix(pod.GetAnnotations()[noteNodeName], "."+attempt) {
				continue
			}
			status := statusOf[workflowStatus](control.Get(t, e.workflow(pod.GetLabels()[labelWorkflow])))
			if status.Nodes[pod.GetAnnotations()[noteNode]].Phase == phaseRunning {
				name = pod.GetName()
			}
		}
		return name != ""
	})
	return name
}

// finishSecond looks at the volume while the second attempt runs, and ends that.
func (e estate) finishSecond(t *testing.T, volume kubetest.Ref, size string) {
	t.Helper()
	second := e.running(t, "fit(1)")
	have := control.Get(t, volume)
	got, _, _ := unstructured.NestedString(have.Object, "spec", "resources", "requests", "storage")
	phase, _, _ := unstructured.NestedString(have.Object, "status", "phase")
	if got != size || phase != "Bound" {
		t.Errorf("the volume is of %s and %s, want one of %s", got, phase, size)
	}
	control.Patch(t, e.ref("pods", second), `{metadata: {annotations: {kubetest/outcome: complete}}}`)
}

// TestCheckpointVolume proves that the name of every step comes to one that volumes may
// have.
func TestCheckpointVolume(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, want string }{
		{"fit", "checkpoints-fit"},
		{"fit_it", "checkpoints-" + nativeStep("fit_it")},
		{"fit-", "checkpoints-" + revisionOf("fit-")[:runDigits]},
		{strings.Repeat("x", 63), "checkpoints-" + revisionOf(strings.Repeat("x", 63))[:runDigits]},
	} {
		got := checkpointVolume(test.name)
		if problems := validation.IsDNS1123Label(got); got != test.want || len(problems) > 0 {
			t.Errorf("the volume of %s is %s, want %s: %v", test.name, got, test.want, problems)
		}
	}
}

// TestCheckpointUser proves that a step may write its checkpoints whoever it is: in a
// namespace that insists on it all pods have a user and its group, in others the
// volume's group is given to them.
func TestCheckpointUser(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings mlops.Settings
		own      bool
	}{
		{"any", mlops.Settings{targetStorage: "s3://bucket"}, true},
		{"restricted", mlops.Settings{targetStorage: "s3://bucket", targetPodSecurity: "restricted"}, false},
	} {
		c, err := newCompiler(storedIn(test.settings), mlops.PipelineSpec{Name: "p", Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}, Compute: &mlops.Compute{Spot: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		spec, err := c.compile()
		if err != nil {
			t.Fatal(err)
		}
		of := spec.Security
		if test.own {
			of = spec.Templates[1].Security
		}
		if of["fsGroup"] != podUser || (spec.Templates[1].Security != nil) != test.own {
			t.Errorf("%s: the workflow's is %v, the step's %v", test.name, spec.Security, spec.Templates[1].Security)
		}
	}
}
