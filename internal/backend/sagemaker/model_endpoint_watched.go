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
		if id := monitorOf(tags, s.id); id != "" {
			return id, nil
		}
	}
	return "", nil
}

// monitorOf is the monitor whose topic has these tags, if it watches an endpoint.
func monitorOf(tags map[string]string, endpoint mlops.ID) mlops.ID {
	r, err := recordOf(tags)
	if err != nil {
		return ""
	}
	var spec mlops.MonitorSpec
	if _, err := r.ID.ParseAs(mlops.NounMonitor); err != nil || r.into(&spec) != nil || spec.Endpoint != endpoint {
		return ""
	}
	return r.ID
}
