package kubernetes

import (
	"context"
	"encoding/json"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// repoint has the schedule of a pipeline start runs with a dataset as it is from now on,
// and the rest of the pipeline, its owner too, as it was.
func (k pipelineKind) repoint(ctx context.Context, ref mlops.ID, dataset string, now mlops.DatasetStatus) error {
	return k.noun().Advance(ctx, ref, func(ctx context.Context, s scene, seen pipelineSeen) error {
		if seen.record.Spec == nil || isLeaving(seen.object) {
			return nil // there is no schedule, or soon none
		}
		spec, err := seen.spec()
		if err != nil || spec.Schedule == nil {
			return err
		}
		known, err := k.datasetsBut(ctx, spec, dataset)
		if err != nil {
			return err
		}
		known[dataset] = now
		cron, err := s.cronManifest(spec, known)
		if err != nil {
			return err
		}
		return k.reschedule(ctx, s, spec, seen, cron)
	})
}

// datasetsBut are the datasets that a pipeline reads, without one of which it is known
// what it will be.
func (k pipelineKind) datasetsBut(ctx context.Context, spec mlops.PipelineSpec, but string) (map[string]mlops.DatasetStatus, error) {
	others := map[string]mlops.DatasetStatus{}
	for _, d := range spec.Datasets() {
		if d == but {
			continue
		}
		seen, err := k.datasetNamed(ctx, spec, d)
		if err != nil {
			return nil, err
		}
		others[d] = seen.Status
	}
	return others, nil
}

// reschedule writes a schedule, and its mark into the record that the template carries.
func (k pipelineKind) reschedule(ctx context.Context, s scene, spec mlops.PipelineSpec, seen pipelineSeen, cron manifest) error {
	compiled, err := compilePipeline(s.layout, spec)
	if err != nil {
		return err
	}
	template := s.component(s.templateOf(), map[string]any{"spec": compiled}, nil)
	facts, r := pipelineFacts{Ground: s.pipelineGround()}, seen.record
	if facts.Template, err = template.mark(); err != nil {
		return err
	}
	if facts.Cron, err = cron.mark(); err != nil {
		return err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return err
	}
	if template.annotations, err = r.annotations(); err != nil {
		return err
	}
	if err := k.bring(ctx, s.cluster, s.id, cron, pipelineOrigins()); err != nil {
		return err
	}
	_, err = s.cluster.apply(ctx, template)
	return k.explain(err, template.identity, pipelineOrigins())
}
