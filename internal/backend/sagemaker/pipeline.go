package sagemaker

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineKind is the kind of pipelines: SageMaker pipelines, with a schedule of
// EventBridge Scheduler. Scripts are too large for tags: the spec is a file in the
// bucket, named by its content, and the record's extra part says which.
type pipelineKind struct{ *backend }

// pipelineFacts is what a pipeline's record has beside the spec's mark.
type pipelineFacts struct {
	Spec       string            `json:"spec"`       // key of the file
	Definition string            `json:"definition"` // mark of what SageMaker was given
	Scheduled  string            `json:"scheduled"`  // mark of the schedule, empty for none
	Datasets   map[string]string `json:"datasets,omitempty"`
}

// pipelineSeen is a pipeline as it is now.
type pipelineSeen struct {
	tagged

	facts    pipelineFacts
	native   *sagemaker.DescribePipelineOutput
	schedule *scheduler.GetScheduleOutput // nil if it has none
}

// leaving reports whether it was deleted, and is not gone yet.
func (p pipelineSeen) leaving() bool {
	return p.tagged.leaving() || p.native.PipelineStatus == types.PipelineStatusDeleting
}

func (k pipelineKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, naming{mlops.NounPipeline, maxPipelineName, "pipeline/"})
}

// Create makes the pipeline, or brings its owner's own to the spec.
func (k pipelineKind) Create(ctx context.Context, spec mlops.PipelineSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update brings a pipeline to a spec, in place.
func (k pipelineKind) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

func (k pipelineKind) admit(ctx context.Context, spec mlops.PipelineSpec) error {
	if err := capabilities().Admit(name, mlops.NounPipeline, spec.Name, spec); err != nil {
		return err
	}
	p, err := k.place(ctx, spec.ID())
	if err != nil {
		return err
	}
	c := mlops.NewChecker()
	checkPipeline(c, spec)
	checkIsolation(c, spec, p)
	if err := c.Err(); err != nil {
		return err
	}
	if spec.Experiment != "" {
		_, err = experimentKind(k).Get(ctx, spec.Experiment)
	}
	return err
}

func (k pipelineKind) look(ctx context.Context, s scene) (pipelineSeen, error) {
	native, err := s.c.sagemaker.DescribePipeline(ctx, &sagemaker.DescribePipelineInput{PipelineName: &s.name})
	if err != nil {
		return pipelineSeen{}, err
	}
	seen := pipelineSeen{native: native}
	if seen.tagged, err = s.tagged(ctx); err != nil {
		return seen, err
	}
	if err := json.Unmarshal(seen.record.Extra, &seen.facts); err != nil || seen.facts.Scheduled == "" {
		return seen, err
	}
	seen.schedule, err = k.pipelineSchedule(ctx, s)
	return seen, err
}

func (k pipelineKind) add(ctx context.Context, s scene, spec mlops.PipelineSpec) (mlops.Change, error) {
	return k.putPipeline(ctx, s, spec, nil)
}

func (k pipelineKind) change(ctx context.Context, s scene, spec mlops.PipelineSpec, old pipelineSeen) (mlops.Change, error) {
	return k.putPipeline(ctx, s, spec, &old)
}

// putPipeline writes files, definition, schedule and record, in the order in which
// an interruption leaves what was there in force.
func (k pipelineKind) putPipeline(ctx context.Context, s scene, spec mlops.PipelineSpec, old *pipelineSeen) (mlops.Change, error) {
	var former record
	if old != nil {
		former = old.record
	}
	r, err := k.successor(s.id, spec, former)
	if err != nil || r.matches(former) && old.intact() && old.keeps(spec.Schedule) {
		return r.change(), err
	}
	text, files, err := k.compilePipeline(s, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	facts := pipelineFacts{Spec: "pipelines/" + spec.Name + "/" + r.Revision + ".json", Definition: textMark(text), Datasets: map[string]string{}}
	if spec.Schedule != nil {
		facts.Scheduled = revisionOf(spec.Schedule)
	}
	files[facts.Spec] = r.Spec
	if r.Extra, err = json.Marshal(facts); err != nil {
		return mlops.Change{}, err
	}
	r.Spec = json.RawMessage("null")
	if err := k.keepFiles(ctx, s, files); err != nil {
		return mlops.Change{}, err
	}
	tags, err := k.tagsWith(s.place.spec, nil, r)
	if err != nil {
		return mlops.Change{}, err
	}
	if err := k.sendPipeline(ctx, s, spec, text, tags, old); err != nil {
		return mlops.Change{}, err
	}
	if err := k.putPipelineSchedule(ctx, s, spec); err != nil {
		return r.change(), err
	}
	if old == nil {
		return r.change(), nil
	}
	return r.change(), retagSagemaker(ctx, s.c, s.arn, old.tags, tags)
}

// intact reports whether SageMaker has the definition that it was given.
func (p pipelineSeen) intact() bool {
	return textMark(aws.ToString(p.native.PipelineDefinition)) == p.facts.Definition
}

// textMark is a mark of a JSON text, whatever its spaces.
func textMark(text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return shortHash(text)
	}
	return revisionOf(v)
}

// compilePipeline writes the definition, or takes the user's own.
func (k pipelineKind) compilePipeline(s scene, spec mlops.PipelineSpec) (text string, files map[string][]byte, err error) {
	if spec.Definition != "" {
		return spec.Definition, map[string][]byte{}, nil
	}
	graph, err := spec.Graph()
	if err != nil {
		return "", nil, invalid(err)
	}
	image, err := s.c.stepImage()
	if err != nil {
		return "", nil, err
	}
	c := &compiler{place: s.place, spec: spec, graph: graph, image: image, tags: withoutRecord(k.tagsFor(s.place.spec, nil, nil))}
	if spec.Experiment != "" {
		c.track = nativeName(spec.Experiment, maxExperimentName)
	}
	text, err = c.compile()
	return text, c.files, err
}

// stepImage is the image of steps that name none: Python with the usual packages.
func (c *clients) stepImage() (string, error) {
	image, known := c.imageOf(frameworkAccounts(), sklearnImage)
	if !known {
		return "", mlops.InvalidField("steps", "no image for Python steps is known in %s; give each step an image", c.region)
	}
	return image, nil
}

// keepFiles writes what is not there yet: the names are of the content.
func (k pipelineKind) keepFiles(ctx context.Context, s scene, files map[string][]byte) error {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := s.files.putBytes(ctx, s.place.key(path), files[path]); err != nil {
			return err
		}
	}
	return nil
}

