// Package serving runs model endpoints: it keeps the model servers of every
// endpoint's variants alive, each a supervised process, and tells the gateway
// in front of them who answers what.
//
// A change is truthful. Servers of what is new start beside those of what is
// in force; only when they are ready and have passed the smoke test does the
// traffic move, all at once, and only then is the change recorded as in force.
// If they crash, are not ready in time or fail the test, they are removed, what
// was in force serves on, and the record says what failed, with the last lines
// of the server's log. A variant whose bytes and configuration stay the same
// keeps its servers.
//
// Model servers outlive the engine. One that starts again finds them by the
// records in the endpoint's directory and serves on; it takes up a change where
// it was left, and ends servers that belong to nothing.
//
//	endpoints/<endpoint>/replicas/<variant>.<content>.<random>   records of one server
//	endpoints/<endpoint>/logs/<variant>.<content>.<random>.log   what it wrote
//
// It knows how to start servers for the formats it lists, and refuses to know
// anything about the models in them: that is the servers' business.
package serving
