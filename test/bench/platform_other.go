//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// peakMemory is not known on this system.
func peakMemory(*os.ProcessState) int64 { return 0 }

// setApart does nothing on this system.
func setApart(*exec.Cmd) {}
