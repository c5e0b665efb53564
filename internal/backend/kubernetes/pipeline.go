package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineKind is the kind of pipelines: a WorkflowTemplate with the record, and beside
// it a CronWorkflow for the schedule, and the config map that remembers the outputs of
// steps with what allows Argo to write it.
type pipelineKind struct{ *backend }

// pipelineSeen is a pipeline as a look finds it.
type pipelineSeen struct {
	held

	facts pipelineFacts
	cron  *unstructured.Unstructured // nil where there is none
	moved string                     // what it still has of its environment as that was, or ""
}

// pipelineFacts is what a pipeline's record has beside the spec: marks of what Argo was
// given.
type pipelineFacts struct {
	Template string `json:"template"`
	Cron     string `json:"cron,omitempty"`
	Ground   ground `json:"ground,omitempty"`
}

// newPipelineSeen reads the facts in a record.
func newPipelineSeen(h held) (pipelineSeen, error) {
	seen := pipelineSeen{held: h}
	if h.record.Extra == nil {
		return seen, nil
	}
	return seen, json.Unmarshal(h.record.Extra, &seen.facts)
}

// Pipelines returns the kind of pipelines.
func (b *backend) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return pipelineKind{b}
}

// noun is how the verbs are carried out.
func (k pipelineKind) noun() verbs.Noun[mlops.PipelineSpec, scene, pipelineSeen] {
	return verbs.Noun[mlops.PipelineSpec, scene, pipelineSeen]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:    mlops.PipelineSpec.ID,
		Kept:  func(p pipelineSeen) verbs.Kept { return p.kept() },
		Admit: k.admit, Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop,
	}
}

// Create makes the pipeline, or brings its owner's own to the spec.
func (k pipelineKind) Create(ctx context.Context, spec mlops.PipelineSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update brings a pipeline to a spec, in place.
func (k pipelineKind) Update(ctx context.Context, ref mlops.ID, spec mlops.PipelineSpec) (mlops.Change, error) {
	return k.noun().Update(ctx, ref, spec)
}

// Delete removes the schedule, and then the pipeline with its runs.
func (k pipelineKind) Delete(ctx context.Context, ref mlops.ID) error {
	return k.noun().Remove(ctx, ref)
}

func (k pipelineKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, mlops.NounPipeline)
}

// admit refuses what can never be, or refers to nothing.
func (k pipelineKind) admit(ctx context.Context, spec mlops.PipelineSpec) error {
	err := k.grant(ctx, spec, pipelineDemands(spec))
	if err == nil && spec.Experiment != "" {
		_, err = k.Experiments().Get(ctx, spec.Experiment)
	}
	return err
}

// pipelineDemands are what a pipeline asks of its environment and of the cluster.
func pipelineDemands(spec mlops.PipelineSpec) demands {
	return demands{
		noun: mlops.NounPipeline, id: spec.ID(),
		alone:  func(c *mlops.Checker) { checkPipeline(c, spec) },
		within: func(c *mlops.Checker, l layout) { checkArtifacts(c, spec, l) },
		needs:  func(layout) []capability { return []capability{needsArgo} },
	}
}

// templateOf is the WorkflowTemplate of a pipeline.
func (s scene) templateOf() identity { return s.of(kindWorkflowTemplate, s.id.Name()) }

func (s scene) cronOf() identity { return s.of(kindCronWorkflow, s.id.Name()) }

func (k pipelineKind) look(ctx context.Context, s scene) (pipelineSeen, error) {
	h, err := s.look(ctx, s.templateOf())
	if err != nil {
		return pipelineSeen{}, k.missing(ctx, s, err)
	}
	seen, err := newPipelineSeen(h)
	if err != nil {
		return seen, err
	}
	cron, err := s.cluster.get(ctx, s.cronOf())
	if err == nil && isPartOf(cron, s.id) {
		seen.cron = cron
	}
	seen.moved = seen.movedFrom(s.layout)
	if isNotFound(err) {
		err = nil
	}
	return seen, err
}

