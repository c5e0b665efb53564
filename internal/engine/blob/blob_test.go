package blob

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, path string) string {
	t.Helper()
	d, _, err := Digest(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDigestOfFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "abc")
	got, size, err := Digest(path)
	if err != nil {
		t.Fatal(err)
	}
	// FIPS 180-2, appendix B.1.
	if want := "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want || size != 3 {
		t.Errorf("got %s, %d bytes", got, size)
	}
}

func TestDigestOfTree(t *testing.T) {
	t.Parallel()
	a, b, c := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		write(t, filepath.Join(dir, "x"), "1")
		write(t, filepath.Join(dir, "d", "y"), "2")
	}
	write(t, filepath.Join(c, "x"), "1")
	write(t, filepath.Join(c, "d", "z"), "2")
	if digest(t, a) != digest(t, b) {
		t.Error("equal trees have different digests")
	}
	if digest(t, a) == digest(t, c) {
		t.Error("a renamed file does not change the digest")
	}
	write(t, filepath.Join(b, "d", "y"), "3")
	if digest(t, a) == digest(t, b) {
		t.Error("changed bytes do not change the digest")
	}
}

func TestSymlinksAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Digest(dir); err == nil {
		t.Error("a symbolic link was followed or passed over")
	}
	if _, err := Import(t.Context(), dir, t.TempDir()); err == nil {
		t.Error("a symbolic link was imported")
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	src, store := filepath.Join(t.TempDir(), "model"), t.TempDir()
	write(t, filepath.Join(src, "weights"), "w")
	var wg sync.WaitGroup
	blobs := make([]Blob, 8)
	for i := range blobs {
		wg.Go(func() {
			var err error
			if blobs[i], err = Import(t.Context(), src, store); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, b := range blobs {
		if b != blobs[0] {
			t.Errorf("imports differ: %v and %v", b, blobs[0])
		}
	}
	if got := digest(t, blobs[0].Path); got != digest(t, src) || got != blobs[0].Digest {
		t.Errorf("kept bytes have digest %s", got)
	}
	entries, err := os.ReadDir(store)
	if err != nil || len(entries) != 1 {
		t.Errorf("imports left %v, %v", entries, err)
	}
	if err := Remove(store, blobs[0].Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(blobs[0].Path); err == nil {
		t.Error("removed bytes are still there")
	}
}

func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := Import(t.Context(), filepath.Join(t.TempDir(), "gone"), t.TempDir()); err == nil {
		t.Error("imported a file that is not there")
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	for _, content := range []map[string]string{{"f": "abc"}, {"d/a": "1", "d/b/c": "2"}} {
		src, dst := t.TempDir(), t.TempDir()
		root := ""
		for name, text := range content {
			write(t, filepath.Join(src, name), text)
			root = filepath.Join(src, name[:1])
		}
		got, err := Export(t.Context(), root, dst)
		if err != nil {
			t.Fatal(err)
		}
		if digest(t, got) != digest(t, root) || filepath.Dir(got) != dst {
			t.Errorf("%s was exported to %s as other bytes", root, got)
		}
	}
}
