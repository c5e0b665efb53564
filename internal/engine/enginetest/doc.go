// Package enginetest runs the embedded engine within a test's own process, for tests of
// what talks to it.
//
// It refuses to start the provider's binary: that an engine lives in a process of its
// own is proven where binaries are.
package enginetest
