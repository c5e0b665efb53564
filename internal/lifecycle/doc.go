// Package lifecycle turns the four verbs of a Kind, none of which waits, into
// operations that are done when they return.
//
// It is the only code that waits, retries and logs progress. Identity is
// recorded before the first look, so that an interruption at any moment leaves
// nothing that the next apply does not know of. A change is done when the
// platform shows the revision that was asked for; ready with another revision
// is a rollback, and an error. Reads of many objects under one parent are
// answered by few calls.
//
// The only clock is the context: callers set its deadline. The package refuses
// to know Terraform's types and any backend, and what nouns mean but for the
// three things below, which are the same on every platform.
//
// # Rollouts
//
// Where a backend's table calls a strategy emulated, Update drives it from plain
// weights: new versions stand beside what they replace, as variants that are
// named after them ("main-next"), and get traffic step by step. Each step is an
// update of the endpoint that also notes how far the rollout is (Transition),
// is waited for, observed for its bake, and judged by mlops.Gates on what the
// platform measures (mlops.Measurer). After the last step the spec that was
// asked for comes into force, and what it replaced goes: servers are kept warm
// only by platforms that can do so themselves. The steps of canary and linear
// are as the user says; blue_green has one, with all traffic on the new versions
// and the old ones beside them. Copies of requests cannot be emulated.
//
// A step that fails puts in force what was there before. An update that ends
// before its time, by Ctrl-C, a deadline or a kill, leaves the step that it
// reached: Read shows the variants that were there before, so that a plan shows
// the change, and says in Reason where the rollout is. The next Update to the
// same variants begins that step's bake again and goes on; any other goes back
// first.
//
// # Promotions
//
// A Promotion takes a version's bytes from one opened backend to another. It
// reads the source, judges the gates and collects the evidence, fetches the bytes
// into a temporary directory that is always removed, checks their digest, and
// registers them. Whoever is interrupted, or second, ends with the same version:
// registering goes by content. Review judges the gates as they stand now and
// moves nothing, for plans.
//
// # Lineage
//
// A Tracer reads what environments have, follows promotions to others, and
// returns what came from what around one object. What cannot be found is shown
// as gone: a gap in the chain is an answer too.
package lifecycle
