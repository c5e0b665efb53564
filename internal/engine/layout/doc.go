// Package layout says where the engine keeps its files. It makes no files: the
// packages that write them do.
//
//	<root>/engine.db            the store
//	<root>/engine.json          how to reach the running engine
//	<root>/engine.lock          held by the running engine
//	<root>/engine.start         held by who starts an engine
//	<root>/engine.log           its log
//	<root>/environments/<name>  an environment, unless it brings a directory:
//	    blobs/                  model bytes by digest
//	    runs/<pipeline>/<run>   scripts, logs and outputs of runs
//	    captures/<endpoint>     captured requests
//	    endpoints/<endpoint>    replicas' records and logs
package layout