// missing is NotFound for what is not there. A cluster without Argo has no pipelines,
// and says of their kind what it says of an object: the difference is told where one is
// to be made.
func (k pipelineKind) missing(_ context.Context, s scene, err error) error {
	if isNotFound(err) {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist: %w", s.id, err))
	}
	return err
}

func (k pipelineKind) add(ctx context.Context, s scene, spec mlops.PipelineSpec) (mlops.Change, error) {
	parts, err := k.parts(ctx, s, spec, record{})
	if err != nil {
		return mlops.Change{}, err
	}
	if err := k.claimTemplate(ctx, s, parts[0]); err != nil {
		return mlops.Change{}, err
	}
	return k.put(ctx, s, spec, parts)
}

// change brings a pipeline to a spec. One that has it, as it was made, is left alone.
func (k pipelineKind) change(ctx context.Context, s scene, spec mlops.PipelineSpec, old pipelineSeen) (mlops.Change, error) {
	former := old.record
	if former.Spec == nil { // its creation was interrupted
		former = record{}
	}
	r, err := k.newRecord(s.id, spec, former)
	if err != nil {
		return mlops.Change{}, err
	}
	r.Extra = former.Extra
	if former.ID != "" && r.matches(former) && old.flaw(spec.Schedule) == "" {
		return r.change(), nil
	}
	parts, err := k.parts(ctx, s, spec, former)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.put(ctx, s, spec, parts)
}

// put writes what is beside the template, and then that, which carries the record: it
// says that all is there.
func (k pipelineKind) put(ctx context.Context, s scene, spec mlops.PipelineSpec, parts []manifest) (mlops.Change, error) {
	change := mlops.Change{Ref: s.id, Revision: revisionOf(spec)}
	for _, part := range parts[1:] {
		if err := k.bring(ctx, s.cluster, s.id, part, pipelineOrigins()); err != nil {
			return change, err
		}
	}
	if _, err := s.cluster.apply(ctx, parts[0]); err != nil {
		return change, k.explain(err, parts[0].identity, pipelineOrigins())
	}
	for _, part := range parts {
		if err := k.strip(ctx, s, part); err != nil {
			return change, err
		}
	}
	return change, k.dismiss(ctx, s.cluster, s.id, s.surplus(parts))
}

// strip removes what others have added to the spec of a template or a schedule, which an
// apply leaves where it is: it would go on to be a difference from the configuration.
func (k pipelineKind) strip(ctx context.Context, s scene, m manifest) error {
	if m.kind != kindWorkflowTemplate && m.kind != kindCronWorkflow {
		return nil
	}
	have, err := s.cluster.get(ctx, m.identity)
	if err != nil {
		return err
	}
	mark, err := m.mark()
	if err != nil || mark == markOf(have) {
		return err
	}
	body, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec", "value": m.content["spec"]}})
	if err != nil {
		return err
	}
	_, err = s.cluster.at(m.kind, m.namespace).Patch(ctx, m.name, types.JSONPatchType, body, metav1.PatchOptions{FieldManager: agent, FieldValidation: metav1.FieldValidationStrict})
	return k.explain(err, m.identity, pipelineOrigins())
}

// claimTemplate makes the template of a pipeline that is not there, without a record.
func (k pipelineKind) claimTemplate(ctx context.Context, s scene, m manifest) error {
	claim := m
	claim.annotations = map[string]string{noteID: string(s.id), noteClaim: k.options.Owner}
	err := s.cluster.claim(ctx, claim)
	return k.explain(err, m.identity, pipelineOrigins())
}

// surplus is what a pipeline may have had beside its template, and has no longer.
func (s scene) surplus(parts []manifest) []identity {
	var all []identity
	for _, i := range s.beside() {
		kept := false
		for _, m := range parts {
			kept = kept || m.identity == i
		}
		if !kept {
			all = append(all, i)
		}
	}
	return all
}

