package kubernetes

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Preflight refuses what only the cluster does not take, and what this environment has
// no means for; see mlops.Preflighter.
func (k modelEndpointKind) Preflight(ctx context.Context, spec mlops.ModelEndpointSpec, c *mlops.Checker) error {
	s, known, err := k.preflight(ctx, c, endpointDemands(spec))
	if !known {
		return err
	}
	if err := k.preflightGateway(ctx, c, mlops.At("environment"), s.place); err != nil {
		return k.report(c, err)
	}
	e, err := k.look(ctx, s)
	if ok, err := k.mayBe(c, err); !ok {
		return err
	}
	return k.rehearseEndpoint(ctx, c, s, spec, e)
}

// rehearseEndpoint has the API server and KServe judge the objects of an endpoint.
func (k modelEndpointKind) rehearseEndpoint(ctx context.Context, c *mlops.Checker, s scene, spec mlops.ModelEndpointSpec, e endpointState) error {
	versions, err := k.plannedVersions(ctx, s.place, spec, e)
	if err != nil || len(versions) == 0 {
		return k.report(c, err)
	}
	known := spec
	known.Variants = maps.Clone(spec.Variants)
	maps.DeleteFunc(known.Variants, func(_ string, v mlops.Variant) bool { _, ok := versions[v.Version]; return !ok })
	plan, err := k.planEndpoint(ctx, s, known, versions, e)
	if err != nil {
		return k.reportVariant(c, err)
	}
	for _, part := range plan.services {
		if _, err := s.cluster.rehearse(ctx, part.manifest); err != nil {
			return k.reportVariant(c, part.blame(k.explain(err, part.identity, variantOrigins())))
		}
	}
	m, err := k.routeManifest(s, known, e.record, e.facts.next(e.record, plan.form, e.spec()))
	if err != nil {
		return k.report(c, err)
	}
	return k.rehearse(ctx, c, s.cluster, endpointOrigins(), m)
}

// plannedVersions are those of a spec's versions that are there already: others may be
// made by the same apply.
func (k modelEndpointKind) plannedVersions(ctx context.Context, p place, spec mlops.ModelEndpointSpec, e endpointState) (map[mlops.ID]servedVersion, error) {
	out := map[mlops.ID]servedVersion{}
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		one := spec
		one.Variants = map[string]mlops.Variant{variant: spec.Variants[variant]}
		if one.Variants[variant].Version == "" {
			continue
		}
		found, err := k.endpointVersions(ctx, p, one, e)
		switch {
		case k.is(err, mlops.Unsupported), k.is(err, mlops.Invalid): // it is not there, or to be approved by the same apply
			continue
		case err != nil:
			return nil, err
		}
		maps.Copy(out, found)
	}
	return out, nil
}

// variantOrigins says which attributes below a variant the fields of its inference
// service come from.
func variantOrigins() origins {
	return origins{
		"spec.predictor.model.resources": "compute", "spec.predictor.containers[0].resources": "compute",
		"spec.predictor.nodeSelector": "compute", "spec.predictor.affinity": "compute", "spec.predictor.tolerations": "compute",
		"spec.predictor.model.env": "env", "spec.predictor.containers[0].env": "env",
		"spec.predictor.minReplicas": "scaling", "spec.predictor.maxReplicas": "scaling", "spec.predictor.autoScaling": "scaling",
		"spec.predictor.model.modelFormat": "version", "spec.predictor.model.storageUri": "version", "spec.predictor.model.runtime": "version",
	}
}

// blame gives the error of a part the path of its attribute.
func (p endpointPart) blame(err error) error {
	e, ok := errors.AsType[*mlops.Error](err)
	if !ok {
		return err
	}
	at := p.at()
	if e.Field != "" {
		at = at.With(e.Field)
	}
	blamed := *e
	blamed.Field = at.String()
	return &blamed
}

// reportVariant is report for an error whose field lies in a variant.
func (k modelEndpointKind) reportVariant(c *mlops.Checker, err error) error {
	e, ok := errors.AsType[*mlops.Error](err)
	summary, refused := refusals()[k.Code(err)]
	if !ok || !refused {
		return err
	}
	at, ok := variantPath(e.Field)
	if !ok {
		return k.report(c, err)
	}
	c.Add(at, summary, "%s.", strings.TrimSuffix(mlops.Message(err), "."))
	return nil
}

// variantPath reads the path of a variant, or of an attribute of one, as it is written:
// variants["main"].compute.
func variantPath(field string) (mlops.Path, bool) {
	rest, ok := strings.CutPrefix(field, `variants["`)
	variant, below, closed := strings.Cut(rest, `"]`)
	if !ok || !closed {
		return nil, false
	}
	at := mlops.At("variants", mlops.Key(variant))
	if below = strings.TrimPrefix(below, "."); below != "" {
		at = at.With(below)
	}
	return at, true
}
