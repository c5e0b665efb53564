//go:build !unix

package process

import (
	"errors"
	"os/exec"
)

var errUnsupported = errors.New("the embedded engine runs on Linux and macOS only; on Windows use it inside WSL 2, or choose another backend")

func ownGroup(*exec.Cmd) error { return errUnsupported }

func terminateGroup(int) {}

func killGroup(int) {}
