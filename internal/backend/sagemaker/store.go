package sagemaker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxPut is the most that one request may carry; more goes in parts.
const maxPut = 5 << 30

// atOnce is how many objects are dealt with at a time.
const atOnce = 8

// anyBucket is the form of a bucket's name, old ones included.
var anyBucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)

// fileStore keeps files for the nouns. Keys are whole: an environment's prefix is
// part of them. URIs may be of any bucket.
type fileStore interface {
	putBytes(ctx context.Context, key string, content []byte) error
	putFile(ctx context.Context, key, path string) error
	// putTree copies a directory below a prefix, which ends in a slash.
	putTree(ctx context.Context, prefix, directory string) error
	// copyTree copies an object, or all below a prefix, without the bytes coming by
	// here.
	copyTree(ctx context.Context, uri, key string) error
	// getBytes reads a small object; one that is larger than limit is an error.
	getBytes(ctx context.Context, key string, limit int64) ([]byte, error)
	// download writes an object, or all below a prefix, into a directory and returns
	// the path of the file or directory that they are.
	download(ctx context.Context, uri, directory string) (string, error)
	// digest is mlops.ContentDigest of an object, or of all below a prefix.
	digest(ctx context.Context, uri string) (digest string, size int64, err error)
	// remove deletes all below a prefix, in all versions.
	remove(ctx context.Context, prefix string) error
}

// store is the bucket of an environment.
type store struct {
	*backend

	s3    *s3.Client
	place place
}

// store opens the bucket of an ID's environment.
func (b *backend) store(ctx context.Context, id mlops.ID) (*store, error) {
	p, err := b.place(ctx, id)
	if err != nil {
		return nil, err
	}
	c, err := b.in(ctx, id)
	if err != nil {
		return nil, err
	}
	return &store{b, c.s3, p}, nil
}

// parseS3 takes an S3 URI apart. Keys are as they are: nothing in them is escaped.
func parseS3(uri string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || !anyBucket.MatchString(bucket) {
		return "", "", invalid(fmt.Errorf("%q is not an S3 URI such as s3://bucket/key", uri))
	}
	return bucket, key, nil
}

// each does a thing for every object, a few at a time, until one fails.
func each[T any](ctx context.Context, all []T, do func(ctx context.Context, i int, one T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, one := range all {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, i, one)
		})
	}
	return g.Wait()
}

func (s *store) putBytes(ctx context.Context, key string, content []byte) error {
	return s.put(ctx, key, bytes.NewReader(content), int64(len(content)))
}

func (s *store) putFile(ctx context.Context, key, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > maxPut {
		return s.putParts(ctx, key, f, info.Size(), partFor(info.Size()))
	}
	return s.put(ctx, key, f, info.Size())
}

// put writes one object; S3 checks that it is what was sent.
func (s *store) put(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	in := &s3.PutObjectInput{
		Bucket: &s.place.Bucket, Key: &key, Body: body, ContentLength: &size,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.encryption()
	_, err := s.s3.PutObject(ctx, in)
	return err
}

// encryption is that of the environment's key. Without one the bucket's own rule
// holds.
func (s *store) encryption() (types.ServerSideEncryption, *string) {
	if s.place.Key == "" {
		return "", nil
	}
	return types.ServerSideEncryptionAwsKms, &s.place.Key
}

func (s *store) putTree(ctx context.Context, prefix, directory string) error {
	var files []string
	err := filepath.WalkDir(directory, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return invalid(fmt.Errorf("%s is neither a file nor a directory; only those can be kept", p))
		}
		files = append(files, p)
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, files, func(ctx context.Context, _ int, file string) error {
		rel, err := filepath.Rel(directory, file)
		if err != nil {
			return err
		}
		return s.putFile(ctx, path.Join(prefix, filepath.ToSlash(rel)), file)
	})
}

func (s *store) copyTree(ctx context.Context, uri, key string) error {
	from, err := s.find(ctx, uri)
	if err != nil {
		return err
	}
	return each(ctx, from.objects, func(ctx context.Context, _ int, o object) error {
		to := key
		if !from.single {
			to = path.Join(key, o.rel)
		}
		if o.size > maxPut {
			return s.copyParts(ctx, from.bucket, o, to, partFor(o.size))
		}
		return s.copyObject(ctx, from.bucket, o, to)
	})
}

func (s *store) copyObject(ctx context.Context, bucket string, o object, to string) error {
	in := &s3.CopyObjectInput{
		Bucket: &s.place.Bucket, Key: &to, CopySource: copySource(bucket, o.key), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.encryption()
	_, err := s.s3.CopyObject(ctx, in)
	return err
}

// copySource names an object as copies do: escaped like a form's field, as S3
// takes a plus for a space.
func copySource(bucket, key string) *string {
	escaped := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
	return aws.String(bucket + "/" + escaped)
}

func (s *store) getBytes(ctx context.Context, key string, limit int64) (content []byte, err error) {
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.place.Bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	content, err = io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, invalid(fmt.Errorf("s3://%s/%s is larger than %d bytes", s.place.Bucket, key, limit))
	}
	return content, err
}

func (s *store) download(ctx context.Context, uri, directory string) (string, error) {
	from, err := s.find(ctx, uri)
	if err != nil {
		return "", err
	}
	root := path.Base("/" + strings.TrimSuffix(from.key, "/")) // "/" for a whole bucket
	if root == ".." {
		return "", errOutside(from.key)
	}
	root = filepath.Join(directory, filepath.FromSlash(root))
	for _, o := range from.objects {
		if !from.single && !filepath.IsLocal(filepath.FromSlash(o.rel)) {
			return "", errOutside(o.key)
		}
	}
	return root, each(ctx, from.objects, func(ctx context.Context, _ int, o object) error {
		to := root
		if !from.single {
			to = filepath.Join(root, filepath.FromSlash(o.rel))
		}
		return fetch(ctx, from.client, from.bucket, o.key, to)
	})
}

// errOutside refuses a key that says where it goes, and that elsewhere.
func errOutside(key string) error {
	return invalid(fmt.Errorf("the key %q would be written outside of its directory", key))
}

// fetch writes one object to a file.
func fetch(ctx context.Context, client *s3.Client, bucket, key, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, out.Body)
	return errors.Join(err, f.Close())
}
