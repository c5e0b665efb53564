// Package mlopstest is the conformance suite of backends, and the faults that
// callers of backends have to survive.
//
// The suite is the specification: what matters to users is a rule here first,
// and holds on every backend. A rule is one method of suite whose name begins
// with Test; Run finds it by reflection. A method that takes a noun is run for
// every noun, one that takes a sample for every feature.
//
// The package refuses to know any backend, and to wait through the lifecycle:
// it is the contract itself that is tested.
package mlopstest
