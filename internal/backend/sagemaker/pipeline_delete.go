package sagemaker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tagDeleting marks a pipeline whose last runs are being stopped.
const tagDeleting = "mlops:deleting"

// Delete removes the schedule, and then the pipeline with its runs and files: those
// of a schedule, and those that failed, are in no configuration that could. What
// still runs is stopped first, for AWS deletes no pipeline that runs: the deletion
// is then finished by Advance.
func (k pipelineKind) Delete(ctx context.Context, ref mlops.ID) error {
	return remove(ctx, k, ref)
}

func (k pipelineKind) drop(ctx context.Context, s scene, seen pipelineSeen) error {
	if err := k.dropPipelineSchedule(ctx, s); err != nil {
		return err
	}
	running, err := k.running(ctx, s)
	if err != nil {
		return err
	}
	if len(running) == 0 {
		return k.finishPipeline(ctx, s, seen)
	}
	mark := sagemakerTags(map[string]string{tagDeleting: "true"})
	if _, err := s.c.sagemaker.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &s.arn, Tags: mark}); err != nil {
		return err
	}
	for _, e := range running {
		if err := pipelineRunKind(k).stop(ctx, s, e); err != nil {
			return err
		}
	}
	return nil
}

// Advance finishes a deletion whose runs have stopped.
func (k pipelineKind) Advance(ctx context.Context, ref mlops.ID) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	seen, err := k.look(ctx, s)
	if err != nil || !seen.leaving() {
		return err
	}
	running, err := k.running(ctx, s)
	if err != nil || len(running) > 0 {
		return err
	}
	return k.finishPipeline(ctx, s, seen)
}

// finishPipeline removes a pipeline that does not run. AWS forgets its runs with
// it; what they wrote is removed here.
func (k pipelineKind) finishPipeline(ctx context.Context, s scene, seen pipelineSeen) error {
	if err := k.dropRuns(ctx, s); err != nil {
		return err
	}
	_, err := s.c.sagemaker.DeletePipeline(ctx, &sagemaker.DeletePipelineInput{PipelineName: &s.name, ClientRequestToken: aws.String(deleteToken(seen))})
	if err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	return k.sweep(ctx, s)
}

// sweep removes the definitions and programs of a pipeline.
func (k pipelineKind) sweep(ctx context.Context, s scene) error {
	for _, folder := range []string{"pipelines/", "code/"} {
		if err := s.files.remove(ctx, s.place.key(folder+s.id.Name()+"/")); err != nil {
			return err
		}
	}
	return nil
}

// deleteToken makes a repeated deletion of the same pipeline the same request.
func deleteToken(seen pipelineSeen) string {
	return mlops.DigestOf([]any{seen.record.ID, seen.record.Created, seen.record.Revision})[len("sha256:"):]
}

// running are the executions of a pipeline that have not ended.
func (k pipelineKind) running(ctx context.Context, s scene) ([]execution, error) {
	var all []execution
	err := pipelineRunKind(k).eachExecution(ctx, s, func(e execution, _ string) {
		if !ended(e.status) {
			all = append(all, e)
		}
	})
	return all, err
}

// dropRuns removes what the runs of a pipeline wrote.
func (k pipelineKind) dropRuns(ctx context.Context, s scene) error {
	var all []string
	err := pipelineRunKind(k).eachExecution(ctx, s, func(e execution, _ string) { all = append(all, e.id) })
	for _, id := range all {
		if err == nil {
			err = s.files.remove(ctx, s.place.key("runs/"+id+"/"))
		}
	}
	return err
}
