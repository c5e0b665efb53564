// Package registry keeps what is written down rather than run: environments
// with their directories, pipelines, models, and model versions with their
// bytes. A change is in force when it is accepted.
//
// Bytes are imported by content, so that a version never changes under those
// who serve it, and are removed with the last version that has them. What is
// retained for a limited time is removed when its time is over.
//
// It refuses to run or serve anything: it holds the pipelines that the runner
// runs and the versions that endpoints serve, and asks the runner to remove
// runs.
package registry
