package driftjob

import (
	"archive/tar"
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// readBaseline profiles the baseline that was given.
func (j job) readBaseline(ctx context.Context, spec mlops.MonitorSpec) (*checks.Baseline, error) {
	if j.baseline == "" {
		return nil, errors.New("the monitor has a baseline: --baseline is needed")
	}
	file, done, err := theFile(j.baseline)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	defer done()
	digest, _, err := mlops.ContentDigest(file)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	// What fetched the file may have named it anew.
	format := cmp.Or(spec.Baseline.Format, mlops.FormatOf(file), mlops.FormatOf(spec.Baseline.URI))
	from := checks.Source{Path: file, Format: table.FormatOf(mlops.DatasetSpec{Format: format}, file)}
	base, err := checks.ReadBaseline(ctx, *spec.Baseline, from, digest)
	if err != nil {
		return nil, err
	}
	return base, base.Fits(spec)
}

// theFile is the one file that a path leads to: itself, the only one in a folder, or
// the only one in an archive, which is unpacked beside the temporary files until done
// is called.
func theFile(name string) (file string, done func(), err error) {
	nothing := func() {}
	info, err := os.Stat(name)
	if err != nil {
		return "", nothing, err
	}
	if info.IsDir() {
		if name, err = onlyIn(name); err != nil {
			return "", nothing, err
		}
	}
	isArchive, err := isTarball(name)
	if err != nil || !isArchive {
		return name, nothing, err
	}
	dir, err := os.MkdirTemp("", "baseline")
	if err != nil {
		return "", nothing, err
	}
	done = func() { _ = os.RemoveAll(dir) } // it is temporary anyway
	if file, err = unpack(name, dir); err != nil {
		done()
		return "", nothing, err
	}
	return file, done, nil
}

// isData tells data from what tools leave beside them: hidden files, and markers
// such as _SUCCESS.
func isData(name string) bool { return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") }

// onlyIn finds the only file in a folder, and below.
func onlyIn(dir string) (file string, err error) {
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != dir && d.IsDir() && !isData(d.Name()):
			return fs.SkipDir
		case d.IsDir() || !isData(d.Name()):
			return nil
		case file != "":
			return fmt.Errorf("the folder has more than one file, %s and %s; a baseline is one table", filepath.Base(file), d.Name())
		}
		file = p
		return nil
	})
	if err == nil && file == "" {
		err = errors.New("the folder has no file")
	}
	return file, err
}

// isTarball looks into a file: what is fetched often has no name of its own.
func isTarball(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return false, nil // it is another file
	}
	const at, magic = 257, "ustar" // of the header of a tar file
	head, _ := bufio.NewReader(unzipped).Peek(at + len(magic))
	return strings.HasSuffix(string(head), magic) && len(head) == at+len(magic), nil
}

// unpack writes the only file of an archive into a folder. Its name counts for its
// ending alone.
func unpack(archive, dir string) (file string, err error) {
	in, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return "", err
	}
	entries := tar.NewReader(mlops.Unpacked(unzipped, info.Size()))
	for {
		header, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF) && file == "":
			return "", errors.New("the archive has no file")
		case errors.Is(err, io.EOF):
			return file, nil
		case err != nil:
			return "", fmt.Errorf("the archive is cut short or damaged: %w", err)
		case header.Typeflag != tar.TypeReg || !isData(path.Base(header.Name)):
			continue
		case file != "":
			return "", fmt.Errorf("the archive has more than one file, such as %s; a baseline is one table", path.Base(header.Name))
		}
		file = filepath.Join(dir, path.Base(header.Name))
		if err := writeFrom(entries, file); err != nil {
			return "", fmt.Errorf("unpack the archive, which may be cut short or damaged: %w", err)
		}
	}
}

func writeFrom(in io.Reader, name string) error {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
