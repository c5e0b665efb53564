package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineRunKind is the kind of runs: executions, with the record in their
// description. AWS has no way to remove an execution; one that was deleted says so
// there.
type pipelineRunKind struct{ *backend }

// What the description of an execution is, before the record in packed form.
const (
	runMark        = "mlops:"
	deletedRun     = "mlops deleted"
	deletingRun    = "mlops deleting"
	maxRunNote     = 3072 // characters of a description
	runTokenDigits = 10
)

// runFacts is what a run's record has beside the spec.
type runFacts struct {
	Token   string              `json:"token"`
	Attempt int                 `json:"attempt"`
	Version string              `json:"version"`          // of the pipeline
	Outputs map[string][]string `json:"outputs"`          // by step
	Values  map[string]string   `json:"values,omitempty"` // of the parameters, defaults filled in
	// Datasets are those that the steps read, as they were when it started.
	Datasets map[mlops.ID]mlops.DatasetVersion `json:"datasets,omitempty"`
}

// execution is one that was listed or described.
type execution struct {
	arn, id, note string
	reason        string // why it failed, if it did
	status        types.PipelineExecutionStatus
	record        *record // nil for one that the provider did not start
	facts         runFacts
}

// gone reports whether it was deleted.
func (e execution) gone() bool { return e.note == deletedRun }

// newExecution reads what an execution's description says.
func newExecution(arn, note string, status types.PipelineExecutionStatus) execution {
	e := execution{arn: arn, id: lastSegment(arn), note: note, status: status}
	packed, ok := strings.CutPrefix(note, runMark)
	if !ok {
		return e
	}
	raw, err := unpack(packed)
	if err != nil {
		return e
	}
	var r record
	if json.Unmarshal(raw, &r) == nil && json.Unmarshal(r.Extra, &e.facts) == nil {
		e.record = &r
	}
	return e
}

// Create starts a run, or finds the one that a repeated request started. A run
// that failed is started again.
func (k pipelineRunKind) Create(ctx context.Context, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounPipelineRun, "", spec); err != nil {
		return mlops.Change{}, err
	}
	c := mlops.NewChecker()
	checkRun(c, spec)
	if err := c.Err(); err != nil {
		return mlops.Change{}, err
	}
	s, err := pipelineKind(k).scene(ctx, spec.Pipeline)
	if err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.Take(ctx, string(spec.Pipeline)+"/runs")
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	seen, err := pipelineKind(k).look(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	pipeline, err := pipelineKind(k).pipelineSpec(ctx, s, seen)
	if err != nil {
		return mlops.Change{}, err
	}
	values, err := pipeline.Resolve(spec.Parameters)
	if err != nil {
		return mlops.Change{}, err
	}
	token := runToken(spec, pipeline.Version(), k.options.Owner)
	before, err := k.withToken(ctx, s, token)
	if err != nil {
		return mlops.Change{}, err
	}
	if n := len(before); n > 0 && before[n-1].record != nil {
		if stands, err := k.stands(ctx, s, before[n-1]); err != nil || stands {
			return k.changeOf(spec.Pipeline, before[n-1]), err
		}
	}
	if err := checkValues(pipeline, values); err != nil {
		return mlops.Change{}, err
	}
	facts := runFacts{Token: token, Attempt: len(before) + 1, Version: pipeline.Version(), Outputs: outputsOf(pipeline), Values: values}
	return k.begin(ctx, s, spec, pipeline, facts)
}

func (k pipelineRunKind) changeOf(pipeline mlops.ID, e execution) mlops.Change {
	return mlops.Change{Ref: pipeline.Child(mlops.NounPipelineRun, e.id), Revision: e.record.Revision}
}

