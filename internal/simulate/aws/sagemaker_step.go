package aws

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// smStepRun is one step of an execution.
type smStepRun struct {
	step           *smStep
	status, reason string
	started, ended time.Time
	looks          int
	attempt        int
	arguments      Params // with all references resolved
	result         Params // what later steps may refer to
	metadata       Params
	job            *smObject
	source         string // the execution whose result was used again, or ""
	taken          bool   // a condition's outcome
}

// view is a step as the service lists it.
func (s *smStepRun) view() Params {
	out := Params{"StepName": s.step.Name, "StartTime": s.started, "StepStatus": s.status, "AttemptCount": s.attempt}
	smSet(out, "StepDisplayName", s.step.DisplayName)
	smSet(out, "StepDescription", s.step.Description)
	smSet(out, "FailureReason", s.reason)
	if !s.ended.IsZero() {
		out["EndTime"] = s.ended
	}
	if s.metadata != nil {
		out["Metadata"] = s.metadata
	}
	if s.source != "" {
		out["CacheHitResult"] = Params{"SourcePipelineExecutionArn": s.source}
	}
	return out
}

// smGo lets an execution run: each look at it takes the steps one tick further.
func (w *World) smGo(o *smObject) {
	o.status = "Executing"
	o.settle = func(now time.Time) {
		w.smTick(o, now)
		if o.status == "Executing" {
			w.smGo(o)
		}
	}
}

// smTick ends the steps that have been looked at often enough, starts those whose
// turn it is, and ends the execution when there are none left.
func (w *World) smTick(o *smObject, now time.Time) {
	run, _ := o.detail.(*smRun)
	for _, s := range run.steps {
		if s.status == "Executing" && s.looks == 0 {
			w.smEnd(o, s, now)
		} else if s.status == "Executing" {
			s.looks--
		}
	}
	for {
		fresh := w.smNext(o, now)
		if len(fresh) == 0 {
			break
		}
		for _, s := range fresh {
			if w.config.Looks == 0 && s.status == "Executing" {
				w.smEnd(o, s, now)
			}
		}
	}
	if slices.ContainsFunc(run.steps, func(s *smStepRun) bool { return s.status == "Executing" }) {
		return
	}
	o.status = "Succeeded"
	if run.failed() {
		// The words that AWS's own answers have.
		o.status, o.reason = "Failed", "Step failure: One or multiple steps failed."
	}
}

// failed reports whether a step failed.
func (r *smRun) failed() bool {
	return slices.ContainsFunc(r.steps, func(s *smStepRun) bool { return s.status == "Failed" })
}

// of returns a step's run, or nil before it starts.
func (r *smRun) of(name string) *smStepRun {
	for _, s := range r.steps {
		if s.step.Name == name {
			return s
		}
	}
	return nil
}

// ready reports whether a step's turn has come: all it waits for has succeeded,
// and its branch is taken.
func (r *smRun) ready(s *smStep) bool {
	if r.of(s.Name) != nil {
		return false
	}
	for _, name := range s.waits {
		if before := r.of(name); before == nil || before.status != "Succeeded" {
			return false
		}
	}
	return s.branch == nil || r.of(s.branch.Name).taken == s.taken
}

// smNext starts the steps whose turn has come. After a failure none is started.
func (w *World) smNext(o *smObject, now time.Time) []*smStepRun {
	run, _ := o.detail.(*smRun)
	if run.failed() {
		return nil
	}
	var fresh []*smStepRun
	for _, step := range run.graph.steps {
		if !run.ready(step) {
			continue
		}
		s := &smStepRun{step: step, status: "Executing", started: now, looks: max(w.config.Looks-1, 0), attempt: 1}
		fresh = append(fresh, s)
		w.smBegin(o, s, now)
	}
	run.steps = append(run.steps, fresh...)
	return fresh
}

// smBegin resolves a step's arguments and starts its work.
func (w *World) smBegin(o *smObject, s *smStepRun, now time.Time) {
	resolved, err := w.smResolve(o, smWithout(s.step.Arguments, "IfSteps", "ElseSteps"))
	if err != nil {
		w.smFail(s, now, err.Error())
		return
	}
	s.arguments, _ = resolved.(map[string]any)
	if w.smReuse(o, s) {
		s.status, s.ended = "Succeeded", now
		return
	}
	switch s.step.Type {
	case "Processing", "Training":
		w.smBeginJob(o, s, now)
	case "Condition", "Fail", "Model", "RegisterModel":
	default:
		w.smFail(s, now, "This simulation runs no steps of type "+s.step.Type+".")
	}
}

