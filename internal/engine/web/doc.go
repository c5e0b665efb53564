// Package web is the engine's read-only pages, below /-/ of the address that
// endpoints answer at: environments and what is in them, runs as graphs with
// timings and logs, traffic and latency of endpoints by version, drift by feature
// over time, and lineage.
//
// Pages are rendered on the server and need no script, no network and nothing
// but one style sheet. A page's address is /-/ and the ID of what it shows. Every
// picture has the same figures as a table behind it. What a page shows is first
// made into plain sections (facts, tables, charts, graphs, logs), which are
// written in one way (layout.go, pictures.go); no page has HTML of its own. HTML
// is built by functions and not from a template: a template finds methods by
// their names at run time, and a program that does that keeps all that it has.
//
// It changes nothing and refuses every method but GET and HEAD. It is for people
// on the same machine: logs are shown as they are, with whatever users' code
// wrote to them.
package web
