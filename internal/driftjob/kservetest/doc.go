// Package kservetest runs KServe's own request logger in tests, so that what reads
// captures is held to what KServe writes. The logger is built from KServe's module
// (internal/tools/kserve-logger), once, which takes minutes.
//
// It refuses to stand in for KServe: where the logger cannot be built, the test fails.
package kservetest
