package sagemaker

import (
	"context"
	"slices"

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

// followEndpoint takes the next step of every monitor that explains what an endpoint
// serves or judges its variants, and reports whether all of them are there, or cannot be.
func (k modelEndpointKind) followEndpoint(ctx context.Context, s scene, variants []string) (whole bool, err error) {
	monitors, err := k.followers.of(ctx, s.id, func(ctx context.Context) (map[mlops.ID][]follower, error) {
		return k.listFollowers(ctx, s.c, s.place)
	})
	if err != nil {
		return false, err
	}
	now := serves{variants: variants}
	if slices.ContainsFunc(monitors, func(m follower) bool { return m.explains }) {
		model, err := monitorKind(k).explainedModel(ctx, s.c, s.id)
		if err != nil {
			return false, err
		}
		now.model = &model
	}
	whole = true
	for _, m := range monitors {
		done, err := monitorKind(k).follow(ctx, m.id, now)
		if err != nil {
			return false, err
		}
		whole = whole && done
	}
	return whole, nil
}
