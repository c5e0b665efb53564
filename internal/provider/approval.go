package provider

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// prospects are what endpoints are judged by, the stages of environments and the
// approvals of versions, as far as the plan that is being made changes them. An
// endpoint that is planned later in the same walk is judged by what will be, and
// not by what the platform has now.
type prospects struct {
	mu      sync.Mutex
	changed map[mlops.ID]prospect
}

// prospect is what a stage or an approval will be; "" while only the apply can
// tell.
type prospect string

func newProspects() *prospects { return &prospects{changed: map[mlops.ID]prospect{}} }

func (w *prospects) note(id mlops.ID, p prospect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed[id] = p
}

func (w *prospects) of(id mlops.ID) (prospect, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.changed[id]
	return p, ok
}

// none reports whether the plan changes nothing that endpoints are judged by.
func (w *prospects) none() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.changed) == 0
}

// noteApproval remembers a version whose approval is planned to change.
func noteApproval(w *prospects, c *mlops.Checker, p proposal[modelVersionModel, mlops.ModelVersionSpec]) {
	noteChange(w, c, p.held, mlops.At("approval"), p.before.Approval, p.asked.spec.Approval)
}

// noteStage remembers an environment whose stage is planned to change.
func noteStage(w *prospects, c *mlops.Checker, p proposal[environmentModel, mlops.EnvironmentSpec]) {
	noteChange(w, c, p.held, mlops.At("stage"), p.before.Stage, p.asked.spec.Stage)
}

func noteChange(w *prospects, c *mlops.Checker, held mlops.ID, at mlops.Path, before, planned string) {
	switch {
	case held == "": // to be made, so that nothing can refer to it yet
	case !c.Known(at):
		w.note(held, "")
	case before != planned:
		w.note(held, prospect(planned))
	}
}

// checkApprovals refuses, at plan, an endpoint of a stage that serves approved
// versions only, whose version is not one. What cannot be known now the platform
// checks at apply. An endpoint that stays as it is answers only for what this
// plan changes around it.
func checkApprovals(ctx context.Context, p *platforms, c *mlops.Checker, planned proposal[modelEndpointModel, mlops.ModelEndpointSpec]) {
	s := planned.asked.spec
	if !c.Known(mlops.At("environment")) {
		return
	}
	stage, moved := stageOf(ctx, p, s.Environment)
	if !mlops.NeedsApproval(stage) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variants)) {
		at, version := mlops.At("variants", mlops.Key(name), "version"), s.Variants[name].Version
		if !c.Known(at) || version == "" {
			continue
		}
		_, altered := p.prospects.of(version)
		if planned.stays() && !moved && !altered {
			continue
		}
		if approval := approvalOf(ctx, p, version); approval != "" {
			mlops.CheckApproval(c, at, stage, version, approval)
		}
	}
}

// stageOf is the stage that an environment will have after the plan, and whether
// the plan changes it; "" where that is not known.
func stageOf(ctx context.Context, p *platforms, environment mlops.ID) (stage string, moved bool) {
	if planned, ok := p.prospects.of(environment); ok {
		return string(planned), true
	}
	seen, err := readNow(ctx, p, mlops.NounEnvironment, mlops.Backend.Environments, environment)
	if err != nil {
		return "", false // one that is still to be made is not there to be asked
	}
	return seen.Spec.Stage, false
}

// approvalOf is the approval that a version will have after the plan; "" where
// that is not known.
func approvalOf(ctx context.Context, p *platforms, version mlops.ID) string {
	if planned, ok := p.prospects.of(version); ok {
		return string(planned)
	}
	seen, err := readNow(ctx, p, mlops.NounModelVersion, mlops.Backend.ModelVersions, version)
	if err != nil {
		return ""
	}
	return seen.Spec.Approval
}

// readNow takes a look at another object while a plan is made.
func readNow[S, T any](ctx context.Context, p *platforms, noun mlops.Noun, kind func(mlops.Backend) mlops.Kind[S, T], id mlops.ID) (mlops.Observed[S, T], error) {
	ctx, cancel := context.WithTimeout(ctx, preflightPatience)
	defer cancel()
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
