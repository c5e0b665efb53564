package sagemaker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// outside are bytes that are not kept yet: a file or a directory of this machine,
// an object, or all objects below a prefix.
type outside struct {
	field  string // attribute that names them
	local  string // path; empty where they are in S3
	uri    string // s3://…
	single bool   // one file, not a tree
}

// outsideAt finds the bytes that a URI names. Relative paths start where Terraform
// was started.
func (b *backend) outsideAt(ctx context.Context, c *clients, field, uri string) (outside, error) {
	if strings.HasPrefix(uri, "s3://") {
		return b.outsideS3(ctx, c, field, uri)
	}
	at := outside{field: field}
	var err error
	if at.local, err = localPath(field, uri); err != nil {
		return at, err
	}
	info, err := os.Lstat(at.local)
	if errors.Is(err, fs.ErrNotExist) {
		return at, mlops.InvalidField(field, "there is no file or directory %s", at.local)
	}
	if err != nil {
		return at, err
	}
	at.single = !info.IsDir()
	return at, nil
}

func (b *backend) outsideS3(ctx context.Context, c *clients, field, uri string) (outside, error) {
	at := outside{field: field, uri: uri}
	bucket, key, err := parseS3(uri)
	if err != nil {
		return at, err
	}
	if strings.HasSuffix(uri, "/") {
		return at, nil
	}
	_, err = c.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil && !b.is(err, mlops.NotFound) {
		return at, err
	}
	at.single = err == nil
	return at, nil
}

// localPath returns the absolute path that a URI names on this machine. A relative one
// begins where the provider runs.
func localPath(field, uri string) (string, error) {
	path, err := mlops.LocalPath(field, ".", uri)
	if mlops.CodeOf(err) == mlops.Unsupported {
		err = &mlops.Error{Code: mlops.Unsupported, Field: field, Err: fmt.Errorf("SageMaker has no access to %s: give a file of this machine, or an object of S3", uri)}
	}
	return path, err
}

// digest is the content digest that the bytes have now.
func (o outside) digest(ctx context.Context, files fileStore) (string, int64, error) {
	if o.local != "" {
		return mlops.ContentDigest(o.local)
	}
	return files.digest(ctx, o.uri)
}

// put copies the bytes below a prefix, and makes sure that they are those of a
// digest: they may have changed meanwhile. It returns the URI of the copy.
func (o outside) put(ctx context.Context, files fileStore, p place, prefix, digest string) (string, error) {
	key := prefix
	if o.single {
		key += o.base()
	}
	if err := o.copy(ctx, files, key); err != nil {
		return "", err
	}
	kept, _, err := files.digest(ctx, p.uriOf(key))
	if err != nil {
		return "", err
	}
	if kept != digest {
		return "", errors.Join(mlops.InvalidField(o.field, "the bytes changed while they were copied: they had the digest %s, and the copy has %s", digest, kept), files.remove(ctx, prefix))
	}
	return p.uriOf(key), nil
}

func (o outside) copy(ctx context.Context, files fileStore, key string) error {
	switch {
	case o.local != "" && o.single:
		return files.putFile(ctx, key, o.local)
	case o.local != "":
		return files.putTree(ctx, key, o.local)
	}
	return files.copyTree(ctx, o.uri, key)
}

// unsafeInKey is what a file's name may have and a path in a container better has
// not.
var unsafeInKey = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// base is the name of a single file in the copy.
func (o outside) base() string {
	name := path.Base(o.uri)
	if o.local != "" {
		name = filepath.Base(o.local)
	}
	return unsafeInKey.ReplaceAllString(name, "_")
}

// uriOf is the URI of a key that is whole already.
func (p place) uriOf(key string) string { return "s3://" + p.Bucket + "/" + key }

// modelFolder is the prefix of all that is kept of a model.
func modelFolder(p place, model mlops.ID) string { return p.key("models/" + model.Name() + "/") }

// versionFolder is the prefix of what a server is given of a version: its bytes in
// model/, and in code/ what serves them. It is named by the content of both.
func versionFolder(p place, model mlops.ID, digest string, code serving) string {
	hash := strings.TrimPrefix(digest, "sha256:")
	if _, err := hex.DecodeString(hash); err != nil {
		hash = shortHash(digest)
	}
	return modelFolder(p, model) + hash + "/" + code.mark() + "/"
}
