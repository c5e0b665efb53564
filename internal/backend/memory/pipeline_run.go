package memory

import (
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// PipelineRuns returns the kind of runs.
func (b *backend) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return &kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{b, mlops.NounPipelineRun, runs{}}
}

type runs struct{}

func (runs) name(mlops.PipelineRunSpec) string { return "" }

// place finds the run that a repeated request asked for before, unless it
// failed: then asking again means running again.
func (runs) place(p *Platform, owner string, from mlops.ID, spec mlops.PipelineRunSpec) (placed[mlops.PipelineRunSpec], error) {
	if err := p.exists("pipeline", spec.Pipeline); err != nil {
		return placed[mlops.PipelineRunSpec]{}, err
	}
	if from != "" {
		if former := p.records[from]; !former.failed && sameRun(decode[mlops.PipelineRunSpec](former.spec), spec) {
			return placed[mlops.PipelineRunSpec]{id: from, spec: decode[mlops.PipelineRunSpec](former.spec)}, nil
		}
		spec.After = from
	}
	revision := mlops.DigestOf(spec)
	for _, r := range p.under(spec.Pipeline, mlops.NounPipelineRun) {
		if r.owner == owner && r.revision == revision && !r.failed && !r.deleting {
			return placed[mlops.PipelineRunSpec]{id: r.id, spec: spec}, nil
		}
	}
	return placed[mlops.PipelineRunSpec]{id: p.number(spec.Pipeline, mlops.NounPipelineRun), spec: spec}, nil
}

// sameRun reports whether two specs ask for the same, whatever they follow.
func sameRun(a, b mlops.PipelineRunSpec) bool {
	a.After, b.After = "", ""
	return mlops.DigestOf(a) == mlops.DigestOf(b)
}

// whim lets a run fail of which a step's command is false, or a condition cannot be
// decided, as it would anywhere.
func (runs) whim(p *Platform, spec mlops.PipelineRunSpec) whim {
	w := whimOf(spec.Triggers)
	pipeline := decode[mlops.PipelineSpec](p.records[spec.Pipeline].spec)
	skipped, err := skips(pipeline, effective(pipeline, spec))
	if err != nil && w.fail == "" {
		w.fail = err.Error()
	}
	for step, s := range pipeline.Steps {
		if slices.Equal(s.Command, []string{"false"}) && w.fail == "" && skipped[step] == "" {
			w.fail = "step " + step + ": exit status 1"
		}
	}
	return w
}

func (runs) status(p *Platform, r *record, spec mlops.PipelineRunSpec) mlops.PipelineRunStatus {
	s := mlops.PipelineRunStatus{
		Run:       r.id.Name(),
		State:     runState(r),
		Outputs:   map[string]string{},
		Metrics:   map[string]float64{},
		Steps:     map[string]mlops.StepRun{},
		StartedAt: r.created,
	}
	if !s.State.Ended() {
		return s
	}
	s.FinishedAt = r.settled
	if pipeline, ok := p.records[spec.Pipeline]; ok && s.State == mlops.RunSucceeded {
		conclude(&s, r, spec, decode[mlops.PipelineSpec](pipeline.spec))
	}
	return s
}

func runState(r *record) mlops.RunState {
	switch r.phase() {
	case mlops.PhaseReady:
		return mlops.RunSucceeded
	case mlops.PhaseFailed:
		return mlops.RunFailed
	case mlops.PhasePending:
		return mlops.RunRunning
	default:
		return mlops.RunCancelled
	}
}

// conclude fills in what a run that succeeded leaves behind.
func conclude(s *mlops.PipelineRunStatus, r *record, spec mlops.PipelineRunSpec, pipeline mlops.PipelineSpec) {
	s.Lineage = &mlops.Lineage{
		PipelineVersion: pipeline.Version(),
		Parameters:      effective(pipeline, spec),
		Engine:          name,
		Steps:           map[string]mlops.StepLineage{},
	}
	skipped, _ := skips(pipeline, s.Lineage.Parameters) // a run that cannot decide has failed
	for stepName, step := range pipeline.Steps {
		if reason := skipped[stepName]; reason != "" {
			s.Steps[stepName] = mlops.StepRun{State: mlops.RunSkipped, Reason: reason, FinishedAt: r.settled}
			continue
		}
		s.Steps[stepName] = mlops.StepRun{State: mlops.RunSucceeded, Attempt: 1, StartedAt: r.created, FinishedAt: r.settled}
		lineage := mlops.StepLineage{
			Code:     mlops.DigestOf([]any{step.Script, step.Command}),
			Packages: step.Packages,
			Inputs:   map[string]string{},
			Outputs:  map[string]string{},
		}
		for _, output := range step.Outputs {
			s.Outputs[stepName+"."+output] = "memory://" + string(r.id) + "/" + stepName + "." + output
			lineage.Outputs[output] = mlops.DigestOf(outputOf(s.Lineage, stepName, output))
		}
		maps.Copy(s.Metrics, metricsOf(step))
		s.Lineage.Steps[stepName] = lineage
	}
}

// outputOf stands for what a step writes: it is the same for the same code and
// parameters.
func outputOf(l *mlops.Lineage, step, output string) []any {
	return []any{l.PipelineVersion, l.Parameters, step, output}
}

// effective is a run's parameters, defaults filled in.
func effective(pipeline mlops.PipelineSpec, run mlops.PipelineRunSpec) map[string]string {
	out := map[string]string{}
	for parameter, p := range pipeline.Parameters {
		if p.Default != nil {
			out[parameter] = *p.Default
		}
	}
	maps.Copy(out, run.Parameters)
	return out
}
