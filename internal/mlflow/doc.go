// Package mlflow keeps models and their versions in the registry of an MLflow
// server, and records and data in its experiments, by its REST API 2.0: what several
// backends that have no registry of their own share.
//
// # Mapping
//
// A model is a registered model, "<environment>.<model>", with an experiment of the
// same name. A version is a model version of it: its number is MLflow's, its bytes
// are the artifacts "model" of a run in that experiment, and its metrics are the
// run's. Labels are tags of their own names; descriptions and aliases are MLflow's.
// So an ordinary client finds and loads what was made here.
//
// A [Carrier] is an experiment, "<environment>/<name>" or
// "<environment>/datasets/<name>", that carries the record of an object of a backend's
// in its tags. A [Snapshot] is a file that a run in it keeps as an artifact, and has as
// its input, which is what MLflow calls a dataset.
//
// What MLflow has no place for is a record in the tag "mlops.record", JSON, cut in
// pieces where it is longer than a tag may be in every MLflow's database. What is
// native is read from MLflow, not from the record: an alias that somebody moved is
// seen to have moved.
//
// # Whose things are whose
//
// A registered model of that name that has no record, or another's, is refused as
// AlreadyExists. Versions that have no record are not seen, not numbered over and
// not deleted; a model that has some is a Conflict to delete. Bytes that a foreign
// version refers to stay when the version that brought them goes.
//
// # What it does not do
//
// It never waits and never retries. MLflow has no conditional writes: within a
// process, changes to one model follow each other; two processes that register the
// same bytes in the same instant make two versions. Deleted runs and experiments
// are in MLflow's trash, without their bytes, until `mlflow gc`. A server that does
// not hand artifacts on itself (--serve-artifacts, the default) is refused.
package mlflow
