package main

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

// rules judges a file of rules as Prometheus does when it loads one: groups, names,
// durations, labels, templates and PromQL.
func rules(input []byte) []error {
	_, errs := rulefmt.Parse(input, false, model.UTF8Validation)
	return errs
}
