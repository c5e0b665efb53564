// Package memory is a backend without a platform: everything is kept in the
// process, for tests. It is the first that passes the conformance suite, and
// what the provider's own tests run on.
//
// # Mapping
//
// Every noun is a record of one [Platform]. Specs are kept in JSON, so nothing
// is shared with callers. A change takes a configurable number of looks to
// settle. Steps are not run and models are not served: a run succeeds with an
// output for each one declared and the metric accuracy = 0.9, and an endpoint
// says that it serves. Conditions are decided by that metric and by parameters.
// The bytes of a version or dataset are a file's where its URI is a path or a
// file URI, another's where it is that one's own URI, and otherwise the URI's own
// text; no table is read. A monitor waits for ever, or is in the state that its
// label memory_state says.
//
// # Authentication
//
// None.
//
// # Permissions
//
// None, but records have owners: see mlops.Kind.
//
// # Differences
//
// Two words make a change misbehave, as the key of a label (environment, model,
// model version, model endpoint) or of a trigger (pipeline run): memory_fail
// makes it fail, with the value as the reason; memory_stuck keeps it pending for
// ever. A smoke test that expects another status than 200 fails too, and so does
// a run with a step whose command is "false". An object whose change fails goes
// back to what it had. There are neither accelerators nor containers.
//
// Requests are not copied, and rollouts in steps are driven by the provider. What
// is measured of a variant stands in the labels of its version: memory_requests
// (1000 if it is not there), memory_error_percent (0) and memory_latency (10ms).
// The label memory_rot lets a version be exported with other bytes than its own.
//
// # Overrides
//
// None.
package memory
