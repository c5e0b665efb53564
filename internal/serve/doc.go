// Package serve serves a plugin of Terraform's over gRPC, by go-plugin's own
// server, and does by itself what comes before: the cookie, the socket, the
// certificates of both sides and the line that tells the client where to dial.
//
// go-plugin's Serve would do that too, but it can also serve plugins over
// net/rpc, which finds methods by their names at run time. A program that may do
// so keeps all exported methods of all types that it uses: for this one, half
// of its size again. Everything after the handshake is go-plugin's: the broker,
// the health check, what is written to stdout and stderr, the shutdown.
//
// It speaks one version of one protocol, and refuses what only hosts other than
// Terraform and OpenTofu ask for: net/rpc, many streams over one connection, and
// sockets for another group of users.
package serve
