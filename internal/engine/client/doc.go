// Package client reaches the engine of a directory: it exposes the engine's
// kinds over its control socket, and finds, starts and upgrades the engine so
// that callers need not know whether one runs.
//
// An engine is started when it is first needed, as a process of its own that
// outlives the caller; what only looks into a directory where no engine ever
// was starts none. Of any number of callers at once, one starts it. An engine
// of another version is asked to make room: what it runs goes on in the next.
//
// It refuses to wait for the work that an engine accepts, and to touch the
// engine's files, but for reading a model's bytes to tell their digest.
package client
