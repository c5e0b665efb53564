package registry

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestOwnDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.environment()
	seen, err := b.Environments().Get(b.ctx, id)
	b.must(err)
	dir := seen.Native["directory"]
	info, err := os.Stat(dir)
	b.must(err)
	if info.Mode().Perm() != 0o700 {
		b.Errorf("%s has the mode %s", dir, info.Mode())
	}
	b.must(b.Environments().Delete(b.ctx, id))
	if b.exists(filepath.Dir(dir)) {
		b.Errorf("%s is still there", filepath.Dir(dir))
	}
}

// TestBroughtDirectory proves that a directory that the user brings is used, and
// that what else is in it stays.
func TestBroughtDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	b.must(os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	id := b.the(b.Environments().Create(b.ctx, environmentSpec("e", dir))).Ref
	model := b.the(b.Models().Create(b.ctx, mlops.ModelSpec{Environment: id, Name: "m"})).Ref
	version := b.the(b.ModelVersions().Create(b.ctx, b.versionSpec(model, "bytes"))).Ref
	if len(b.files(dir)) != 3 { // mine, the marker, the bytes
		b.Errorf("in use it holds %q", b.files(dir))
	}
	b.must(b.ModelVersions().Delete(b.ctx, version))
	b.must(b.Models().Delete(b.ctx, model))
	b.must(b.Environments().Delete(b.ctx, id))
	if diff := cmp.Diff([]string{"mine"}, b.files(dir)); diff != "" {
		b.Errorf("left (-want +got):\n%s", diff)
	}
}

// TestMadeDirectory proves that a directory that was made where the user wanted
// it is removed again.
func TestMadeDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := filepath.Join(t.TempDir(), "made")
	id := b.the(b.Environments().Create(b.ctx, environmentSpec("e", dir))).Ref
	b.must(b.Environments().Delete(b.ctx, id))
	if b.exists(dir) {
		b.Error("it is still there")
	}
}

func TestDirectoriesRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	taken := filepath.Join(t.TempDir(), "taken")
	b.the(b.Environments().Create(b.ctx, environmentSpec("first", taken)))
	tests := []struct {
		name, directory string
		code            mlops.Code
		words           string
	}{
		{"relative", "here", mlops.Invalid, "absolute"},
		{"not clean", "/tmp/../etc", mlops.Invalid, "clean"},
		{"the engine's own", b.Layout.Root, mlops.Invalid, "the engine's own"},
		{"another environment's", taken, mlops.Conflict, "local/first"},
		{"a file", b.file("x"), mlops.Invalid, "not a directory"},
		{"below a file", filepath.Join(b.file("x"), "sub"), mlops.Invalid, "not a directory"},
	}
	for _, tt := range tests {
		_, err := b.Environments().Create(b.ctx, environmentSpec("second", tt.directory))
		b.wantCode(err, tt.code, tt.words)
		if _, err := b.Environments().Get(b.ctx, "local/second"); mlops.CodeOf(err) != mlops.NotFound {
			b.Errorf("%s: something was made (%v)", tt.name, err)
		}
	}
}

// TestRefusedEnvironmentLeavesNoDirectory proves that what a refused creation
// made is taken back.
func TestRefusedEnvironmentLeavesNoDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.environment()
	dir := filepath.Join(t.TempDir(), "elsewhere")
	_, err := b.Environments().Create(b.ctx, environmentSpec("e", dir))
	b.wantCode(err, mlops.Invalid, "cannot move")
	if b.exists(dir) {
		b.Error("the directory is there")
	}
	_, err = b.Environments().Update(b.ctx, "local/e", environmentSpec("e", dir))
	b.wantCode(err, mlops.Invalid, "cannot move")
}

// TestInterruptedDeletion proves that an engine that starts finishes the
// deletion that another began.
func TestInterruptedDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.environment()
	_, err := b.Store.Environments().Change(b.ctx, id, func(_ *store.Tx, r *environmentRecord) error {
		r.Phase = mlops.PhaseDeleting
		return nil
	})
	b.must(err)
	b.must(b.Start(b.ctx))
	b.must(b.Close(b.ctx))
	if _, err := b.Environments().Get(b.ctx, id); mlops.CodeOf(err) != mlops.NotFound {
		b.Errorf("it is still there (%v)", err)
	}
	if b.exists(b.Layout.EnvironmentDir(environmentSpec("e", ""))) {
		b.Error("its directory is still there")
	}
}

// TestForeignDirectoryIsLeft proves that a directory that another environment
// has since is not touched.
func TestForeignDirectoryIsLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	id := b.the(b.Environments().Create(b.ctx, environmentSpec("e", dir))).Ref
	b.must(os.WriteFile(filepath.Join(dir, markerName), []byte(`{"environment":"local/e","engine":"/another"}`), 0o600))
	kept := filepath.Join(layout.BlobDir(dir), "kept")
	b.must(os.MkdirAll(kept, 0o700))
	b.must(b.Environments().Delete(b.ctx, id))
	if !b.exists(kept) {
		b.Error("another engine's files were removed")
	}
}
