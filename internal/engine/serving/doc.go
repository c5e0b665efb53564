// Package serving runs model endpoints: it keeps the model servers of every
// endpoint's variants alive, each a supervised process, and tells the gateway
// in front of them who answers what.
//
// A change is truthful. Servers of what is new start beside those of what is
// in force; only when they are ready and have passed the smoke test does the
// traffic move, by the steps of the rollout, and only when all of it has moved is
// the change recorded as in force. If they crash, are not ready in time, fail the
// test or break a gate, the traffic goes back before anything else, they are
// removed, what was in force serves on, and the record says what failed: with the
// last lines of the server's log, or with the step and its figures. A variant
// whose bytes and configuration stay the same keeps its servers.
//
// A step gives the new plan a share of the requests and the old one the rest; a
// shadow gets copies. It is observed for the bake, and judged by the figures of
// the new servers in that step alone. It fails early when a gate stays broken
// even if all requests until the end of the bake were good, at the rate so far;
// it is extended while there are fewer requests than the gates need. Steps that
// could tell nothing are left out: for the first version of an endpoint, while
// the endpoint is asleep, where no new server gets a share of the traffic (a
// change of weights, labels or bounds alone is in force at once), and where all
// that is new served until a moment ago.
//
// What a change replaces is kept warm for as long as the rollout says, with few
// servers and without requests, so that going back is at once.
//
// An endpoint with a schedule is up from each time of up to the next of down,
// which is told by which of the two came last, and not by counting, whatever the
// clock does. While it is down it has no servers. A change that is accepted then
// starts its servers, proves them, and sends them to sleep. A rollout that has
// begun is finished before the endpoint goes to sleep.
//
// Model servers outlive the engine. One that starts again finds them by the
// records in the endpoint's directory and serves on; it takes up a change where
// it was left, at the step that it had reached, with a fresh bake, and ends
// servers that belong to nothing.
//
//	endpoints/<endpoint>/replicas/<variant>.<content>.<random>   records of one server
//	endpoints/<endpoint>/logs/<variant>.<content>.<random>.log   what it wrote
//	endpoints/<endpoint>/previous.json                           what the last change replaced
//	endpoints/<endpoint>/series.jsonl                            figures by minute
//
// It knows how to start servers for the formats it lists, and refuses to know
// anything about the models in them: that is the servers' business.
package serving
