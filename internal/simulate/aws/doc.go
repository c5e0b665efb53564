// Package aws simulates the parts of AWS that this project uses: an HTTP server
// that speaks the services' own protocols, keeps state as they do, and holds
// every request and every answer to AWS's published service models. It is never
// looser than those.
//
// It refuses to guess: an operation without a handler is answered as unknown.
package aws
