package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func rollbackEndpoint() *deed[rollbackEndpointModel] {
	const limit = 30 * time.Minute
	return &deed[rollbackEndpointModel]{
		name: "rollback_endpoint",
		doc: "Puts an endpoint back to the versions that it served before its last change, or gives up a rollout that is under way. " +
			"Within the `keep_previous` of its rollout that takes seconds, because what was replaced is still warm; later it is a rollout like any other. " +
			"Everything else of the endpoint stays as it is.\n\n" +
			"The configuration then differs from what serves, and the next plan shows that: set the variant's `version` back there too, or the next apply rolls the change out again.",
		attributes: attributes{
			"endpoint": requiredText("ID of the endpoint."),
			"timeout":  timeLimit(limit),
		},
		limit: func(m rollbackEndpointModel) time.Duration { return durationOf(m.Timeout).Or(limit) },
		check: func(c *mlops.Checker, m rollbackEndpointModel) {
			checkReference(c, "endpoint", m.Endpoint, mlops.NounModelEndpoint)
		},
		do: doRollBack,
	}
}

type rollbackEndpointModel struct {
	Endpoint *string `tfsdk:"endpoint"`
	Timeout  *string `tfsdk:"timeout"`
}

type seenEndpoint = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

func doRollBack(ctx context.Context, p *platforms, m rollbackEndpointModel, say func(string)) error {
	const op = "roll back"
	id := idOf(m.Endpoint)
	target, err := targetOf(ctx, p, id.Backend(), mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints)
	if err != nil {
		return err
	}
	target.Reads = nil // what serves now, not what served a few seconds ago
	seen, err := target.Read(ctx, id)
	if err != nil {
		return during(op, err)
	}
	spec, err := formerSpec(seen)
	if err != nil {
		return &mlops.Error{Code: mlops.Invalid, Op: op, Resource: mlops.NounModelEndpoint, Name: id, Backend: id.Backend(), Field: "endpoint", Err: err}
	}
	say(fmt.Sprintf("%s serves %s; going back to %s", id, versionsOf(seen.Spec), versionsOf(spec)))
	var reasons reasonNews
	target.Saw = func(s seenEndpoint) { reasons.tell(s.Reason, say) }
	seen, err = target.Update(ctx, id, spec, func(mlops.Change) {})
	if err != nil {
		return during(op, err)
	}
	say(fmt.Sprintf("%s serves %s again; the configuration may still ask for the other", id, versionsOf(seen.Spec)))
	return nil
}

// formerSpec is what an endpoint goes back to: what is in force, while a rollout
// is under way, and else the versions that the last change replaced.
func formerSpec(seen seenEndpoint) (mlops.ModelEndpointSpec, error) {
	spec := seen.Spec
	if r := seen.Status.Rollout; r != nil && r.State == mlops.RolloutRunning && len(seen.Status.Serving) > 0 {
		return spec, nil
	}
	if len(seen.Status.Previous) == 0 {
		return spec, errors.New("there is nothing to go back to: no change replaced a version of this endpoint yet; to serve another version, set it in the configuration")
	}
	variants := make(map[string]mlops.Variant, len(seen.Status.Previous))
	for name, was := range seen.Status.Previous {
		v := spec.Variants[name] // size and environment of a variant that is gone are not known any more
		v.Version, v.Traffic = was.Version, was.Traffic
		variants[name] = v
	}
	spec.Variants, spec.Transition = variants, nil
	if versionsOf(spec) == versionsOf(seen.Spec) {
		return spec, errors.New("there is nothing to go back to: the last change did not change what is served")
	}
	return spec, nil
}

// versionsOf says in words what a spec serves.
func versionsOf(spec mlops.ModelEndpointSpec) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		v := spec.Variants[name]
		parts = append(parts, fmt.Sprintf("%s %d%% (%s)", v.Version, v.Traffic, name))
	}
	return strings.Join(parts, ", ")
}

// reasonNews tells of each new reason.
type reasonNews struct{ last string }

func (n *reasonNews) tell(reason string, say func(string)) {
	if reason != "" && reason != n.last {
		say(reason)
	}
	n.last = reason
}
