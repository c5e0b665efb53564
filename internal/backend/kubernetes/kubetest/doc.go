// Package kubetest runs a real Kubernetes control plane for tests: etcd and the API
// server with the resource definitions that the backend knows and, where a test asks
// for them, the controllers, nodes, KServe and Argo Workflows. All of it is built
// from Go modules (internal/tools/kubernetes), listens on loopback, keeps its files
// in one temporary directory and ends with the test binary, also when that is
// killed.
//
// The nodes are kwok's: pods are scheduled and reported as running, completed or
// failed, and nothing that is in a container ever runs. What a container would come
// to, a test says (see Play); what it would print are LastWords.
//
// Of Knative, the controllers are its own, its autoscaler's too, and so are the types
// that set defaults and judge. An ingress is ready as soon as it is asked for, and a
// revision has the pods that it begins with while it has traffic: no request is sent,
// and none is counted. Tags of images are not looked up.
//
// A cluster belongs to one test binary: its tests share it and keep to namespaces of
// their own, and a test that breaks things has a Cluster of its own. Without parts it
// is there in seconds; with all of them it takes 2.3 GB, two thirds of which are the API
// server's.
//
// The API server writes down what is asked with the access of Counted, and Calls reads
// it: how many requests something costs is its own word. Programs that are no tests use
// Open.
//
// It refuses to stand in for a cluster: where the programs cannot be built, the test
// fails.
package kubetest
