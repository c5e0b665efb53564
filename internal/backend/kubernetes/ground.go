package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ground is what an object holds of its environment: a mark of each attribute that was
// compiled into it, by the attribute's name. An environment that changes does not change
// what is in it, so an object keeps its ground in its record, and a look compares. An
// object without one, from before there was any, is not judged.
type ground map[string]string

// groundRegistry is the name of the registry in a ground.
const groundRegistry = "registry.mlflow"

// ground is that of an object which holds some of the environment's attributes. Who has
// the storage's URI has all that is said of the storage.
func (l layout) ground(attributes ...string) ground {
	out := ground{}
	for _, attribute := range attributes {
		at := name + "." + attribute
		switch attribute {
		case groundRegistry:
			if m := l.spec.MLflowRegistry(); m != nil {
				out[attribute] = revisionOf([]any{m.URI, m.Username, l.hasToken()})
			}
		case targetStorage:
			out[at], out[name+"."+targetStorageSecret] = revisionOf(l.storage.URI), revisionOf(l.storage.Secret)
			out[name+"."+targetStorageURL], out[name+"."+targetStorageRegion] = revisionOf(l.storage.Endpoint), revisionOf(l.storage.Region)
		case targetServiceAccount:
			out[at] = revisionOf(l.serviceAccount)
		case targetPodSecurity:
			out[at] = revisionOf(l.podSecurity)
		default:
			out[at] = revisionOf(l.spec.Target.Settings.String(attribute))
		}
	}
	return out
}

// differs lists the attributes that are others now.
func (g ground) differs(now ground) []string {
	all := maps.Clone(g)
	maps.Copy(all, now)
	maps.DeleteFunc(all, func(at, _ string) bool { return g[at] == now[at] })
	return slices.Sorted(maps.Keys(all))
}

// moved says what of an object's ground is another now, or "".
func (g ground) moved(now ground) string {
	if len(g) == 0 {
		return ""
	}
	different := g.differs(now)
	if len(different) == 0 {
		return ""
	}
	return fmt.Sprintf("it still has the former %s of its environment", strings.Join(different, ", "))
}

// wholeGround is all that anything in an environment may hold of it.
func (l layout) wholeGround() ground {
	return l.ground(groundRegistry, targetStorage, targetServiceAccount, targetPodSecurity, targetStepImage, targetController, targetGateway,
		targetDomain, targetCapture, targetPrometheus, targetMetrics, targetMonitorImage, targetFetchImage, targetPushgateway)
}

// warnOfGround tells at plan that what is in an environment does not change with it.
func (k environmentKind) warnOfGround(ctx context.Context, c *mlops.Checker, l layout, s environmentScene, seen seenEnvironment) error {
	if seen.record.Spec == nil {
		return nil
	}
	old, err := seen.spec()
	if err != nil {
		return err
	}
	different := layoutOf(old).wholeGround().differs(l.wholeGround())
	if len(different) == 0 {
		return nil
	}
	p, count := place{layout: l, cluster: s.cluster}, 0
	p.spec.ID = s.id
	for noun, of := range map[mlops.Noun]kind{mlops.NounPipeline: kindWorkflowTemplate, mlops.NounModelEndpoint: l.endpointCarrier(), mlops.NounMonitor: kindConfigMap} {
		err := p.each(ctx, of, noun, func(held) error { count++; return nil })
		if withoutKind(err) != nil {
			return err
		}
	}
	if count > 0 {
		c.Warn(pathOf(different[0]), "What is in the environment stays as it is",
			"What %s was is written in pipelines, endpoints and monitors, of which %s has %d. The plan after this apply shows those that it concerns, and their own apply brings them what it is then: apply twice.", strings.Join(different, ", "), s.id, count)
	}
	return nil
}

// pipelineGround is that of a WorkflowTemplate, its schedule and its cache.
func (l layout) pipelineGround() ground {
	return l.ground(groundRegistry, targetStorage, targetServiceAccount, targetPodSecurity, targetStepImage, targetController)
}

// movedFrom says what a pipeline still has of an environment that is another now, or "".
// Where the ground is another, the template is compiled once more: most of what changes
// in an environment concerns few pipelines.
func (p pipelineSeen) movedFrom(l layout) string {
	words := p.facts.Ground.moved(l.pipelineGround())
	spec, err := p.spec()
	if words == "" || err != nil {
		return ""
	}
	compiled, err := compilePipeline(l, spec)
	if err != nil {
		return words + ", for which there is nothing in its place: " + mlops.Message(err)
	}
	mark, err := manifest{content: map[string]any{"spec": compiled}}.mark()
	switch {
	case err != nil || mark != p.facts.Template:
		return words
	case spec.Schedule != nil && len(externalOf(spec)) > 0: // where that is, the schedule says
		return flawOfSchedule + ": " + words
	}
	return ""
}

// endpointGround is that of an endpoint's route and servers.
func (l layout) endpointGround(spec mlops.ModelEndpointSpec, custom bool) ground {
	attributes := []string{groundRegistry, targetServiceAccount, targetGateway, targetDomain}
	if spec.Capture != nil {
		attributes = append(attributes, targetCapture, targetStorage)
	}
	if custom {
		attributes = append(attributes, targetStepImage)
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(spec.Variants)), func(v mlops.Variant) bool { return byRequests(v.Scaling) }) {
		attributes = append(attributes, targetPrometheus, targetMetrics)
	}
	return l.ground(attributes...)
}

// movedFrom says what an endpoint whose change is done still has of an environment that is
// another now, or "".
func (e endpointState) movedFrom(l layout) string {
	if e.record.Spec == nil || e.facts.Done.IsZero() {
		return ""
	}
	_, custom := e.facts.Asked.Ground[name+"."+targetStepImage]
	return e.facts.Asked.Ground.moved(l.endpointGround(e.spec(), custom))
}

// monitorGround is that of a part of a monitor.
func (l layout) monitorGround(of kind) ground {
	switch of {
	case kindCronWorkflow:
		return l.ground(groundRegistry, targetStorage, targetServiceAccount, targetPodSecurity, targetMonitorImage, targetFetchImage, targetPushgateway)
	case kindPrometheusRule, kindServiceMonitor:
		return l.ground(targetMetrics)
	}
	return nil
}

// movedFrom says which parts of a monitor still have what its environment was, and what.
func (m monitorSeen) movedFrom(l layout) map[kind]string {
	moved := map[kind]string{}
	for of, was := range m.facts.Ground {
		if words := was.moved(l.monitorGround(of)); words != "" {
			moved[of] = words
		}
	}
	return moved
}
