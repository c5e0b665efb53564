package kubernetes

import (
	"cmp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	// checkpointFolder is where a step on spot capacity has its checkpoints.
	checkpointFolder = "/mlops/checkpoints"
	// checkpointSize is the size of their volume where the step asks for no disk.
	checkpointSize = mlops.Quantity(20 << 30)
	// interruptions is how often a step is begun again whose pod was taken away.
	interruptions = 20
	// interrupted holds of an attempt whose pod was taken away, and of none that failed
	// by itself: the pod was deleted, was on a node that shut down, or was told to end, and
	// killed where it did not. A pod that needed too much memory is killed with other words.
	interrupted = `lastRetry.message matches "^pod deleted$|node shutdown|Error [(]exit code (137|143)[)]"`
)

// volumeClaim is a volume that a workflow claims when it starts.
type volumeClaim struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		AccessModes []string           `json:"accessModes"`
		Resources   containerResources `json:"resources"`
	} `json:"spec"`
}

// checkpointVolume is the name of the volume of a step's checkpoints. Argo's claim of
// it has the run's name before it.
func checkpointVolume(step string) string {
	name := "checkpoints-" + nativeStep(step)
	if len(validation.IsDNS1123Label(name)) > 0 { // too long, or it ends in a hyphen
		return "checkpoints-" + revisionOf(step)[:runDigits]
	}
	return name
}

// resumed is a retry of a step that is begun again, too, when its pod is taken away. Argo
// counts all attempts alike and tells an expression how many there were: so one that was
// taken away never is the last, but for very many, and one that failed is, if there were
// as many as asked for, whatever became of them.
func resumed(r *argoRetry) *argoRetry {
	out := &argoRetry{Limit: strconv.Itoa(interruptions), Policy: "Always", Expression: interrupted}
	if r == nil {
		return out
	}
	repeats, _ := strconv.Atoi(r.Limit) // it is written so
	out.Limit = strconv.Itoa(repeats + interruptions)
	out.Expression += " || asInt(retries) < " + r.Limit
	if b := r.Backoff; b != nil {
		capped := *b
		capped.Cap = longestBackoff(*b, repeats).String()
		out.Backoff = &capped
	}
	return out
}

// longestBackoff is the longest wait that a retry asks for, or the first of more than a
// day. It would double with each interruption, too.
func longestBackoff(b argoBackoff, repeats int) time.Duration {
	longest, _ := time.ParseDuration(b.Duration) // it is written so
	for n := 1; n < repeats && longest < 24*time.Hour; n++ {
		longest *= 2
	}
	return longest
}

// saveCheckpoints gives a step on spot capacity its folder, and the workflow a volume
// for it. The volume is the run's, not a pod's, so that every attempt finds it wherever
// it lands; it goes when the run ends, whatever comes of that.
func (c compiler) saveCheckpoints(spec *workflowSpec, t *argoTemplate, name string) {
	s := c.spec.Steps[name]
	if !s.OnSpot() {
		return
	}
	t.Retry = resumed(t.Retry)
	program := cmp.Or(t.Container, t.Script)
	program.Mounts = append(program.Mounts, volumeMount{checkpointVolume(name), checkpointFolder})
	if spec.Security == nil {
		// A new volume is root's, and an image may have another user.
		t.Security = map[string]any{"fsGroup": podUser, "fsGroupChangePolicy": "OnRootMismatch"}
	}
	var claim volumeClaim
	claim.Metadata.Name = checkpointVolume(name)
	claim.Spec.AccessModes = []string{"ReadWriteOnce"} // one attempt at a time
	claim.Spec.Resources.Requests = map[string]string{"storage": byteCount(cmp.Or(s.Compute.Disk, checkpointSize))}
	spec.Claims = append(spec.Claims, claim)
	spec.ClaimGC = map[string]string{"strategy": "OnWorkflowCompletion"}
}
