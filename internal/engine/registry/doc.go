// Package registry keeps what is written down rather than run: environments
// with their directories, pipelines, models, model versions and datasets with
// their bytes, and experiments. A change is in force when it is accepted.
//
// Bytes are imported by content, so that a version never changes under those
// who serve or read it, and are removed with the last that has them: a version, a
// dataset's version in force, an unfinished run. Data are looked at before they are
// taken in; those that break their rules leave everything as it was. What is
// retained for a limited time is removed when its time is over.
//
// An environment may share its registry: models and versions are then an MLflow
// server's, and the store mirrors those that were made here. A change is made there
// first, a look asks there, and bytes are kept here for those who serve them.
//
// It refuses to run or serve anything: it holds the pipelines that the runner
// runs and the versions that endpoints serve, and asks the runner to remove
// runs.
package registry
