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
// to know Terraform's types, any backend, and any noun's meaning.
package lifecycle