// beside is what a pipeline may have beside its template.
func (s scene) beside() []identity {
	cache := s.id.Name() + "-cache"
	return []identity{s.cronOf(), s.of(kindRoleBinding, cache), s.of(kindRole, cache), s.of(kindConfigMap, cache)}
}

// parts are the objects of a pipeline, its template first.
func (k pipelineKind) parts(ctx context.Context, s scene, spec mlops.PipelineSpec, former record) ([]manifest, error) {
	compiled, err := compilePipeline(s.layout, spec)
	if err != nil {
		return nil, err
	}
	template := s.component(s.templateOf(), map[string]any{"spec": compiled}, nil)
	facts, all := pipelineFacts{Ground: s.pipelineGround()}, append([]manifest{template}, s.cacheParts()...)
	if facts.Template, err = template.mark(); err != nil {
		return nil, err
	}
	if spec.Schedule != nil {
		cron, err := k.cronManifest(ctx, s, spec)
		if err != nil {
			return nil, err
		}
		if facts.Cron, err = cron.mark(); err != nil {
			return nil, err
		}
		all = append(all, cron)
	}
	all[0].annotations, err = k.pipelineNotes(s.id, spec, former, facts)
	return all, err
}

// pipelineNotes is the record of a pipeline.
func (k pipelineKind) pipelineNotes(id mlops.ID, spec mlops.PipelineSpec, former record, facts pipelineFacts) (map[string]string, error) {
	r, err := k.newRecord(id, spec, former)
	if err != nil {
		return nil, err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return nil, err
	}
	return r.annotations()
}

// mark is that of the spec, as markOf reads it from the object.
func (m manifest) mark() (string, error) {
	raw, err := json.Marshal(m.content["spec"])
	if err != nil {
		return "", err
	}
	var spec any
	if err := json.Unmarshal(raw, &spec); err != nil {
		return "", err
	}
	return revisionOf(spec), nil
}

// compilePipeline is the spec of the template: the steps, or the user's own.
func compilePipeline(l layout, spec mlops.PipelineSpec) (any, error) {
	if spec.Definition != "" {
		return definedSpec(l, spec)
	}
	c, err := newCompiler(l, spec)
	if err != nil {
		return nil, err
	}
	return c.compile()
}

// cacheParts are the config map that remembers the outputs of a pipeline's steps, and
// what lets Argo's controller write it, which may not write any by itself.
func (s scene) cacheParts() []manifest {
	name := s.cacheOf(s.id.Name())
	if name == "" {
		return nil
	}
	namespace, account := s.controller()
	memory := s.component(s.of(kindConfigMap, name), nil, nil)
	memory.labels["workflows.argoproj.io/configmap-type"] = "Cache"
	return []manifest{
		memory,
		s.component(s.of(kindRole, name), map[string]any{"rules": []map[string]any{
			{"apiGroups": []string{""}, "resources": []string{"configmaps"}, "resourceNames": []string{name}, "verbs": []string{"get", "update"}},
		}}, nil),
		s.component(s.of(kindRoleBinding, name), map[string]any{
			"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
			"subjects": []map[string]string{{"kind": "ServiceAccount", "name": account, "namespace": namespace}},
		}, nil),
	}
}

// pipelineOrigins says which attributes the fields of a pipeline's objects come from.
func pipelineOrigins() origins {
	return origins{
		"metadata.name": "name", "spec": "steps", "spec.arguments": "parameters", "spec.schedule": "schedule",
		"spec.schedules": "schedule.cron", "spec.timezone": "schedule.timezone", "spec.parallelism": "parallelism",
	}
}

// pipelineSpecOf is the spec that a pipeline was brought to.
func (p pipelineSeen) spec() (mlops.PipelineSpec, error) {
	var spec mlops.PipelineSpec
	if p.record.Spec == nil {
		return spec, errors.New("its creation was interrupted; apply it again")
	}
	return spec, json.Unmarshal(p.record.Spec, &spec)
}
