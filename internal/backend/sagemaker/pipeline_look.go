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
	out := mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]{Ref: ref}
	s, err := k.pipelineScene(ctx, ref)
	if err != nil {
		return out, err
	}
	seen, err := s.look(ctx)
	if err != nil {
		return out, err
	}
	return k.observe(ctx, s, seen)
}

func (k pipelineKind) observe(ctx context.Context, s pipelineScene, seen pipelineSeen) (mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
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

func (k pipelineKind) pipelineSpec(ctx context.Context, s pipelineScene, seen pipelineSeen) (mlops.PipelineSpec, error) {
	var spec mlops.PipelineSpec
	raw, err := s.files.getBytes(ctx, s.place.key(seen.facts.Spec), maxSpec)
	if err != nil {
		return spec, fmt.Errorf("the pipeline's spec, %s: %w", s.place.uri(seen.facts.Spec), err)
	}
	return spec, json.Unmarshal(raw, &spec)
}

// List returns the pipelines of an environment.
func (k pipelineKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	p, err := k.place(ctx, parent)
	if err != nil {
		if k.is(err, mlops.NotFound) {
			return nil, nil
		}
		return nil, err
	}
	c, err := k.in(ctx, parent)
	if err != nil {
		return nil, err
	}
	ids, err := k.pipelinesOf(ctx, c, p)
	if err != nil {
		return nil, err
	}
	out := []mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]{}
	for _, id := range ids {
		seen, err := k.Get(ctx, id)
		if k.is(err, mlops.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, seen)
	}
	return out, nil
}

// pipelinesOf lists the pipelines of an environment, by the records in their tags.
func (k pipelineKind) pipelinesOf(ctx context.Context, c *clients, p place) ([]mlops.ID, error) {
	var ids []mlops.ID
	pages := sagemaker.NewListPipelinesPaginator(c.sagemaker, &sagemaker.ListPipelinesInput{PipelineNamePrefix: aws.String(groupPrefix(p.spec.Name)), MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range page.PipelineSummaries {
			tags, err := sagemakerTagsOf(ctx, c, aws.ToString(x.PipelineArn))
			if err != nil && !k.is(err, mlops.NotFound) {
				return nil, err
			}
			if r, err := recordOf(tags); err == nil && r.ID.Parent() == p.Record.ID {
				ids = append(ids, r.ID)
			}
		}
	}
	return ids, nil
}
