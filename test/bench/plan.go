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

// planner is what is planned, again and again with more objects.
type planner struct {
	site      site
	lab       *lab
	endpoints subject // by the provider
	inert     subject // the same objects, by a provider that does nothing
	nothings  subject
}

// subject is a kind of object with the provider that it has.
type subject struct {
	name  string
	cli   cli
	stack stack
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
	ratio := more.endpoints.total.CPU.Seconds() / thousand.endpoints.total.CPU.Seconds()
	return append(out, atMost("plan of 3000 endpoints, total CPU", ratio, "x that of 1000", 3.3).
		because("%.1f s; terraform_data %.1f s; peak memory %.0f MB", more.endpoints.total.CPU.Seconds(),
			more.nothings.total.CPU.Seconds(), float64(more.endpoints.provider.Memory)/mega)), nil
}

// newPlanner applies one object of each kind, from which the others are made.
func newPlanner(ctx context.Context, s site, l *lab, path string) (*planner, error) {
	p := &planner{site: s, lab: l}
	dir := l.engine.layout.Root
	for _, of := range []struct {
		subject *subject
		name    string
		stack   stack
		command []string
	}{
		{&p.endpoints, "endpoints", endpoints(l), []string{s.binary}},
		{&p.inert, "inert", endpoints(l), []string{s.self, roleInert}},
		{&p.nothings, "nothings", nothings(), []string{s.binary}},
	} {
		c, err := newCLI(s, path, dir, of.name, of.command...)
		if err != nil {
			return nil, err
		}
		*of.subject = subject{of.name, c, of.stack}
	}
	for _, of := range []subject{p.endpoints, p.nothings} {
		if err := p.sample(ctx, of); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *planner) sampleDir(name string) string { return filepath.Join(p.site.dir, name, "sample") }

func (p *planner) sample(ctx context.Context, of subject) error {
	dir := p.sampleDir(of.name)
	if err := of.stack.write(dir, 1); err != nil {
		return err
	}
	return of.cli.apply(ctx, dir)
}

// prepare brings engine, configurations and states from had to n objects, and
// returns the directories.
func (p *planner) prepare(ctx context.Context, had, n int) (map[string]string, error) {
	if err := p.lab.engine.stop(ctx); err != nil {
		return nil, err
	}
	if err := seed(ctx, p.lab, had, n); err != nil {
		return nil, err
	}
	started, err := startEngine(ctx, p.site.binary, p.lab.engine.layout.Root)
	if err != nil {
		return nil, err
	}
	p.lab.engine = started
	dirs := map[string]string{}
	for _, of := range []struct {
		subject

		sample string
	}{{p.endpoints, p.endpoints.name}, {p.inert, p.endpoints.name}, {p.nothings, p.nothings.name}} {
		dir := filepath.Join(p.site.dir, of.name, strconv.Itoa(n))
		if err := of.stack.write(dir, n); err != nil {
			return nil, err
		}
		if err := copyState(p.sampleDir(of.sample), dir, n); err != nil {
			return nil, err
		}
		dirs[of.name] = dir
	}
	return dirs, nil
}

// planned is what plans of n objects cost, and how often the engine was asked.
type planned struct {
	endpoints, inert, nothings spent
	calls                      int64
}

// measure plans n objects of each kind, where had were before. The kinds take
// turns; of each the cheapest plan counts, for what else the machine does can
// only add.
func (p *planner) measure(ctx context.Context, had, n int) (planned, error) {
	dirs, err := p.prepare(ctx, had, n)
	if err != nil {
		return planned{}, err
	}
	repeat := 2
	if n == 100 {
		repeat = 3
	}
	if n > 1000 || p.site.short {
		repeat = 1
	}
	var best planned
	for range repeat {
		begin := time.Now()
		one, err := p.once(ctx, dirs)
		if err != nil {
			return best, err
		}
		fmt.Fprintf(os.Stderr, "  %d of each in %.1f s\n", n, time.Since(begin).Seconds())
		best = best.cheaper(one)
	}
	return best, nil
}

// once plans each kind once.
func (p *planner) once(ctx context.Context, dirs map[string]string) (one planned, err error) {
	counter, err := countCalls(ctx, p.lab.engine.layout.Socket())
	if err != nil {
		return one, err
	}
	one.endpoints, err = p.endpoints.cli.plan(ctx, dirs[p.endpoints.name])
	one.calls = counter.calls.Load()
	if err := errors.Join(err, counter.close()); err != nil {
		return one, err
	}
	if one.inert, err = p.inert.cli.plan(ctx, dirs[p.inert.name]); err != nil {
		return one, err
	}
	one.nothings, err = p.nothings.cli.plan(ctx, dirs[p.nothings.name])
	return one, err
}

// cheaper takes the cheaper of each kind, and of the calls the most.
func (a planned) cheaper(b planned) planned {
	if a.endpoints.total.CPU == 0 {
		return b
	}
	least := func(x, y spent) spent {
		if y.total.CPU < x.total.CPU {
			return y
		}
		return x
	}
	return planned{
		least(a.endpoints, b.endpoints), least(a.inert, b.inert), least(a.nothings, b.nothings),
		max(a.calls, b.calls),
	}
}

// compared lists what has no budget of its own.
func (a planned) compared(n int) []result {
	name := fmt.Sprintf("plan of %d endpoints, ", n)
	of := a.endpoints.total.CPU.Seconds()
	return []result{
		figure(name+"total CPU", of, "s").because("do-nothing provider %.2f s, terraform_data %.2f s",
			a.inert.total.CPU.Seconds(), a.nothings.total.CPU.Seconds()),
		figure(name+"total CPU", of/a.inert.total.CPU.Seconds(), "x do-nothing provider"),
	}
}

// judged lists all of a plan of 1,000.
func (a planned) judged() []result {
	const name = "plan of 1000 endpoints, "
	return append(a.compared(1000),
		atMost(name+"total CPU", a.endpoints.total.CPU.Seconds()/a.nothings.total.CPU.Seconds(), "x terraform_data", 3),
		atMost(name+"provider CPU", a.endpoints.provider.CPU.Seconds(), "s", 5).
			because("do-nothing provider %.2f s", a.inert.provider.CPU.Seconds()),
		atMost(name+"provider peak memory", float64(a.endpoints.provider.Memory)/mega, "MB", 60).
			because("do-nothing provider %.0f MB", float64(a.inert.provider.Memory)/mega),
		atMost(name+"calls to the engine", float64(a.calls), "calls", 30))
}
