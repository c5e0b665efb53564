package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Of a step that failed, so much of the log is shown.
const (
	tailLines = 20
	tailBytes = 4 << 10
)

// What Argo writes on the pods of a workflow.
const (
	labelWorkflow = "workflows.argoproj.io/workflow"
	noteNode      = "workflows.argoproj.io/node-id"
)

// tails are the ends of what the steps printed that failed. A log that is not there any
// more, or may not be read, is not shown.
func (k pipelineRunKind) tails(ctx context.Context, s scene, run seenRun) string {
	failed := map[string]string{} // by node
	for id, n := range run.status.Nodes {
		if n.Type == nodePod && (n.Phase == phaseFailed || n.Phase == phaseError) {
			failed[id] = n.Name
		}
	}
	if len(failed) == 0 {
		return ""
	}
	pods, err := s.cluster.list(ctx, kindPod, s.namespace, labelWorkflow+"="+run.object.GetName())
	if err != nil {
		return ""
	}
	logs := map[string]string{}
	for i := range pods {
		step, ok := failed[pods[i].GetAnnotations()[noteNode]]
		if !ok {
			continue
		}
		if text := s.cluster.tail(ctx, s.namespace, pods[i].GetName(), "main"); text != "" {
			logs[step] = text
		}
	}
	var b strings.Builder
	for _, step := range slices.Sorted(maps.Keys(logs)) {
		fmt.Fprintf(&b, "\nlast lines of %s:\n%s", step, logs[step])
	}
	return b.String()
}

// tail is the end of what a container of a pod printed, "" where nobody knows.
func (c *cluster) tail(ctx context.Context, namespace, pod, container string) string {
	raw, err := c.calls.Get().AbsPath("/api/v1/namespaces/"+url.PathEscape(namespace)+"/pods/"+url.PathEscape(pod)+"/log").
		Param("container", container).Param("tailLines", strconv.Itoa(tailLines)).Param("limitBytes", strconv.Itoa(tailBytes)).Do(ctx).Raw()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
