// Package promtest runs Prometheus' own programs for tests: promtool judges rules and
// tries them on series, a server scrapes what a test counts and answers queries, and
// Alertmanager, configured by the operator's own code, delivers alerts, to a webhook or a
// mail server that a test opens (see Inbox and Mailbox). All of it is
// built from Go modules (internal/tools/prometheus and internal/tools/alertmanager),
// listens on loopback, and ends with the test that started it, also when the test
// binary is killed.
//
// What Knative's proxy would count of requests is counted by the proxy's own handler and
// exporter (see Proxy and internal/tools/knative-proxy), of requests that are sent.
// What a mesh reports of requests is counted by the test (see Mesh): no request is
// sent by it, and no proxy is tested.
//
// It refuses to stand in for any of them: where the programs cannot be built, the test
// fails.
package promtest
