package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Limits of objects in parts (S3 user guide, "Multipart upload limits").
const (
	maxParts  = 10000
	leastPart = 64 << 20 // far above S3's own 5 MiB: fewer calls
)

// abortPatience is how long it is tried to take back what failed.
const abortPatience = 30 * time.Second

// partFor is the size of each part but the last.
func partFor(size int64) int64 {
	return max(leastPart, (size+maxParts-1)/maxParts)
}

// span is one part of an object.
type span struct {
	number    int32
	from, end int64 // end is after the last byte
}

func spans(size, part int64) []span {
	var all []span
	for from := int64(0); from < size; from += part {
		all = append(all, span{int32(len(all) + 1), from, min(from+part, size)}) //nolint:gosec // at most maxParts
	}
	return all
}

// putParts writes a large object; S3 checks each part.
func (s *store) putParts(ctx context.Context, key string, from io.ReaderAt, size, part int64) error {
	return s.inParts(ctx, key, spans(size, part), func(ctx context.Context, upload *string, p span) (types.CompletedPart, error) {
		out, err := s.s3.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &s.place.Bucket, Key: &key, UploadId: upload, PartNumber: &p.number,
			Body: io.NewSectionReader(from, p.from, p.end-p.from), ContentLength: aws.Int64(p.end - p.from),
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		if err != nil {
			return types.CompletedPart{}, err
		}
		return types.CompletedPart{PartNumber: &p.number, ETag: out.ETag, ChecksumSHA256: out.ChecksumSHA256}, nil
	})
}

// copyParts copies a large object. One that changes meanwhile is an error.
func (s *store) copyParts(ctx context.Context, bucket string, o object, to string, part int64) error {
	return s.inParts(ctx, to, spans(o.size, part), func(ctx context.Context, upload *string, p span) (types.CompletedPart, error) {
		out, err := s.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &s.place.Bucket, Key: &to, UploadId: upload, PartNumber: &p.number,
			CopySource: copySource(bucket, o.key), CopySourceIfMatch: &o.etag,
			CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", p.from, p.end-1)),
		})
		if err != nil {
			return types.CompletedPart{}, err
		}
		return types.CompletedPart{PartNumber: &p.number, ETag: out.CopyPartResult.ETag, ChecksumSHA256: out.CopyPartResult.ChecksumSHA256}, nil
	})
}

// inParts makes an object of parts, a few at a time. What failed is taken back: its
// parts would be paid for until the bucket's lifecycle removes them.
func (s *store) inParts(ctx context.Context, key string, parts []span, send func(ctx context.Context, upload *string, p span) (types.CompletedPart, error)) error {
	in := &s3.CreateMultipartUploadInput{Bucket: &s.place.Bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.encryption()
	begun, err := s.s3.CreateMultipartUpload(ctx, in)
	if err != nil {
		return err
	}
	done := make([]types.CompletedPart, len(parts))
	err = each(ctx, parts, func(ctx context.Context, i int, p span) (err error) {
		done[i], err = send(ctx, begun.UploadId, p)
		return err
	})
	if err == nil {
		_, err = s.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &s.place.Bucket, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
		})
	}
	if err != nil {
		return s.abort(ctx, key, begun.UploadId, err)
	}
	return nil
}

// abort takes an upload back that failed.
func (s *store) abort(ctx context.Context, key string, upload *string, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
	defer cancel()
	_, err := s.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.place.Bucket, Key: &key, UploadId: upload})
	if err == nil || s.is(err, mlops.NotFound) { // it came to an end after all
		return failure
	}
	return errors.Join(failure, err)
}
