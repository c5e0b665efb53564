package kubernetes

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// packedSuffix ends the names of outputs that Argo packed.
const packedSuffix = ".tgz"

// unpackOutput writes what Argo packed into a new directory, and returns the file or the
// directory that the output is.
func unpackOutput(archive, directory string) (output string, err error) {
	in, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := os.Mkdir(directory, 0o700); err != nil {
		return "", err
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return "", notPacked(err)
	}
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	packed := tar.NewReader(mlops.Unpacked(zip, info.Size()))
	for {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", notPacked(err)
		}
		if err := unpackOne(packed, header, directory); err != nil {
			return "", err
		}
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 { // a directory that was packed without its own name
		return directory, nil
	}
	return filepath.Join(directory, entries[0].Name()), nil
}

// unpackOne writes one entry. What has its content somewhere else, or its place, is
// refused.
func unpackOne(packed io.Reader, header *tar.Header, directory string) (err error) {
	name := filepath.FromSlash(header.Name)
	if !filepath.IsLocal(name) {
		return notPacked(fmt.Errorf("an entry is called %q", header.Name))
	}
	to := filepath.Join(directory, name)
	switch header.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(to, 0o700)
	case tar.TypeReg:
	default:
		return notPacked(fmt.Errorf("%s is neither a file nor a directory; only those can be kept", header.Name))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.CopyN(out, packed, header.Size); err != nil {
		return notPacked(err)
	}
	return nil
}

// notPacked says what is wrong with an output.
func notPacked(err error) error {
	return mlops.InvalidField("output", "the output is no archive as Argo packs them: %w", err)
}
