// Package mlflowtest runs a real MLflow server for tests, from the package index,
// with its records in SQLite and its artifacts on the server's own disk, and
// an ordinary client of it in Python. It can be stopped and started again, and a
// gate before it asks for a token, or loses answers.
//
// It refuses to stand in for a server: where MLflow cannot be installed, the test
// fails.
package mlflowtest
