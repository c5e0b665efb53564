//go:build unix

package client

import (
	"os/exec"
	"syscall"
)

// detach makes a command outlive this program: it gets a session of its own, so
// that no signal for this one's terminal or group reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
