package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/retrainjob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/retrain"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// monitorJobs lists the jobs of a monitor that are kept, and retrainings the runs that it
// started, the oldest first.
func (s scene) monitorJobs(ctx context.Context) ([]unstructured.Unstructured, error) {
	all, err := s.cluster.list(ctx, kindWorkflow, s.namespace, selects(mlops.NounMonitor)+","+labelName+"="+labelValue(s.id.Name()))
	return s.ownJobs(all), withoutKind(err)
}

func (s scene) retrainings(ctx context.Context) ([]unstructured.Unstructured, error) {
	all, err := s.cluster.list(ctx, kindWorkflow, s.namespace, selects(mlops.NounPipelineRun)+","+labelMonitor+"="+labelValue(s.id.Name()))
	return s.ownRetrainings(all), withoutKind(err)
}

func (s scene) ownJobs(all []unstructured.Unstructured) []unstructured.Unstructured {
	return byAge(all, func(o *unstructured.Unstructured) bool { return isPartOf(o, s.id) })
}

func (s scene) ownRetrainings(all []unstructured.Unstructured) []unstructured.Unstructured {
	return byAge(all, func(o *unstructured.Unstructured) bool { return o.GetLabels()[labelMonitor] == labelValue(s.id.Name()) })
}

// byAge are some of a list, the oldest first.
func byAge(all []unstructured.Unstructured, some func(*unstructured.Unstructured) bool) []unstructured.Unstructured {
	var out []unstructured.Unstructured
	for i := range all {
		if some(&all[i]) {
			out = append(out, all[i])
		}
	}
	slices.SortFunc(out, func(a, b unstructured.Unstructured) int {
		return cmp.Or(a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time), cmp.Compare(a.GetName(), b.GetName()))
	})
	return out
}

// status is what a monitor found, as far as its jobs are kept and Prometheus tells.
func (m monitorSeen) status(s scene, spec mlops.MonitorSpec, events monitorEvents) mlops.MonitorStatus {
	out := mlops.MonitorStatus{State: mlops.MonitorWaiting, Since: m.record.Created, Baseline: m.facts.Baseline, Retraining: m.retraining(spec, events.runs)}
	if out.Baseline.Features == nil {
		out.Baseline.Features = []string{}
	}
	for i := range events.jobs {
		report, over := s.reportOf(&events.jobs[i])
		if !over {
			continue
		}
		if out.LastReport == nil || out.State != report.State {
			out.State, out.Since = report.State, report.At
		}
		out.LastReport = &report
		if report.State == mlops.MonitorViolated {
			out.LastViolated = latest(out.LastViolated, report.At)
		}
	}
	if m.facts.hasRules() && spec.Health != nil {
		addHealth(&out, s, spec, events.alerts)
	}
	if c, err := schedule.Parse(spec.Schedule); err == nil && m.parts[kindCronWorkflow] != nil && !spec.Schedule.Disabled {
		out.NextCheck = c.Next(time.Now()).UTC()
	}
	return out
}

// addHealth adds what Prometheus says of health now.
func addHealth(out *mlops.MonitorStatus, s scene, spec mlops.MonitorSpec, alerts alertsSeen) {
	report, at, since := alerts.health(s, spec)
	if report.State == mlops.MonitorWaiting {
		return
	}
	if out.LastReport == nil {
		out.LastReport = &mlops.MonitorReport{
			Monitor: s.id, State: mlops.MonitorWaiting, Checks: map[string]mlops.CheckReport{}, Until: at, From: at.Add(-spec.Window.Or(mlops.DefaultWindow)),
		}
		if at.IsZero() {
			out.LastReport.From = at
		}
	}
	r := out.LastReport
	r.Checks[checkHealth], r.At = report, latest(r.At, at)
	if report.State == mlops.MonitorViolated {
		out.LastViolated = latest(out.LastViolated, at)
	}
	if moreSerious(report.State, r.State) {
		r.State, r.Reason = report.State, report.Reason
		out.State = report.State
		if !since.IsZero() {
			out.Since = since
		}
	}
}

// reportOf is the report of a job, or of why it made none. One that is at work has none
// yet.
func (s scene) reportOf(job *unstructured.Unstructured) (report mlops.MonitorReport, over bool) {
	status := statusOf[workflowStatus](job)
	if err := status.unpack(); err != nil {
		status.Message = err.Error()
	}
	reason := status.Message
	for _, n := range status.Nodes {
		if n.TemplateName != monitorCheck {
			continue
		}
		if n.Message != "" {
			reason = n.Message
		}
		for _, p := range n.Outputs.Parameters {
			if p.Name == outputReport && p.Value != nil && json.Unmarshal([]byte(*p.Value), &report) == nil && report.State != "" {
				report.URI = s.reportURI(n)
				return complete(report, s.id), true
			}
		}
	}
	switch status.Phase {
	case phaseSucceeded, phaseFailed, phaseError:
	default:
		return report, false
	}
	report = mlops.MonitorReport{State: mlops.MonitorBroken, Reason: "the job " + job.GetName() + " gave no report: " + cmp.Or(reason, status.Phase), At: timeOf(status.FinishedAt)}
	return complete(report, s.id), true
}

// reportURI is where Argo says that it has put a report.
func (s scene) reportURI(n nodeStatus) string {
	for _, a := range n.Outputs.Artifacts {
		if a.Name == outputReport {
			return artifacts{layout: s.layout}.uri(a.argoLocation)
		}
	}
	return ""
}

// complete is a report with nothing that is null.
func complete(r mlops.MonitorReport, id mlops.ID) mlops.MonitorReport {
	r.Monitor = id
	if r.Checks == nil {
		r.Checks = map[string]mlops.CheckReport{}
	}
	return r
}

// retraining is how the pipeline stands that violations start: what the lease keeps, and
// what became of the last run.
func (m monitorSeen) retraining(spec mlops.MonitorSpec, runs []unstructured.Unstructured) mlops.Retraining {
	lease := m.parts[kindLease]
	if spec.OnViolation == nil || lease == nil {
		return retrain.Standing(mlops.Retraining{}, nil, time.Now())
	}
	ledger, err := retrainjob.Read(lease)
	if err != nil {
		return mlops.Retraining{State: mlops.RetrainingIdle, Reason: err.Error()}
	}
	var last *unstructured.Unstructured
	if i := slices.IndexFunc(runs, func(o unstructured.Unstructured) bool { return o.GetName() == ledger.LastRun.Name() }); i >= 0 {
		last = &runs[i]
	}
	return retrain.Standing(ledger.Follow(last).Retraining, spec.OnViolation, time.Now())
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// moreSerious orders the states of a monitor by how much they matter.
func moreSerious(a, b mlops.MonitorState) bool {
	order := []mlops.MonitorState{mlops.MonitorWaiting, mlops.MonitorNoData, mlops.MonitorOK, mlops.MonitorBroken, mlops.MonitorViolated}
	return slices.Index(order, a) > slices.Index(order, b)
}
