// Package local is the backend of the engine that comes with the provider: real
// pipelines and real model servers on this machine, without an account.
//
// # Mapping
//
// Every noun is the engine's own. An environment is a directory and a part of
// the engine's store; steps and model servers are processes with their logs and
// outputs in that directory; a model version is a copy of its bytes, kept by
// content; endpoints answer on a loopback address. Where an environment has a
// registry, models and versions are an MLflow server's too, and the server has the
// last word.
//
// # Authentication
//
// None: the engine is reached over a unix socket that only its owner may open. The
// token of a registry is kept sealed by the engine.
//
// # Permissions
//
// To read and write the engine's directory and the environments' own, to start
// processes, and to listen on a loopback port. Steps and model servers run as
// the user who runs Terraform, and are not shut off from that user's files.
//
// # Differences
//
// One machine, and nothing beyond it: no containers, no accelerators. A limit of
// memory is enforced by measuring and ending what exceeds it; CPUs are shares
// and hints, not a limit. Artifacts are files of this machine.
//
// # Overrides
//
// None: there is no native request to override.
package local
