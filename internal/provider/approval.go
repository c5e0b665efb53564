package provider

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// approvals are those that versions will have after the plan that is being made.
// An endpoint that is planned later in the same walk is judged by them, and not
// by what the platform has now.
type approvals struct {
	mu      sync.Mutex
	planned map[mlops.ID]string
}

func newApprovals() *approvals { return &approvals{planned: map[mlops.ID]string{}} }

func (a *approvals) plan(version mlops.ID, approval string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.planned[version] = approval
}

func (a *approvals) of(version mlops.ID) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	approval, ok := a.planned[version]
	return approval, ok
}

// noteApproval remembers what a version is planned to be.
func noteApproval(p *platforms, held mlops.ID, s mlops.ModelVersionSpec) {
	if held != "" {
		p.approvals.plan(held, s.Approval)
	}
}

// checkApprovals refuses, at plan, an endpoint of a stage that serves approved
// versions only, whose version is not one. What cannot be known now the platform
// checks at apply.
func checkApprovals(ctx context.Context, p *platforms, c *mlops.Checker, s mlops.ModelEndpointSpec) {
	if !c.Known(mlops.At("environment")) {
		return
	}
	environment, err := readNow(ctx, p, mlops.NounEnvironment, mlops.Backend.Environments, s.Environment)
	if err != nil || !mlops.NeedsApproval(environment.Spec.Stage) {
		return // one that is still to be made is not there to be asked
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		at := mlops.At("variants", mlops.Key(name), "version")
		version := s.Variants[name].Version
		if !c.Known(at) || version == "" {
			continue
		}
		approval, planned := p.approvals.of(version)
		if !planned {
			seen, err := readNow(ctx, p, mlops.NounModelVersion, mlops.Backend.ModelVersions, version)
			if err != nil {
				continue
			}
			approval = seen.Spec.Approval
		}
		mlops.CheckApproval(c, at, environment.Spec.Stage, version, approval)
	}
}

// readNow takes a look at another object while a plan is made.
func readNow[S, T any](ctx context.Context, p *platforms, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T], id mlops.ID) (mlops.Observed[S, T], error) {
	target, err := targetOf(ctx, p, id.Backend(), noun, kind)
	if err != nil {
		return mlops.Observed[S, T]{}, err
	}
	seen, err := target.Read(ctx, id)
	if err != nil {
		tflog.Debug(ctx, "not checked at plan", map[string]any{"object": string(id), "error": err.Error()})
	}
	return seen, err
}
