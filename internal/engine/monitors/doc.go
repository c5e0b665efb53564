// Package monitors watches endpoints: on a schedule it reads what the gateway
// captured, compares it with a baseline, writes a report, and draws the
// consequences.
//
//	monitors/<monitor>/baseline-<which>.json  profile of the baseline (internal/drift)
//	monitors/<monitor>/reports/<time>.json    one mlops.MonitorReport each
//
// A baseline is read when the monitor is made, or changed, and kept as a profile:
// a monitor whose baseline cannot be used is refused. A check reads the captures
// of its window as a stream. What it finds, the state it leads to, and what is to
// be told are written in one transaction. Nothing that is told can hold a check
// up, and no time of the schedule has two reports; of times that passed while the
// engine was down only the last counts. A check that the engine's end interrupts is
// made by the engine that comes next, but one that was killed is not: it may be what
// crashes engines.
//
// A violation may start a pipeline. The pause between two starts counts from the
// last one, however that ended, and a month has only so many: a loop that makes
// things worse stands still, and its status says why.
//
// It decides when a check is made and what follows; what a check finds is
// internal/checks', who hears of it internal/engine/alerts'.
package monitors
