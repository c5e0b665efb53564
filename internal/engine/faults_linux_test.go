package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// smallDisk mounts a disk of some KiB. That takes root: without, the test is
// left out, but not in CI.
func smallDisk(t *testing.T, size string, flags uintptr) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "mode=0700,size="+size)
	if errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "" {
		t.Skip("mounting a small disk takes root")
	}
	if err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until the disk is full, and returns the file that fills it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadOnlyDirectory proves that a directory without write permission is
// told from others. (Root passes over modes, but not over this.)
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	o.Directory = smallDisk(t, "64k", syscall.MS_RDONLY)
	wantNoEngine(t, o, mlops.PermissionDenied, o.Directory, "local.directory")
	o.Directory = filepath.Join(o.Directory, "below")
	wantNoEngine(t, o, mlops.PermissionDenied, o.Directory)
}

func TestFullDiskAtStart(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	disk := smallDisk(t, "256k", 0)
	o.Directory = filepath.Join(disk, "engine")
	filler := fill(t, disk)
	wantNoEngine(t, o, mlops.QuotaExceeded)
	if err := os.Truncate(filler, 0); err != nil {
		t.Fatal(err)
	}
	ensure(t, o)
	end(t, o) // before the disk goes
}

// TestDiskFillsUp proves that a disk that fills up under a running engine fails
// the request and not the engine, and that all is well when there is room.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	o := inNewDirectory(t)
	disk := smallDisk(t, "2m", 0)
	o.Directory = filepath.Join(disk, "engine")
	c := connect(t, o)
	environment := made(t, c.Environments(), environmentSpec("e"))
	model := mlops.ModelSpec{Environment: environment, Name: "m"}
	made(t, c.Models(), model)
	artifact := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(artifact, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	version := mlops.ModelVersionSpec{Model: model.ID(), ArtifactURI: artifact, Format: "sklearn", Approval: "approved"}
	_, err := c.ModelVersions().Create(t.Context(), version)
	wantCode(t, err, mlops.QuotaExceeded, "no space left")

	filler := fill(t, disk)
	var full error
	for i := 0; full == nil && i < 1000; i++ {
		model.Description += "the description grows and grows and grows"
		_, full = c.Models().Update(t.Context(), model.ID(), model)
	}
	wantCode(t, full, mlops.QuotaExceeded)
	if _, err := c.Models().Get(t.Context(), model.ID()); err != nil {
		t.Errorf("a look at a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	made(t, c.Models(), mlops.ModelSpec{Environment: environment, Name: "after"})
	end(t, o) // before the disk goes
}
