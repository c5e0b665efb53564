// Package process runs programs that outlive the engine: steps and model
// servers. Each is a process group of its own behind a small shell that writes
// the exit status to a file, so that an engine that starts again finds what is
// still running and learns how the rest ended.
//
// A group is ended whole: first asked, then killed, together with children
// that moved to another group (they are found by a token in their environment).
//
// It refuses to restart anything and knows no policy; its callers do. It runs
// on Unix only; elsewhere Start says so.
package process
