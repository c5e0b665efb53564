package mlflow

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Where a version's archive is among the artifacts of its run. Its name tells
// servers of models what it is.
const (
	archiveFolder = "serving"
	archiveName   = "model.tar.gz"
)

// archiveAt is where the archive of a run with these artifacts is.
func archiveAt(artifacts string) string {
	return strings.TrimSuffix(artifacts, "/") + "/" + archiveFolder + "/" + archiveName
}

// archiveHome is the folder that holds nothing but an archive.
func archiveHome(archive string) string { return strings.TrimSuffix(archive, "/"+archiveName) }

// pack uploads files as one archive, which is the same for the same files.
func (c *Client) pack(ctx context.Context, files map[string]string, to string) (err error) {
	at, err := artifactAt(to)
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "mlops-archive-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	path := filepath.Join(directory, archiveName)
	if err := writeArchive(files, path); err != nil {
		return err
	}
	return c.upload(ctx, path, at)
}

// writeArchive packs files, given by their names in the archive, into a new file. The
// archive has neither times nor owners of theirs.
func writeArchive(files map[string]string, path string) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	zip, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // weights hardly get smaller
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := addFile(archive, name, files[name]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zip.Close())
}

func addFile(archive *tar.Writer, name, path string) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, in)
	return err
}
