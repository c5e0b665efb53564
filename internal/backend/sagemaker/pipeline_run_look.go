package sagemaker

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type runObserved = mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]

// executionID is how SageMaker names executions.
var executionID = regexp.MustCompile(`^[a-z0-9]{12}$`)

// Get takes one look at an execution and its steps.
func (k pipelineRunKind) Get(ctx context.Context, ref mlops.ID) (runObserved, error) {
	s, e, err := k.execution(ctx, ref)
	if err != nil {
		return runObserved{Ref: ref}, err
	}
	return k.observe(ctx, s, e)
}

// List returns the runs of a pipeline, those of its schedule among them.
func (k pipelineRunKind) List(ctx context.Context, parent mlops.ID) ([]runObserved, error) {
	if _, err := parent.ParseAs(mlops.NounPipeline); err != nil {
		return nil, invalid(err)
	}
	s, err := pipelineKind(k).scene(ctx, parent)
	if err != nil {
		return nil, err
	}
	var all []execution
	if err := k.eachExecution(ctx, s, func(e execution, _ string) { all = append(all, e) }); err != nil {
		return nil, err
	}
	slices.Reverse(all)
	out := []runObserved{}
	for _, e := range all {
		if e.gone() {
			continue
		}
		seen, err := k.observe(ctx, s, e)
		if err != nil {
			return nil, err
		}
		out = append(out, seen)
	}
	return out, nil
}

func (k pipelineRunKind) observe(ctx context.Context, s scene, e execution) (runObserved, error) {
	ref := s.id.Child(mlops.NounPipelineRun, e.id)
	seen := runObserved{Ref: ref, Native: map[string]string{"arn": e.arn}}
	seen.Spec = mlops.PipelineRunSpec{Pipeline: s.id, Detached: true}
	if e.record != nil {
		seen.Spec = mlops.PipelineRunSpec{}
		if err := e.record.into(&seen.Spec); err != nil {
			return seen, err
		}
		seen.Revision = e.record.Revision
	}
	seen.Status = mlops.PipelineRunStatus{Run: e.id, State: runState(e.status), Outputs: map[string]string{}, Metrics: map[string]float64{}, Steps: map[string]mlops.StepRun{}}
	reasons, err := k.addSteps(ctx, s, e, &seen)
	if err != nil {
		return seen, err
	}
	if e.note == deletingRun {
		seen.Phase, seen.Due = mlops.PhaseDeleting, ended(e.status)
		return seen, nil
	}
	switch e.status {
	case types.PipelineExecutionStatusSucceeded:
		return seen, k.addResult(ctx, s, e, &seen)
	case types.PipelineExecutionStatusFailed, types.PipelineExecutionStatusStopped:
		seen.Phase, seen.Reason = mlops.PhaseFailed, cmp.Or(strings.Join(reasons, "; "), e.reason, "the execution ended as "+string(e.status))
	default:
		seen.Phase, seen.Reason = mlops.PhasePending, underWay(seen.Status.Steps)
	}
	return seen, nil
}

// ended reports whether an execution's status is final.
func ended(s types.PipelineExecutionStatus) bool {
	return s != types.PipelineExecutionStatusExecuting && s != types.PipelineExecutionStatusStopping
}

func runState(s types.PipelineExecutionStatus) mlops.RunState {
	switch s {
	case types.PipelineExecutionStatusSucceeded:
		return mlops.RunSucceeded
	case types.PipelineExecutionStatusFailed:
		return mlops.RunFailed
	case types.PipelineExecutionStatusStopped, types.PipelineExecutionStatusStopping:
		return mlops.RunCancelled
	}
	return mlops.RunRunning
}

// underWay names the steps that are at work.
func underWay(steps map[string]mlops.StepRun) string {
	var names []string
	for name, s := range steps {
		if s.State == mlops.RunRunning {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "the execution is starting"
	}
	return "at work: " + strings.Join(names, ", ")
}

// addSteps reads the steps, and returns why those failed that did.
func (k pipelineRunKind) addSteps(ctx context.Context, s scene, e execution, seen *runObserved) (reasons []string, err error) {
	pages := sagemaker.NewListPipelineExecutionStepsPaginator(s.c.sagemaker, &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: &e.arn, MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range page.PipelineExecutionSteps {
			name := aws.ToString(x.StepName)
			run := mlops.StepRun{
				State: stepState(x.StepStatus), Attempt: int(max(aws.ToInt32(x.AttemptCount), 1)), Reason: aws.ToString(x.FailureReason),
				StartedAt: aws.ToTime(x.StartTime), FinishedAt: aws.ToTime(x.EndTime), Cached: x.CacheHitResult != nil,
			}
			started := run.StartedAt
			if seen.Status.StartedAt.IsZero() || started.Before(seen.Status.StartedAt) {
				seen.Status.StartedAt = started
			}
			if run.FinishedAt.After(seen.Status.FinishedAt) && ended(e.status) {
				seen.Status.FinishedAt = run.FinishedAt
			}
			if isCondition(name) {
				reasons = append(reasons, undecided(run, aws.ToString(x.StepDescription), aws.ToString(x.StepDisplayName), seen.Status.Steps)...)
				continue
			}
			seen.Status.Steps[name] = run
			log := addJob(seen.Native, name, x.Metadata)
			if run.State == mlops.RunFailed {
				reasons = append(reasons, fmt.Sprintf("step %q: %s%s", name, cmp.Or(run.Reason, "no reason was given"), log))
			}
		}
	}
	slices.Sort(reasons)
	return reasons, nil
}

// logGroups are where CloudWatch has what a kind of job printed, in streams that
// begin with the job's name.
const (
	processingLogs = "/aws/sagemaker/ProcessingJobs"
	trainingLogs   = "/aws/sagemaker/TrainingJobs"
)

// addJob adds a step's job to the native ids, and where its log is. It returns the
// latter in words too.
func addJob(native map[string]string, step string, m *types.PipelineExecutionStepMetadata) string {
	var arn, group string
	switch {
	case m == nil:
		return ""
	case m.ProcessingJob != nil:
		arn, group = aws.ToString(m.ProcessingJob.Arn), processingLogs
	case m.TrainingJob != nil:
		arn, group = aws.ToString(m.TrainingJob.Arn), trainingLogs
	default:
		return ""
	}
	native["job."+step], native["log."+step] = arn, group+"/"+lastSegment(arn)
	return fmt.Sprintf(" (its log: group %s, streams %s/…)", group, lastSegment(arn))
}

func stepState(s types.StepStatus) mlops.RunState {
	switch s {
	case types.StepStatusSucceeded:
		return mlops.RunSucceeded
	case types.StepStatusFailed:
		return mlops.RunFailed
	case types.StepStatusStopped, types.StepStatusStopping:
		return mlops.RunCancelled
	}
	return mlops.RunRunning
}