// maxInline is the longest definition that a request may carry.
const maxInline = 1 << 20

// sendPipeline gives SageMaker the definition.
func (k pipelineKind) sendPipeline(ctx context.Context, s scene, spec mlops.PipelineSpec, text string, tags map[string]string, old *pipelineSeen) error {
	inline, at := &text, (*types.PipelineDefinitionS3Location)(nil)
	if len(text) > maxInline {
		key := s.place.key("pipelines/" + spec.Name + "/definition-" + textMark(text) + ".json")
		if err := s.files.putBytes(ctx, key, []byte(text)); err != nil {
			return err
		}
		inline, at = nil, &types.PipelineDefinitionS3Location{Bucket: &s.place.Bucket, ObjectKey: &key}
	}
	parallel := parallelismOf(spec, text, old)
	if old == nil {
		_, err := s.c.sagemaker.CreatePipeline(ctx, &sagemaker.CreatePipelineInput{
			PipelineName: &s.name, PipelineDefinition: inline, PipelineDefinitionS3Location: at, RoleArn: &s.place.Role,
			PipelineDescription: nativeDescription(spec.Description), ParallelismConfiguration: parallel, Tags: sagemakerTags(tags),
			ClientRequestToken: aws.String(mlops.DigestOf([]any{s.id, text, tags})[len("sha256:"):]),
		})
		return err
	}
	_, err := s.c.sagemaker.UpdatePipeline(ctx, &sagemaker.UpdatePipelineInput{
		PipelineName: &s.name, PipelineDefinition: inline, PipelineDefinitionS3Location: at, RoleArn: &s.place.Role,
		PipelineDescription: aws.String(aws.ToString(nativeDescription(spec.Description))), ParallelismConfiguration: parallel,
	})
	return err
}

// parallelismOf is how many steps may run at once. An update that says nothing
// leaves the former limit, so that one which is to go becomes as many as there
// are steps.
func parallelismOf(spec mlops.PipelineSpec, definition string, old *pipelineSeen) *types.ParallelismConfiguration {
	limit := spec.Parallelism
	if limit == 0 && old != nil && old.native.ParallelismConfiguration != nil {
		_, steps, _ := readDefinition(definition)     // it was read before
		limit = int64(max(steps, len(spec.Steps), 1)) // those in branches count too
	}
	if limit == 0 {
		return nil
	}
	return &types.ParallelismConfiguration{MaxParallelExecutionSteps: aws.Int32(int32(min(limit, math.MaxInt32)))}
}