// eachExecution visits a pipeline's executions, newest first.
func (k pipelineRunKind) eachExecution(ctx context.Context, s scene, visit func(e execution, name string)) error {
	pages := sagemaker.NewListPipelineExecutionsPaginator(s.c.sagemaker, &sagemaker.ListPipelineExecutionsInput{
		PipelineName: &s.name, SortBy: types.SortPipelineExecutionsByCreationTime, SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, x := range page.PipelineExecutionSummaries {
			e := newExecution(aws.ToString(x.PipelineExecutionArn), aws.ToString(x.PipelineExecutionDescription), x.PipelineExecutionStatus)
			e.reason = aws.ToString(x.PipelineExecutionFailureReason)
			visit(e, aws.ToString(x.PipelineExecutionDisplayName))
		}
	}
	return nil
}

// Update asks for a run with these inputs. If ref has them, and has not failed, it
// is left alone; else a successor is started, and ref stays as history.
func (k pipelineRunKind) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineRunSpec) (mlops.Change, error) {
	s, e, err := k.execution(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	if e.record == nil {
		spec.After = ref
		return k.Create(ctx, spec)
	}
	var inForce mlops.PipelineRunSpec
	if err := e.record.into(&inForce); err != nil {
		return mlops.Change{}, err
	}
	stands, err := k.stands(ctx, s, e)
	if err != nil {
		return mlops.Change{}, err
	}
	same := spec.Pipeline == inForce.Pipeline && maps.Equal(spec.Parameters, inForce.Parameters) && maps.Equal(spec.Triggers, inForce.Triggers)
	switch {
	case !same:
		spec.After = ref
	case !stands:
		spec.After = inForce.After
	default:
		return k.changeOf(ref.Parent(), e), nil
	}
	return k.Create(ctx, spec)
}

// execution finds the execution of a run. One that was deleted is NotFound.
func (k pipelineRunKind) execution(ctx context.Context, ref mlops.ID) (scene, execution, error) {
	if err := ctx.Err(); err != nil {
		return scene{}, execution{}, err
	}
	if _, err := ref.ParseAs(mlops.NounPipelineRun); err != nil {
		return scene{}, execution{}, invalid(err)
	}
	s, err := pipelineKind(k).scene(ctx, ref.Parent())
	if err != nil {
		return s, execution{}, err
	}
	arn := s.arn + "/execution/" + ref.Name()
	if !executionID.MatchString(ref.Name()) {
		return s, execution{}, mlops.NewError(mlops.NotFound, fmt.Errorf("%q is not the name of an execution", ref.Name()))
	}
	out, err := s.c.sagemaker.DescribePipelineExecution(ctx, &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: &arn})
	if err != nil {
		return s, execution{}, err
	}
	e := newExecution(arn, aws.ToString(out.PipelineExecutionDescription), out.PipelineExecutionStatus)
	e.reason = aws.ToString(out.FailureReason)
	if e.gone() {
		return s, e, mlops.NewError(mlops.NotFound, fmt.Errorf("the run %s was deleted", ref))
	}
	return s, e, nil
}

// Delete stops a run that is under way and forgets it, with the runs that it
// followed in the same resource.
func (k pipelineRunKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, e, err := k.execution(ctx, ref)
	if err != nil {
		return err
	}
	if err := k.remove(ctx, s, e); err != nil || e.record == nil {
		return err
	}
	var spec mlops.PipelineRunSpec
	if err := e.record.into(&spec); err != nil || spec.After == "" {
		return err
	}
	if err := k.Delete(ctx, spec.After); !k.is(err, mlops.NotFound) {
		return err
	}
	return nil
}

// remove stops an execution, or marks it as deleted. What it wrote stays until its
// pipeline or the retention of its environment removes it: steps of other runs may
// have been left out in favour of its outputs.
func (k pipelineRunKind) remove(ctx context.Context, s scene, e execution) error {
	note := deletedRun
	if !ended(e.status) {
		note = deletingRun
		if err := k.stop(ctx, s, e); err != nil {
			return err
		}
	} else if err := s.files.remove(ctx, resultKey(s, e.id)); err != nil {
		return err
	}
	_, err := s.c.sagemaker.UpdatePipelineExecution(ctx, &sagemaker.UpdatePipelineExecutionInput{PipelineExecutionArn: &e.arn, PipelineExecutionDescription: &note})
	return err
}

// stop stops an execution that has not ended.
func (k pipelineRunKind) stop(ctx context.Context, s scene, e execution) error {
	_, err := s.c.sagemaker.StopPipelineExecution(ctx, &sagemaker.StopPipelineExecutionInput{
		PipelineExecutionArn: &e.arn, ClientRequestToken: aws.String(strings.TrimPrefix(mlops.DigestOf([]string{e.arn, "stop"}), "sha256:")),
	})
	if k.is(err, mlops.Conflict) || k.is(err, mlops.Invalid) { // it ended meanwhile
		return nil
	}
	return err
}
