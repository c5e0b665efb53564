package mlops

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ContentDigest returns "sha256:…" of a file's bytes, or of a directory tree: of
// the sorted list of its files' digests and paths. Modes, times and empty
// directories do not count. It is the digest by which versions and datasets are
// known, on every backend: bytes that were moved are still the same. What is
// neither a file nor a directory is Invalid.
func ContentDigest(path string) (digest string, size int64, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", 0, err
	}
	if !info.IsDir() {
		sum, n, err := digestFile(path, info)
		return "sha256:" + hex.EncodeToString(sum), n, err
	}
	tree := sha256.New()
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum, n, err := digestFile(p, info)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, p)
		size += n
		_, _ = fmt.Fprintf(tree, "%x  %q\n", sum, filepath.ToSlash(rel)) // a hash never fails to write
		return err
	})
	return "sha256:" + hex.EncodeToString(tree.Sum(nil)), size, err
}

func digestFile(path string, info fs.FileInfo) (sum []byte, size int64, err error) {
	if !info.Mode().IsRegular() {
		return nil, 0, irregular(path, info.Mode())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return h.Sum(nil), size, err
}

// irregular refuses what has its content somewhere else.
func irregular(path string, mode fs.FileMode) error {
	what := "a special file"
	if mode&fs.ModeSymlink != 0 {
		what = "a symbolic link"
	}
	return NewError(Invalid, fmt.Errorf("%s is %s; only regular files and directories can be kept", path, what))
}
