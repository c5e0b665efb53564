package engine_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wantNoEngine insists that starting fails in a way that tells what to do, and
// leaves no process.
func wantNoEngine(t *testing.T, o client.Options, code mlops.Code, words ...string) {
	t.Helper()
	_, err := client.Ensure(t.Context(), o)
	wantCode(t, err, code, words...)
	await(t, "the engine that failed is still there", func() bool { return len(processesOf(t, o.Directory)) == 0 })
}

func TestFileInTheWay(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	if err := os.WriteFile(o.Directory, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantNoEngine(t, o, mlops.Invalid, o.Directory, "no directory")
	if b, err := os.ReadFile(o.Directory); err != nil || string(b) != "mine" {
		t.Errorf("the file is %q, %v", b, err)
	}
	if err := os.Remove(o.Directory); err != nil { // for the engine that is stopped at the end
		t.Fatal(err)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	o := inNewDirectory(t)
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if o.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	wantNoEngine(t, o, mlops.Conflict, port)
	o.Port = 0
	ensure(t, o)
}

// TestDamagedStore proves that a store that is no intact database stops the
// engine with a clear error, and is left as it is.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(intact []byte) []byte
	}{
		{"another file", func([]byte) []byte { return []byte(strings.Repeat("no database\n", 1000)) }},
		{"overwritten pages", func(b []byte) []byte {
			return append(append(bytes.Clone(b[:4096]), bytes.Repeat([]byte{0xA5}, len(b)-8192)...), b[len(b)-4096:]...)
		}},
		{"cut off", func(b []byte) []byte { return b[:5000] }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := inNewDirectory(t)
			made(t, connect(t, o).Environments(), environmentSpec("e"))
			end(t, o)
			path := layout.Layout{Root: o.Directory}.Database()
			intact, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := tt.damage(intact)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			wantNoEngine(t, o, mlops.Failed, path, "left as it is")
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, damaged) {
				t.Errorf("the damaged store was changed (%v)", err)
			}
			if err := os.WriteFile(path, intact, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := connect(t, o).Environments().Get(t.Context(), "local/e"); err != nil {
				t.Errorf("after the backup was put back: %v", err)
			}
		})
	}
}

// TestNoExecutable proves that a program that cannot be an engine is an error
// with its own words.
func TestNoExecutable(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	o.Executable = filepath.Join(t.TempDir(), "gone")
	wantNoEngine(t, o, mlops.Failed, o.Executable)
	o.Executable = filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(o.Executable, []byte("#!/bin/sh\necho out of order >&2\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	wantNoEngine(t, o, mlops.Failed, "out of order")
}

// TestStaleFiles proves that what a killed engine left does not keep the next
// one from starting.
func TestStaleFiles(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	first := ensure(t, o)
	kill(t, first.PID)
	l := layout.Layout{Root: o.Directory}
	for _, path := range []string{l.Socket(), l.Info(), l.Lock()} {
		if _, err := os.Lstat(path); err != nil {
			t.Fatalf("a killed engine leaves its files: %v", err)
		}
	}
	if second := ensure(t, o); second.PID == first.PID {
		t.Error("the engine is still the killed one")
	}
}
