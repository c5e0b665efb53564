package mlops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes files, given by path and content, below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestContentDigest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(tree(t, map[string]string{"m": "abc"}), "m")
	// The digest of "abc" is in FIPS 180-4's examples.
	const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, size, err := ContentDigest(file); got != abc || size != 3 || err != nil {
		t.Errorf("got %s, %d bytes, %v", got, size, err)
	}
	digest := func(files map[string]string) string {
		t.Helper()
		got, _, err := ContentDigest(tree(t, files))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := digest(map[string]string{"a": "1", "b/c": "2"})
	if again := digest(map[string]string{"a": "1", "b/c": "2"}); again != first {
		t.Errorf("the same tree has the digests %s and %s", first, again)
	}
	for name, files := range map[string]map[string]string{
		"other content": {"a": "1", "b/c": "3"},
		"other name":    {"a": "1", "b/d": "2"},
		"other folder":  {"a": "1", "c": "2"},
		"swapped":       {"a": "2", "b/c": "1"},
		"fewer":         {"a": "1"},
	} {
		if digest(files) == first {
			t.Errorf("%s: the same digest", name)
		}
	}
}

func TestContentDigestRefuses(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"a": "1"})
	if err := os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "link")} {
		if _, _, err := ContentDigest(path); CodeOf(err) != Invalid || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v, want a refusal of the link", path, err)
		}
	}
	if _, _, err := ContentDigest(filepath.Join(dir, "missing")); err == nil {
		t.Error("a file that is not there has a digest")
	}
}
