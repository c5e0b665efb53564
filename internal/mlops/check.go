package mlops

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is one thing wrong with a spec, at a place in it.
type Problem struct {
	Path    Path
	Summary string // what is wrong, in a few words
	Detail  string // what to do about it
	Warning bool   // the spec is usable as it is
}

// Error writes the problem on one line.
func (p Problem) Error() string {
	if len(p.Path) == 0 {
		return p.Summary + ": " + p.Detail
	}
	return p.Path.String() + ": " + p.Summary + ": " + p.Detail
}

// Checker collects the problems of one spec. At plan time some values are not
// known yet; a Checker that was told so keeps silent about every rule that
// needs one of them, and the rule is checked again when the value is there.
type Checker struct {
	unknown  []Path
	problems []Problem
}

// NewChecker returns a Checker for a spec whose values at the given paths, and
// below them, are not known yet.
func NewChecker(unknown ...Path) *Checker { return &Checker{unknown: unknown} }

// Known reports whether everything at and below each path is known.
func (c *Checker) Known(paths ...Path) bool {
	for _, u := range c.unknown {
		for _, p := range paths {
			if u.covers(p) || p.covers(u) {
				return false
			}
		}
	}
	return true
}

// Add reports a problem at a path. It is dropped if anything at or below that
// path is unknown. Where a rule needs other values than those, or fewer, use
// AddIf.
func (c *Checker) Add(at Path, summary, detail string, args ...any) {
	c.AddIf(at, []Path{at}, summary, detail, args...)
}

// AddIf reports a problem at a path, found from the values at needs; it is
// dropped if any of those is unknown.
func (c *Checker) AddIf(at Path, needs []Path, summary, detail string, args ...any) {
	if !c.Known(needs...) {
		return
	}
	c.problems = append(c.problems, Problem{Path: at, Summary: summary, Detail: fmt.Sprintf(detail, args...)})
}

// Warn is Add for a spec that is usable as it is.
func (c *Checker) Warn(at Path, summary, detail string, args ...any) {
	if !c.Known(at) {
		return
	}
	c.problems = append(c.problems, Problem{Path: at, Summary: summary, Detail: fmt.Sprintf(detail, args...), Warning: true})
}

// Problems returns what was found, in the order it was found.
func (c *Checker) Problems() []Problem { return c.problems }

// Err returns the problems that are not warnings as one error of code Invalid
// whose Field is the first problem's path, or nil.
func (c *Checker) Err() error {
	var errs []string
	var first Path
	for _, p := range c.problems {
		if p.Warning {
			continue
		}
		if errs == nil {
			first = p.Path
		}
		errs = append(errs, p.Error())
	}
	if errs == nil {
		return nil
	}
	return &Error{Code: Invalid, Field: first.String(), Err: errors.New(strings.Join(errs, "\n"))}
}

// Validator is a spec that can check itself. Validate must be pure: it is
// called at validate, at plan and again by the backend's own front door.
type Validator interface{ Validate(c *Checker) }

// Check validates a wholly known spec.
func Check(spec Validator) error {
	c := NewChecker()
	spec.Validate(c)
	return c.Err()
}
