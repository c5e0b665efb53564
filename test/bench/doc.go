// Command bench measures the provider and its engine against their budgets:
//
//	go run ./test/bench -binary bin/terraform-provider-mlops -out bench.json
//
// It prints a table and writes the same as JSON: a list of name, value, unit,
// budget and ok. A figure without a budget is there for comparison and has no
// ok; neither has a measure that this machine cannot take, whose note says why.
// The exit status is 1 if a budget is missed or a measure failed.
//
// Figures are CPU time, and ratios of what was measured in the same run,
// wherever that is possible: wall times say more about the machine than about
// the program. Load is bounded, stays on the loopback interface and ends by
// itself. Everything is made below one temporary directory, and every process
// that a measure starts is gone when it ends.
//
// The program starts itself again in other roles: as the model server that
// requests are sent to, as a provider that does nothing, as a monitor that checks
// data for drift, as a simulated AWS account, and as a watcher that runs the real
// provider and notes what it used.
package main
