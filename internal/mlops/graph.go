package mlops

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Graph is the order of a pipeline's steps.
type Graph struct {
	needs map[string][]string // step to the steps that must have succeeded before, sorted
	order []string            // each step after all that it needs; by name where that leaves a choice
}

// Order lists the steps, each after all that it needs.
func (g Graph) Order() []string { return g.order }

// Needs lists the steps that must have succeeded before a step starts.
func (g Graph) Needs(step string) []string { return g.needs[step] }

// Graph returns the order of the steps. The error tells of a cycle, or of a
// template that does not parse; references to missing steps are left to
// Validate.
func (s PipelineSpec) Graph() (Graph, error) {
	g := Graph{needs: make(map[string][]string, len(s.Steps))}
	for name, step := range s.Steps {
		needs, err := s.needsOf(step)
		if err != nil {
			return Graph{}, fmt.Errorf("step %q: %w", name, err)
		}
		g.needs[name] = needs
	}
	if cycle := g.cycle(); cycle != nil {
		return Graph{}, &cycleError{cycle}
	}
	g.order = g.sorted()
	return g, nil
}

// cycleError tells of steps that wait for each other, first and last the same.
type cycleError struct{ steps []string }

func (e *cycleError) Error() string {
	return "the steps form a cycle: " + strings.Join(e.steps, " → ")
}

func isCycle(err error) bool {
	_, ok := errors.AsType[*cycleError](err)
	return ok
}

// cyclic reports whether steps wait for each other.
func (s PipelineSpec) cyclic() bool {
	_, err := s.Graph()
	return isCycle(err)
}

// needsOf lists the existing steps that a step refers to or comes after.
func (s PipelineSpec) needsOf(step Step) ([]string, error) {
	needs := map[string]bool{}
	for _, name := range append(step.measured(), step.After...) {
		needs[name] = true
	}
	for _, f := range step.templates() {
		t, err := ParseTemplate(f.text)
		if err != nil {
			return nil, err
		}
		for _, r := range t.References() {
			if r.Kind == RefStepOutput {
				needs[r.Step] = true
			}
		}
	}
	maps.DeleteFunc(needs, func(name string, _ bool) bool {
		_, exists := s.Steps[name]
		return !exists
	})
	return slices.Sorted(maps.Keys(needs)), nil
}

// field is a templated string and its place below the step.
type field struct {
	path Path
	text string
}

// templates lists the templated strings of a step in a stable order. The
// script is not one of them: Python has its own use for braces.
func (s Step) templates() []field {
	var out []field
	for _, k := range slices.Sorted(maps.Keys(s.Inputs)) {
		out = append(out, field{At("inputs", Key(k)), s.Inputs[k]})
	}
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		out = append(out, field{At("env", Key(k)), s.Env[k]})
	}
	for i, c := range s.Command {
		out = append(out, field{At("command", i), c})
	}
	return out
}

// cycle returns the steps of one cycle, first and last the same, or nil.
func (g Graph) cycle() []string {
	const (
		visiting = 1
		visited  = 2
	)
	state := map[string]int{}
	var trail []string
	var visit func(string) []string
	visit = func(name string) []string {
		switch state[name] {
		case visited:
			return nil
		case visiting:
			return append(slices.Clone(trail[slices.Index(trail, name):]), name)
		}
		state[name] = visiting
		trail = append(trail, name)
		for _, n := range g.needs[name] {
			if c := visit(n); c != nil {
				return c
			}
		}
		trail = trail[:len(trail)-1]
		state[name] = visited
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(g.needs)) {
		if c := visit(name); c != nil {
			return c
		}
	}
	return nil
}

// sorted lists the steps, each after all that it needs; there is no cycle.
func (g Graph) sorted() []string {
	var order []string
	done := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if done[name] {
			return
		}
		done[name] = true
		for _, n := range g.needs[name] {
			visit(n)
		}
		order = append(order, name)
	}
	for _, name := range slices.Sorted(maps.Keys(g.needs)) {
		visit(name)
	}
	return order
}
