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
// says that it serves. The bytes of a version are a file's where artifact_uri is
// a path or a file URI, another version's where it is that version's own URI,
// and otherwise the URI's own text.
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
// # Overrides
//
// None.
package memory
