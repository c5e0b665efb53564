package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const prefix = "sha256:"

// Blob is kept bytes.
type Blob struct {
	Digest string // "sha256:…"
	Size   int64  // bytes, of all files
	Path   string // where they are kept
}

// Digest returns the content digest and size in bytes of a file, or of a
// directory tree; see mlops.ContentDigest.
func Digest(path string) (digest string, size int64, err error) { return mlops.ContentDigest(path) }

// Import copies the bytes at src into dir under their digest. Bytes that are
// there already are not copied again. An interrupted import leaves nothing
// under a digest.
func Import(ctx context.Context, src, dir string) (Blob, error) {
	if err := os.MkdirAll(filepath.Join(dir, "sha256"), 0o700); err != nil {
		return Blob{}, err
	}
	stage, err := os.MkdirTemp(dir, "import-")
	if err != nil {
		return Blob{}, err
	}
	defer func() { _ = os.RemoveAll(stage) }() // renamed away if all went well
	copied := filepath.Join(stage, filepath.Base(src))
	if err := copyTree(ctx, src, copied); err != nil {
		return Blob{}, err
	}
	// The digest is of the copy: src may change while it is read.
	digest, size, err := Digest(copied)
	if err != nil {
		return Blob{}, err
	}
	home := home(dir, digest)
	b := Blob{Digest: digest, Size: size, Path: filepath.Join(home, filepath.Base(src))}
	if kept, ok := present(home); ok {
		b.Path = kept
		return b, nil
	}
	err = os.Rename(stage, home)
	if kept, ok := present(home); err != nil && ok { // another import of the same bytes won
		b.Path = kept
		return b, nil
	}
	return b, err
}

// Export copies the bytes at src into an existing directory, and returns where
// they are there.
func Export(ctx context.Context, src, directory string) (string, error) {
	to := filepath.Join(directory, filepath.Base(src))
	return to, copyTree(ctx, src, to)
}

// Remove removes the bytes with a digest. Removing what is not there is no error.
func Remove(dir, digest string) error { return os.RemoveAll(home(dir, digest)) }

func home(dir, digest string) string {
	return filepath.Join(dir, "sha256", strings.TrimPrefix(digest, prefix))
}

// present returns the one entry of a blob's home, if it is there.
func present(home string) (string, bool) {
	entries, err := os.ReadDir(home)
	if err != nil || len(entries) != 1 {
		return "", false
	}
	return filepath.Join(home, entries[0].Name()), true
}

func copyTree(ctx context.Context, src, dst string) error {
	return filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(src, p)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(to, 0o700)
		case d.Type().IsRegular():
			return copyFile(p, to)
		}
		return irregular(p, d.Type())
	})
}

// irregular refuses what has its content somewhere else.
func irregular(path string, mode fs.FileMode) error {
	what := "a special file"
	if mode&fs.ModeSymlink != 0 {
		what = "a symbolic link"
	}
	return mlops.NewError(mlops.Invalid, fmt.Errorf("%s is %s; only regular files and directories can be kept", path, what))
}

func copyFile(src, dst string) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err = io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
