package sagemaker

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelArchive is a version's folder as the one file that serverless endpoints take:
// of what is not compressed they refuse to serve. It stands beside the folder, is
// named as that is, by its content, and goes with it.
type modelArchive struct{ folder, uri string }

// archived is a container whose folder is taken as an archive, if it has a folder.
func archived(c types.ContainerDefinition) (types.ContainerDefinition, modelArchive) {
	if c.ModelDataSource == nil || c.ModelDataSource.S3DataSource == nil {
		return c, modelArchive{}
	}
	a := modelArchive{folder: *c.ModelDataSource.S3DataSource.S3Uri}
	a.uri = strings.TrimSuffix(a.folder, "/") + ".tar.gz"
	c.ModelDataSource, c.ModelDataUrl = nil, &a.uri
	return c, a
}

// makeArchive makes an archive that is not there yet.
func (k modelEndpointKind) makeArchive(ctx context.Context, s scene, a modelArchive) (err error) {
	files, err := k.store(ctx, s.id)
	if err != nil {
		return err
	}
	if there, err := files.find(ctx, a.uri); err == nil && there.single || err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	from, err := files.find(ctx, a.folder)
	if err != nil {
		return k.notYetVisible(err)
	}
	var size int64
	for _, o := range from.objects {
		size += o.size
	}
	if size > serverlessDisk {
		return invalid(fmt.Errorf("the version has %d bytes, and a serverless endpoint has room for %d: set scaling.min to 1 or more", size, int64(serverlessDisk)))
	}
	directory, err := os.MkdirTemp("", "mlops-serverless-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	root, err := files.download(ctx, a.folder, directory)
	if err != nil {
		return err
	}
	file := filepath.Join(directory, "archive")
	if err := writeArchive(file, root); err != nil {
		return err
	}
	_, key, err := parseS3(a.uri)
	if err != nil {
		return err
	}
	return files.putFile(ctx, key, file)
}

// writeArchive writes all files below a directory into one. The same files give the
// same bytes, whoever packs them and when.
func writeArchive(file, root string) (err error) {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(out)
	packed := tar.NewWriter(zipped)
	defer func() { err = errors.Join(err, packed.Close(), zipped.Close(), out.Close()) }()
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return addToArchive(packed, path, filepath.ToSlash(name))
	})
}

func addToArchive(packed *tar.Writer, path, name string) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	// Serverless containers run as another user, who has to read it.
	if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(packed, in)
	return err
}
