// Package secret keeps what an engine must not have in clear: a key that is a
// file of the engine's directory seals secrets before they reach the store, and
// makes the tokens of endpoints. Who has the file has the secrets: it is as safe
// as the directory, and a copy of the store alone tells nothing.
package secret
