// Package kubetest runs a real Kubernetes control plane for tests: etcd and the API
// server with the resource definitions that the backend knows and, where a test asks
// for them, the controllers, nodes, KServe and Argo Workflows. All of it is built
// from Go modules (internal/tools/kubernetes), listens on loopback, keeps its files
// in one temporary directory and ends with the test binary, also when that is
// killed.
//
// The nodes are kwok's: pods are scheduled and reported as running, completed or
// failed, and nothing that is in a container ever runs. What a container would say,
// a test says with an annotation (see ExitCode and Output).
//
// It refuses to stand in for a cluster: where the programs cannot be built, the test
// fails.
package kubetest
