// Package api is what the engine's server and its client must agree on: paths,
// headers, the JSON forms of objects and problems, and who is acting.
//
//	POST   /v1/objects/<noun>              create; the spec says what and where
//	GET    /v1/objects/<noun>?under=<id>   list
//	GET    /v1/objects/<noun>/<id>         one look
//	PUT    /v1/objects/<noun>/<id>         change
//	DELETE /v1/objects/<noun>/<id>         delete
//	GET    /v1/engine                      the engine's own status
//	POST   /v1/engine/stop                 make it exit
//
// Requests that create or change carry a spec and are answered with a Receipt.
// Failures are problem documents (RFC 9457) with the contract's error code.
//
// It refuses to do anything: it opens no connection and knows no service.
package api
