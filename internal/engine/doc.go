// Package engine is the embedded engine: it keeps environments, runs pipelines
// and serves models on this machine, for one directory, until it is told to
// stop. It assembles the services of the packages below it, and is the command
// "engine" of the provider's binary.
//
// One engine runs per directory, which it holds locked. It is controlled over a
// unix socket in that directory and serves models on a loopback address. All
// that was accepted is in its store: an engine that was killed is followed by
// one that goes on where it was. Stopped properly, it ends the processes of
// steps and model servers, and the next one starts them again; where it only
// makes room for a newer one, they run on meanwhile.
//
// It refuses to span machines and to listen on anything but loopback.
package engine
