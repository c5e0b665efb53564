// Package runner runs pipelines on this machine: it is the engine's service for
// the noun pipeline_run, and it follows the cron schedules of pipelines.
//
// A run is started once, from a frozen copy of its pipeline, and each of its
// steps moves through rows of the store: queued, running, then succeeded or
// failed. A step whose conditions do not hold when all that it needs has ended is
// skipped, and so is what needs it. A step's process outlives the engine. When the engine starts again,
// after whatever end, it goes on from those rows: finished steps never run
// again, a process that still runs is attached to, one that ended meanwhile is
// judged by the exit record it left, and one that left no trace is started
// again without counting as an attempt.
//
// The datasets that steps read are frozen with the pipeline. A step whose data are
// not what they were fails. An experiment is told when a run is accepted, begins and
// ends, in the transactions in which that happens.
//
// The files of a run:
//
//	<run>/logs/<step>.<attempt>.log      standard output and error
//	<run>/steps/<step>/<attempt>/        script.py, and the process's records in state/
//	    work/                            working directory of the process
//	    outputs/<name>                   where MLOPS_OUTPUT_<NAME> points
//	<run>/steps/<step>/checkpoints/      where MLOPS_CHECKPOINTS points, for all attempts of a
//	                                     step that may be interrupted
//
// A step whose code, packages, rendered environment, image, output names and
// input bytes are those of an earlier step of the environment takes over that
// step's outputs, if they still are what they were.
//
// It refuses to run containers, to spread over machines, and to decide what a
// pipeline may contain: internal/mlops does that. It replays at most one of the
// fires of a schedule that were missed while no engine ran.
package runner
