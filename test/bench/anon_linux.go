package main

import (
	"bytes"
	"fmt"
	"os"
)

// anonymousMemory is how much of what a process has resident is its own, in bytes: not
// pages of files, which all processes of a program share and the system takes back when
// it needs room. It is 0 where that is not known.
func anonymousMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("\nRssAnon:"))
	var kib int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kib); !found || err != nil {
		return 0
	}
	return kib << 10
}
