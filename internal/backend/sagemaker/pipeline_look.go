package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Get shows the spec of the record, or SageMaker's own definition where somebody
// changed that.
func (k pipelineKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	return show(ctx, k, ref)
}

func (k pipelineKind) observe(ctx context.Context, s scene, seen pipelineSeen) (mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	out := mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]{Ref: s.id}
	var err error
	if out.Spec, err = k.pipelineSpec(ctx, s, seen); err != nil {
		return out, err
	}
	out.Phase, out.Revision = mlops.PhaseReady, seen.record.Revision
	out.Native = map[string]string{"arn": s.arn, "name": s.name}
	if out.Spec.Schedule != nil {
		out.Native["schedule"] = scheduleName(s.id)
	}
	if !seen.keeps(out.Spec.Schedule) {
		out.Phase, out.Reason = mlops.PhasePending, "its schedule is not there, or another"
		out.Spec.Schedule = nil
	}
	if !seen.intact() {
		out.Revision, out.Reason = "", "its definition was changed behind the provider's back"
		out.Spec.Steps, out.Spec.Definition = nil, aws.ToString(seen.native.PipelineDefinition)
	}
	if seen.leaving() {
		running, err := k.running(ctx, s)
		if err != nil {
			return out, err
		}
		out.Phase, out.Due, out.Reason = mlops.PhaseDeleting, len(running) == 0, fmt.Sprintf("%d of its runs are being stopped", len(running))
	}
	out.Status.Version = out.Spec.Version()
	return out, nil
}

// maxSpec bounds the file that holds a pipeline's spec.
const maxSpec = 64 << 20

func (k pipelineKind) pipelineSpec(ctx context.Context, s scene, seen pipelineSeen) (mlops.PipelineSpec, error) {
	var spec mlops.PipelineSpec
	raw, err := s.files.getBytes(ctx, s.place.key(seen.facts.Spec), maxSpec)
	if err != nil {
		return spec, fmt.Errorf("the pipeline's spec, %s: %w", s.place.uri(seen.facts.Spec), err)
	}
	return spec, json.Unmarshal(raw, &spec)
}

// List returns the pipelines of an environment.
func (k pipelineKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	return listAll(ctx, k, parent)
}

// within lists the pipelines whose tags name the environment.
func (k pipelineKind) within(ctx context.Context, c *clients, p place) ([]mlops.ID, error) {
	var pipelines []string
	pages := sagemaker.NewListPipelinesPaginator(c.sagemaker, &sagemaker.ListPipelinesInput{PipelineNamePrefix: aws.String(groupPrefix(p.spec.Name)), MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range page.PipelineSummaries {
			pipelines = append(pipelines, aws.ToString(x.PipelineArn))
		}
	}
	return k.idsAt(ctx, c, pipelines, p.Record.ID)
}
