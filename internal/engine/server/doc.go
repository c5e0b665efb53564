// Package server is the engine's control API: it exposes every noun's Kind,
// as it is, over HTTP on a unix socket.
//
// Handlers return errors, and one place turns them into problem documents. A
// panic is one more error. A spec with an unknown field, with anything behind
// it, or too large is refused before a service sees it.
//
// It refuses to listen on anything but what it is given, to answer requests for
// another host (a web page cannot reach it by a name of its own), and to know
// what a noun means: the services do.
package server
