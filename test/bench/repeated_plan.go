package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// repeatedPlan is the plan of n objects on a platform whose calls are counted.
type repeatedPlan struct {
	cli   cli
	since func(context.Context) (ledger, error) // the calls since it was last asked
	n     int
}

// best plans a directory, and once more unless time is short: of two plans the
// cheaper one counts, for what else the machine does can only add. Of the calls the
// most count.
func (p repeatedPlan) best(ctx context.Context, dir string) (timed, ledger, error) {
	repeat := 2
	if p.n < 1000 {
		repeat = 1
	}
	var best timed
	var most ledger
	for range repeat {
		begin := time.Now()
		cost, err := p.cli.plan(ctx, dir)
		took := time.Since(begin)
		if err != nil {
			return best, most, err
		}
		seen, err := p.since(ctx)
		if err != nil {
			return best, most, err
		}
		if seen.total() >= most.total() {
			most = seen
		}
		if best.wall == 0 || cost.total.CPU < best.total.CPU {
			best = timed{cost, took}
		}
	}
	return best, most, nil
}

// timed is what a plan cost, and how long it took.
type timed struct {
	spent

	wall time.Duration
}

// judged compares what was measured with the budgets.
func (p repeatedPlan) judged(objects, platform string, ours, floor timed, calls ledger) []result {
	name := fmt.Sprintf("plan of %d %s, ", p.n, objects)
	own, least := ours.total.CPU.Seconds(), floor.total.CPU.Seconds()
	return []result{
		atMost(name+"calls to "+platform, float64(calls.total()), "calls", 30).because("%s", calls.words()),
		atMost(name+"total CPU", own/least, "x "+like, 3).because("%.2f s; %.2f s", own, least),
		atMost(name+"provider CPU", ours.provider.CPU.Seconds(), "s", 5),
		ours.provider.owned(name),
		figure(name+"provider peak memory", float64(ours.provider.Memory)/mega, "MB").because("with the program's own pages"),
		figure(name+"wall time", ours.wall.Seconds(), "s").because("%s %.2f s", like, floor.wall.Seconds()),
	}
}

// total is how many calls were made.
func (l ledger) total() int {
	n := 0
	for _, calls := range l.Calls {
		n += calls
	}
	return n
}

// words lists the calls by operation, the most frequent first.
func (l ledger) words() string {
	names := slices.SortedFunc(maps.Keys(l.Calls), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.Calls[b], l.Calls[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", l.Calls[name], name)
	}
	return strings.Join(names, ", ")
}
