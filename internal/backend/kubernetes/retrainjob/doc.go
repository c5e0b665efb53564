// Package retrainjob is the command "retrain": the step of a monitor's job that starts
// the pipeline of on_violation, if it may. Whether it may is internal/retrain's to say,
// as in the embedded engine.
//
//	terraform-provider-mlops retrain --lease NAME --pipeline ID --run FILE \
//	  --cooldown DURATION --max-per-month N
//
//	--lease          the Lease that keeps what was started, in the run's namespace
//	--pipeline       the pipeline's ID
//	--run            the run's Workflow as JSON, whose generateName its name begins with
//	--cooldown       from one start to the next
//	--max-per-month  starts in a calendar month, UTC
//
// It runs in a pod, as an account that may get and update this lease, and create and get
// workflows. The status is 0 where it started a run or may not now, 1 where it could
// not, and 2 for wrong flags.
//
// # The lease
//
// Its annotation Note has a Ledger. A start is written there, with the name of the run,
// before the run is made, and the API server takes of two who write at once one alone:
// so that two checks that find a violation at the same moment make one run, and a step
// that is ended in between has the next one make it, by that same name. What was
// started counts also when somebody deletes the run.
package retrainjob