// smBeginJob starts the job of a step, or its next attempt.
func (w *World) smBeginJob(o *smObject, s *smStepRun, now time.Time) {
	run, _ := o.detail.(*smRun)
	kind := map[string]string{"Processing": smProcessing, "Training": smTraining}[s.step.Type]
	call := &Call{Service: "sagemaker", Region: o.region, Account: smAccountOf(o.arn), Time: now, In: s.arguments}
	name := smMadeName(run, s)
	job, err := w.smStartJob(call, kind, name, StepRun{
		Pipeline: run.name, Execution: o.arn, Step: s.step.Name, Kind: s.step.Type, Job: name, Attempt: s.attempt, Arguments: s.arguments,
	})
	if err != nil {
		w.smFail(s, now, "ClientError: "+err.Error())
		return
	}
	s.job = job
	s.metadata = Params{s.step.Type + "Job": Params{"Arn": job.arn}}
}

// smEnd ends a step that has run long enough.
func (w *World) smEnd(o *smObject, s *smStepRun, now time.Time) {
	switch s.step.Type {
	case "Processing", "Training":
		w.smEndJob(o, s, now)
		return
	case "Condition":
		if err := w.smEndCondition(s); err != nil {
			w.smFail(s, now, err.Error())
			return
		}
	case "Model", "RegisterModel":
		if err := w.smEndModel(o, s, now); err != nil {
			w.smFail(s, now, "ClientError: "+err.Error())
			return
		}
	case "Fail":
		message := smTextOf(s.arguments["ErrorMessage"])
		s.metadata = Params{"Fail": Params{"ErrorMessage": message}}
		w.smFail(s, now, message)
		return
	}
	s.status, s.ended = "Succeeded", now
}

// smEndJob ends a step's job, and starts another attempt where a policy asks for
// one.
func (w *World) smEndJob(o *smObject, s *smStepRun, now time.Time) {
	job, _ := s.job.detail.(*smJob)
	for before := job.run.Interruptions; s.job.settle != nil; {
		s.job.looks = 0
		w.look(s.job, now)
		if job.run.Interruptions > before { // it waits, and so does the step
			s.looks = max(w.config.Looks-1, 0)
			return
		}
	}
	if s.job.status == "Completed" {
		s.status, s.ended, s.result = "Succeeded", now, smJobView(s.job)
		return
	}
	if s.attempt < s.step.attempts(s.job.reason) {
		s.attempt, s.looks = s.attempt+1, max(w.config.Looks-1, 0)
		w.smBeginJob(o, s, now)
		if w.config.Looks == 0 && s.status == "Executing" {
			w.smEndJob(o, s, now)
		}
		return
	}
	w.smFail(s, now, cmp.Or(s.job.reason, "ClientError: the job was stopped"))
}

// attempts is how often a step may run that failed for a reason (developer guide,
// "Retry policy for pipeline steps"): only failures of the service are tried again,
// not those of the user's code.
func (s *smStep) attempts(reason string) int {
	kinds := map[string][]string{
		"InternalServerError":   {"SageMaker.JOB_INTERNAL_ERROR", "Step.SERVICE_FAULT"},
		"CapacityError":         {"SageMaker.CAPACITY_ERROR"},
		"ResourceLimitExceeded": {"SageMaker.RESOURCE_LIMIT"},
		"ThrottlingException":   {"Step.THROTTLING"},
	}
	code, _, _ := strings.Cut(reason, ":")
	for _, policy := range s.RetryPolicies {
		if slices.ContainsFunc(policy.ExceptionType, func(e string) bool { return slices.Contains(kinds[code], e) }) {
			return 1 + policy.MaxAttempts
		}
	}
	return 1
}

// smFail ends a step as failed.
func (w *World) smFail(s *smStepRun, now time.Time, reason string) {
	s.status, s.ended, s.reason = "Failed", now, smShort(reason, 1024)
}

// smHalt stops an execution: what runs is stopped after the looks of its phase.
func (w *World) smHalt(o *smObject, now time.Time) {
	run, _ := o.detail.(*smRun)
	for _, s := range run.steps {
		if s.status == "Executing" {
			s.status = "Stopping"
			w.smStopJob(s.job, now)
		}
	}
	w.pass(o, "Stopping", func(end time.Time) {
		o.status = "Stopped"
		for _, s := range run.steps {
			if s.status == "Stopping" {
				s.status, s.ended = "Stopped", end
			}
		}
	})
	o.modified = now
}

// smMadeName is the name that the service makes for what a step creates.
func smMadeName(run *smRun, s *smStepRun) string {
	step := strings.Trim(smShort(strings.ReplaceAll(s.step.Name, "_", "-"), 27), "-")
	return "pipelines-" + run.id + "-" + step + "-" + smID(run.pipeline + run.id + s.step.Name + smTextOf(s.attempt))[:10]
}

// smShort cuts a text to a length.
func smShort(s string, longest int) string { return s[:min(len(s), longest)] }

// smAccountOf is the account in an ARN.
func smAccountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
