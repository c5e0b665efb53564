package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
)

// measure is one thing that is measured; it may give several figures.
type measure struct {
	name  string // what -only is matched with
	about string // while it runs
	take  func(ctx context.Context, s site) ([]result, error)
}

// measures lists them, the quickest first.
func measures() []measure {
	return []measure{
		{"start", "starting the provider", measureStart},
		{"steps", "running a pipeline of many steps that do nothing", measureSteps},
		{"detection", "shifting data until it is noticed", measureDetection},
		{"drift", "checking a million rows for drift, and again with pandas and SciPy", measureDrift},
		{"noticed", "waiting for servers that take their time", measureNoticed},
		{"rollout", "rolling an endpoint out and back under load", measureRollout},
		{"gateway", "sending requests directly, through the gateway and through nginx", measureGateway},
		{"plan", "planning many endpoints without a change", measurePlan},
		{"aws-apply", "applying a whole service on a simulated AWS account", measureAWSApply},
		{"aws-plan", "planning many objects on a simulated AWS account without a change", measureAWSPlan},
		{"kubernetes", "applying endpoints in a real cluster, and planning many and many versions without a change", measureKubernetes},
		{"quickstart", "applying the quickstart twice", measureQuickstart},
	}
}

// site is what a measure works with.
type site struct {
	binary string // the built provider
	self   string // this program
	dir    string // the measure's own directory, removed afterwards
	short  bool
}

// unavailableError is the reason for which this machine cannot take a measure.
type unavailableError string

func (e unavailableError) Error() string { return string(e) }

func measureAll(ctx context.Context, opts options) (results, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// The engine that is measured is the binary's, not one of this program.
	if err := os.Setenv(client.ExecutableVariable, opts.binary); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "mlops-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(root) }()
	var all results
	for _, m := range measures() {
		if !opts.only.MatchString(m.name) {
			continue
		}
		s := site{binary: opts.binary, self: self, dir: filepath.Join(root, m.name), short: opts.short}
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			return nil, err
		}
		all = append(all, takeOne(ctx, m, s)...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return all, nil
}

// takeOne takes a measure; what could not be measured becomes a result that
// says so.
func takeOne(ctx context.Context, m measure, s site) []result {
	fmt.Fprintf(os.Stderr, "%s: %s\n", m.name, m.about)
	taken, err := m.take(ctx, s)
	reason, isReason := errors.AsType[unavailableError](err)
	switch {
	case isReason:
		taken = append(taken, missing(m.name, string(reason)))
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\n", m.name, err)
		taken = append(taken, failed(m.name, err))
	}
	return taken
}
