package kubernetes

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type runObserved = mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

// The phases of workflows and their nodes.
const (
	phasePending   = "Pending"
	phaseRunning   = "Running"
	phaseSucceeded = "Succeeded"
	phaseFailed    = "Failed"
	phaseError     = "Error"
	phaseSkipped   = "Skipped"
	phaseOmitted   = "Omitted"
)

// The types of nodes that are a step, or an attempt at one.
const (
	nodePod   = "Pod"
	nodeRetry = "Retry"
)

// maxNodes bounds the nodes of a status, unpacked.
const maxNodes = 64 << 20

// unpack reads nodes that were too many to be kept as they are.
func (s *workflowStatus) unpack() error {
	if s.Compressed == "" {
		return nil
	}
	packed, err := base64.StdEncoding.DecodeString(s.Compressed)
	if err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(mlops.Bounded(r, maxNodes))
	if err != nil {
		return fmt.Errorf("the nodes of the workflow's status cannot be read: %w", err)
	}
	return json.Unmarshal(raw, &s.Nodes)
}

func (k pipelineRunKind) observe(ctx context.Context, s scene, run seenRun) (runObserved, error) {
	name := run.object.GetName()
	seen := runObserved{Ref: s.id.Child(mlops.NounPipelineRun, name), Native: map[string]string{"namespace": s.namespace, "workflow": name, "uid": string(run.object.GetUID())}}
	seen.Spec = mlops.PipelineRunSpec{Pipeline: s.id, Detached: true}
	if run.known() {
		seen.Spec = mlops.PipelineRunSpec{}
		if err := run.record.into(&seen.Spec); err != nil {
			return seen, err
		}
		seen.Revision = run.record.Revision
	}
	seen.Status = mlops.PipelineRunStatus{
		Run: name, State: run.state(), Outputs: map[string]string{}, Metrics: map[string]float64{}, Steps: run.steps(),
		StartedAt: timeOf(run.status.StartedAt), FinishedAt: timeOf(run.status.FinishedAt),
	}
	if run.object.GetDeletionTimestamp() != nil {
		seen.Phase, seen.Reason = mlops.PhaseDeleting, lingering(run.object)
		return seen, nil
	}
	switch run.status.Phase {
	case phaseSucceeded:
		run.conclude(s, &seen)
	case phaseFailed, phaseError:
		seen.Phase, seen.Reason = mlops.PhaseFailed, run.reason()
		seen.Reason += k.tails(ctx, s, run)
	default:
		seen.Phase, seen.Reason = mlops.PhasePending, run.underWay()
	}
	return seen, nil
}

// state is how a workflow stands. One that somebody stopped has failed in Argo's words.
func (r seenRun) state() mlops.RunState {
	switch r.status.Phase {
	case phaseSucceeded:
		return mlops.RunSucceeded
	case phaseFailed, phaseError:
		if strings.HasPrefix(r.status.Message, "Stopped with strategy") {
			return mlops.RunCancelled
		}
		return mlops.RunFailed
	case phaseRunning:
		return mlops.RunRunning
	}
	return mlops.RunQueued
}

// stepNames are a pipeline's own names of steps, by Argo's.
func (r seenRun) stepNames() map[string]string {
	out := map[string]string{}
	for name := range r.facts.Pipeline.Steps {
		out[nativeStep(name)] = name
	}
	return out
}

// nodes are the nodes that are steps, by the pipeline's own names: of a step that is
// repeated the one that stands for all attempts. Those of a definition go by Argo's.
func (r seenRun) nodes() map[string]nodeStatus {
	attempts := map[string]bool{}
	for _, n := range r.status.Nodes {
		if n.Type == nodeRetry {
			for _, child := range n.Children {
				attempts[child] = true
			}
		}
	}
	out, names := map[string]nodeStatus{}, r.stepNames()
	for id, n := range r.status.Nodes {
		isStep := n.Type == nodePod || n.Type == nodeRetry || n.Type == nodeSkipped
		if isStep && !attempts[id] {
			out[cmp.Or(names[n.Name], n.Name)] = n
		}
	}
	return out
}

func (r seenRun) steps() map[string]mlops.StepRun {
	out, nodes := map[string]mlops.StepRun{}, r.nodes()
	skipped := r.skipped(nodes)
	for name, n := range nodes {
		if reason, ok := skipped[name]; ok {
			out[name] = mlops.StepRun{State: mlops.RunSkipped, Reason: reason, FinishedAt: timeOf(n.FinishedAt)}
			continue
		}
		step := mlops.StepRun{
			State: stepState(n.Phase), Attempt: 1, Cached: n.Memoization.Hit, Reason: cmp.Or(r.undecided(name, nodes), n.Message),
			StartedAt: timeOf(n.StartedAt), FinishedAt: timeOf(n.FinishedAt),
		}
		if n.Type == nodeRetry {
			step.Attempt = max(len(n.Children), 1)
		}
		out[name] = step
	}
	return out
}

func stepState(phase string) mlops.RunState {
	switch phase {
	case phaseSucceeded:
		return mlops.RunSucceeded
	case phaseFailed, phaseError:
		return mlops.RunFailed
	case phaseOmitted: // since a step before it failed
		return mlops.RunCancelled
	case phasePending, "":
		return mlops.RunQueued
	}
	return mlops.RunRunning
}

// reason is why a run failed: what Argo says of each step that did.
func (r seenRun) reason() string {
	var reasons []string
	nodes := r.nodes()
	for name, n := range nodes {
		if n.Phase == phaseFailed || n.Phase == phaseError {
			reasons = append(reasons, fmt.Sprintf("step %q: %s", name, cmp.Or(r.undecided(name, nodes), r.message(n))))
		}
	}
	slices.Sort(reasons)
	if len(reasons) == 0 {
		return cmp.Or(r.status.Message, "the workflow ended as "+r.status.Phase)
	}
	return strings.Join(reasons, "; ")
}

// message is why a step failed: of one that was repeated, what the last attempt failed
// of.
func (r seenRun) message(n nodeStatus) string {
	if n.Type == nodeRetry && len(n.Children) > 0 {
		if last := r.status.Nodes[n.Children[len(n.Children)-1]].Message; last != "" {
			return fmt.Sprintf("%s (after %d attempts)", last, len(n.Children))
		}
	}
	return cmp.Or(n.Message, "no reason was given")
}

// underWay names the steps that are at work, and what those wait for that are not.
func (r seenRun) underWay() string {
	var working, waiting []string
	for name, n := range r.nodes() {
		switch n.Phase {
		case phaseRunning:
			working = append(working, name)
		case phasePending:
			waiting = append(waiting, name+" ("+cmp.Or(n.Message, "no pod yet")+")")
		}
	}
	slices.Sort(working)
	slices.Sort(waiting)
	switch {
	case len(waiting) > 0:
		return "waiting: " + strings.Join(waiting, ", ")
	case len(working) > 0:
		return "at work: " + strings.Join(working, ", ")
	}
	return cmp.Or(r.status.Message, "the workflow is starting")
}
