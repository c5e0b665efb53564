package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointWatcher is a monitor that watches an endpoint, or none.
func (k modelEndpointKind) endpointWatcher(ctx context.Context, s scene) (mlops.ID, error) {
	found, err := k.monitorTags(ctx, s.c, s.place)
	if err != nil {
		return "", err
	}
	for _, tags := range found {
		if r, spec, ok := monitorIn(tags); ok && spec.Endpoint == s.id {
			return r.ID, nil
		}
	}
	return "", nil
}

// monitorIn is the monitor whose topic has these tags, if it is one.
func monitorIn(tags map[string]string) (record, mlops.MonitorSpec, bool) {
	var spec mlops.MonitorSpec
	r, err := recordOf(tags)
	if err != nil {
		return r, spec, false
	}
	_, err = r.ID.ParseAs(mlops.NounMonitor)
	return r, spec, err == nil && r.into(&spec) == nil
}

// explainEndpoint takes the next step of every monitor that explains what an endpoint
// serves, and reports whether all of them explain what serves now, or cannot.
func (k modelEndpointKind) explainEndpoint(ctx context.Context, s scene) (whole bool, err error) {
	monitors, err := k.explainers.of(ctx, s.id, func(ctx context.Context) (map[mlops.ID][]mlops.ID, error) {
		return k.listExplainers(ctx, s.c, s.place)
	})
	if err != nil || len(monitors) == 0 {
		return true, err
	}
	served, err := monitorKind(k).explainedModel(ctx, s.c, s.id)
	if err != nil {
		return false, err
	}
	whole = true
	for _, id := range monitors {
		done, err := monitorKind(k).follow(ctx, id, served)
		if err != nil {
			return false, err
		}
		whole = whole && done
	}
	return whole, nil
}
