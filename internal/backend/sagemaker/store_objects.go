package sagemaker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// found is what a URI names: one object, or all below a prefix in the order in
// which a directory tree is walked.
type found struct {
	client      *s3.Client // of the bucket's region
	bucket, key string
	single      bool
	objects     []object
}

type object struct {
	key, rel string // rel is below the prefix
	size     int64
	etag     string
}

// find looks for what a URI names. Nothing there is NotFound.
func (s *store) find(ctx context.Context, uri string) (found, error) {
	bucket, key, err := parseS3(uri)
	f := found{bucket: bucket, key: key}
	if err != nil {
		return f, err
	}
	if f.client, err = s.reader(ctx, bucket); err != nil {
		return f, err
	}
	if key != "" && !strings.HasSuffix(key, "/") {
		head, err := f.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		if err == nil {
			f.single, f.objects = true, []object{{key: key, size: aws.ToInt64(head.ContentLength), etag: aws.ToString(head.ETag)}}
			return f, nil
		}
		if !s.is(err, mlops.NotFound) {
			return f, err
		}
		f.key += "/"
	}
	f.objects, err = s.below(ctx, bucket, f.key)
	if err == nil && len(f.objects) == 0 {
		return f, mlops.NewError(mlops.NotFound, fmt.Errorf("there is no object at %s", uri))
	}
	return f, err
}

// below lists the objects below a prefix; the markers of folders are none.
func (s *store) below(ctx context.Context, bucket, prefix string) ([]object, error) {
	client, err := s.reader(ctx, bucket)
	if err != nil {
		return nil, err
	}
	var all []object
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if !strings.HasSuffix(key, "/") {
				all = append(all, object{key: key, rel: strings.TrimPrefix(key, prefix), size: aws.ToInt64(o.Size), etag: aws.ToString(o.ETag)})
			}
		}
	}
	slices.SortFunc(all, func(a, b object) int {
		return slices.CompareFunc(strings.Split(a.rel, "/"), strings.Split(b.rel, "/"), cmp.Compare[string])
	})
	return all, nil
}

// digest is that of mlops.ContentDigest. S3 knows the checksum of what it was
// asked to compute one of; other bytes are read.
func (s *store) digest(ctx context.Context, uri string) (digest string, size int64, err error) {
	f, err := s.find(ctx, uri)
	if err != nil {
		return "", 0, err
	}
	sums := make([][]byte, len(f.objects))
	if err := each(ctx, f.objects, func(ctx context.Context, i int, o object) (err error) {
		sums[i], err = sumOf(ctx, f.client, f.bucket, o.key)
		return err
	}); err != nil {
		return "", 0, err
	}
	if f.single {
		return "sha256:" + hex.EncodeToString(sums[0]), f.objects[0].size, nil
	}
	tree := sha256.New()
	for i, o := range f.objects {
		size += o.size
		_, _ = fmt.Fprintf(tree, "%x  %q\n", sums[i], o.rel) // a hash never fails to write
	}
	return "sha256:" + hex.EncodeToString(tree.Sum(nil)), size, nil
}

// sumOf is the SHA-256 of an object's bytes.
func sumOf(ctx context.Context, client *s3.Client, bucket, key string) (sum []byte, err error) {
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return nil, err
	}
	inParts := head.ChecksumType == types.ChecksumTypeComposite || strings.Contains(aws.ToString(head.ETag), "-") // then it is of the parts' checksums
	if known := aws.ToString(head.ChecksumSHA256); known != "" && !inParts {
		if sum, err := base64.StdEncoding.DecodeString(known); err == nil && len(sum) == sha256.Size {
			return sum, nil
		}
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	h := sha256.New()
	_, err = io.Copy(h, out.Body)
	return h.Sum(nil), err
}

// remove deletes all below a prefix.
func (s *store) remove(ctx context.Context, prefix string) error {
	for {
		more, err := s.removeSome(ctx, prefix)
		if err != nil || !more {
			return err
		}
	}
}

// removeSome deletes up to a thousand versions and delete markers below a prefix,
// and reports whether there may be more. An empty prefix is all there is.
func (s *store) removeSome(ctx context.Context, prefix string) (more bool, err error) {
	page, err := s.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &s.place.Bucket, Prefix: &prefix})
	if err != nil {
		return false, err
	}
	var gone []types.ObjectIdentifier
	for _, v := range page.Versions {
		gone = append(gone, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		gone = append(gone, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	if len(gone) == 0 {
		return false, nil
	}
	out, err := s.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &s.place.Bucket, Delete: &types.Delete{Objects: gone, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return false, err
	}
	if len(out.Errors) > 0 {
		e := out.Errors[0]
		return false, fmt.Errorf("delete s3://%s/%s: %s: %s", s.place.Bucket, aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
	}
	return aws.ToBool(page.IsTruncated), nil
}
