package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The kinds of object that are planned.
const (
	ours  = "endpoints"                         // by the provider
	inert = "do-nothing provider"               // the same objects, by a provider that does nothing
	like  = "terraform_data of the same values" // the least that a resource can be
	bare  = "terraform_data of one word"
)

// subject is a kind of object with the provider that it has.
type subject struct {
	name   string
	cli    cli
	stack  stack
	sample string // directory of the one object that is really applied
	dir    string
}

// planner is what is planned, again and again with more objects.
type planner struct {
	site     site
	lab      *lab
	subjects []subject
}

// measurePlan plans stacks in which nothing has changed.
func measurePlan(ctx context.Context, s site) (out []result, err error) {
	path, err := findCLI(ctx)
	if err != nil {
		return nil, err
	}
	l, err := openLab(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	p, err := newPlanner(ctx, s, l, path)
	if err != nil {
		return nil, err
	}
	hundred, err := p.measure(ctx, 1, 100)
	if err != nil {
		return nil, err
	}
	thousand, err := p.measure(ctx, 100, 1000)
	if err != nil {
		return nil, err
	}
	out = append(hundred.compared(100), thousand.judged()...)
	if s.short {
		return append(out, missing("plan of 3000 endpoints", "left out of a short pass")), nil
	}
	more, err := p.measure(ctx, 1000, 3000)
	if err != nil {
		return out, err
	}
	return append(out, more.scaled(thousand)...), nil
}

// newPlanner applies one object of each kind, from which the others are made.
func newPlanner(ctx context.Context, s site, l *lab, path string) (*planner, error) {
	p := &planner{site: s, lab: l}
	for _, of := range []struct {
		name, sample string
		stack        stack
		command      []string
	}{
		{ours, ours, endpoints(l), []string{s.binary}},
		{inert, ours, endpoints(l), []string{s.self, roleInert}},
		{like, like, likes(l), []string{s.binary}},
		{bare, bare, bares(), []string{s.binary}},
	} {
		next := subject{
			name: of.name, stack: of.stack,
			dir: filepath.Join(s.dir, of.name), sample: filepath.Join(s.dir, of.sample, "sample"),
		}
		var err error
		if next.cli, err = newCLI(s, path, l.engine.layout.Root, next.dir, of.command...); err != nil {
			return nil, err
		}
		if of.name == of.sample {
			if err := next.stack.write(next.sample, 1); err != nil {
				return nil, err
			}
			if err := next.cli.apply(ctx, next.sample); err != nil {
				return nil, err
			}
		}
		p.subjects = append(p.subjects, next)
	}
	return p, nil
}

// place is where a kind's configuration of n objects is.
func (s subject) place(n int) string { return filepath.Join(s.dir, strconv.Itoa(n)) }

// prepare brings engine, configurations and states from had to n objects.
func (p *planner) prepare(ctx context.Context, had, n int) error {
	if err := p.lab.engine.stop(ctx); err != nil {
		return err
	}
	if err := seed(ctx, p.lab, had, n); err != nil {
		return err
	}
	started, err := startEngine(ctx, p.site.binary, p.lab.engine.layout.Root)
	if err != nil {
		return err
	}
	p.lab.engine = started
	for _, s := range p.subjects {
		if err := s.stack.write(s.place(n), n); err != nil {
			return err
		}
		if err := copyState(s.sample, s.place(n), n); err != nil {
			return err
		}
	}
	return nil
}

// measure plans n objects of each kind, where had were before. The kinds take
// turns; of each the cheapest plan counts, for what else the machine does can
// only add.
func (p *planner) measure(ctx context.Context, had, n int) (planned, error) {
	if err := p.prepare(ctx, had, n); err != nil {
		return planned{}, err
	}
	repeat := 2
	if n > 1000 || p.site.short {
		repeat = 1
	}
	best := planned{spent: map[string]spent{}}
	for range repeat {
		begin := time.Now()
		for _, s := range p.subjects {
			if err := p.once(ctx, s, n, &best); err != nil {
				return best, err
			}
		}
		fmt.Fprintf(os.Stderr, "  %d of each in %.1f s\n", n, time.Since(begin).Seconds())
	}
	return best, nil
}

// once plans one kind once, and keeps what it cost if that is the least.
func (p *planner) once(ctx context.Context, s subject, n int, best *planned) (err error) {
	counter, err := countCalls(ctx, p.lab.engine.layout.Socket())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, counter.close()) }()
	cost, err := s.cli.plan(ctx, s.place(n))
	if err != nil {
		return err
	}
	best.calls = max(best.calls, counter.calls.Load()) // only the provider makes any
	if old, ok := best.spent[s.name]; !ok || cost.total.CPU < old.total.CPU {
		best.spent[s.name] = cost
	}
	return nil
}

// planned is what plans of n objects cost, by kind, and how often the engine
// was asked.
type planned struct {
	spent map[string]spent
	calls int64
}

// seconds is the CPU time of a kind's plan, the CLI's included.
func (a planned) seconds(kind string) float64 { return a.spent[kind].total.CPU.Seconds() }

// compared lists what has no budget of its own.
func (a planned) compared(n int) []result {
	name := fmt.Sprintf("plan of %d endpoints, total CPU", n)
	return []result{
		figure(name, a.seconds(ours), "s"),
		figure(name, a.seconds(ours)/a.seconds(inert), "x "+inert).because("%.2f s", a.seconds(inert)),
		figure(name, a.seconds(ours)/a.seconds(bare), "x "+bare).because("%.2f s", a.seconds(bare)),
	}
}

// judged lists all of a plan of 1,000.
func (a planned) judged() []result {
	const name = "plan of 1000 endpoints, "
	own, idle := a.spent[ours].provider, a.spent[inert].provider
	return append(a.compared(1000),
		atMost(name+"total CPU", a.seconds(ours)/a.seconds(like), "x "+like, 3).because("%.2f s", a.seconds(like)),
		atMost(name+"provider CPU", own.CPU.Seconds(), "s", 5).because("do-nothing provider %.2f s", idle.CPU.Seconds()),
		own.owned(name),
		figure(name+"provider peak memory", float64(own.Memory)/mega, "MB").because("with the program's own pages; do-nothing provider %.0f MB", float64(idle.Memory)/mega),
		atMost(name+"calls to the engine", float64(a.calls), "calls", 30))
}

// scaled lists how a plan of 3,000 compares with one of 1,000.
func (a planned) scaled(base planned) []result {
	const name = "plan of 3000 endpoints, "
	return []result{
		atMost(name+"total CPU", a.seconds(ours)/base.seconds(ours), "x that of 1000", 3.3).
			because("%.1f s; %s %.2f x", a.seconds(ours), like, a.seconds(like)/base.seconds(like)),
		figure(name+"provider CPU", a.spent[ours].provider.CPU.Seconds(), "s"),
		figure(name+"provider peak memory", float64(a.spent[ours].provider.Memory)/mega, "MB"),
		figure(name+"calls to the engine", float64(a.calls), "calls"),
	}
}
