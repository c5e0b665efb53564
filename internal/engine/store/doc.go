// Package store keeps the engine's objects in an embedded SQLite database.
//
// Each object is one row: the spec in force, the spec that was accepted and is
// not yet in force, the status, the phase. Writes go through one connection in
// immediate transactions with write-ahead logging, so that an accepted write
// survives the engine's death at any moment; reads run beside them.
//
// It knows nothing of what an object means: the services decide that.
package store
