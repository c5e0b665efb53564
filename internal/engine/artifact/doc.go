// Package artifact reads and writes the URIs by which users and the engine
// name bytes on this machine.
//
// It refuses to fetch anything: other machines and other schemes are not
// supported by the embedded engine.
package artifact
