package monitors

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// checkReach refuses a window that goes back further than what is counted in it is
// kept: there would always seem to have been too little.
func (s *Service) checkReach(ctx context.Context, spec mlops.MonitorSpec) error {
	window := checks.Window(spec)
	if h := spec.Health; h != nil && h.MinRequests > 0 && window > gateway.HistoryKept {
		return mlops.InvalidField("window", "requests are counted for %s, and health.min_requests looks back %s; take a shorter window", gateway.HistoryKept, window)
	}
	if !checks.ReadsCaptures(spec) {
		return nil
	}
	e, err := s.Store.Environments().Get(ctx, spec.Endpoint.Environment())
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil // so is the endpoint, which is told
	}
	if err != nil {
		return err
	}
	retention := e.Observed().Spec.Retention
	if retention == nil || retention.Captures == 0 {
		return nil
	}
	need, what := window, "the window of"
	if q := spec.ModelQuality; q != nil && q.Delay > 0 {
		need, what = window+time.Duration(q.Delay), "the window and model_quality.delay of"
	}
	if kept := time.Duration(retention.Captures); kept < need {
		return mlops.InvalidField("window", "%s keeps captures for %s, less than %s %s; shorten it, or lengthen retention.captures", e.ID, kept, what, need)
	}
	return nil
}
