//go:build !unix

package client

import "os/exec"

// detach does nothing here: the engine refuses to run.
func detach(*exec.Cmd) {}
