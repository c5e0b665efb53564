// Package tfcli lets tests do what a user does: run a real terraform or tofu
// with the built provider in a folder of their own, on an engine of their own.
// Each workspace proves at its end that nothing is left of it: no process, no
// environment on disk.
package tfcli
