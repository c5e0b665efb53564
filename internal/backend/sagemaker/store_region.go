package sagemaker

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// whereabouts remembers the regions of buckets, which never change. Its zero value
// is ready.
type whereabouts struct {
	mu      sync.Mutex
	regions map[string]string
}

func (w *whereabouts) of(bucket string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.regions[bucket]
}

func (w *whereabouts) remember(bucket, region string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.regions == nil {
		w.regions = map[string]string{}
	}
	w.regions[bucket] = region
}

// reader is a client of the region that a bucket is in: S3 answers for no other.
func (s *store) reader(ctx context.Context, bucket string) (*s3.Client, error) {
	if bucket == s.place.Bucket {
		return s.s3, nil
	}
	region := s.whereabouts.of(bucket)
	if region == "" {
		var err error
		if region, err = s.bucketRegion(ctx, bucket); err != nil {
			return nil, err
		}
		s.whereabouts.remember(bucket, region)
	}
	if region == s.s3.Options().Region {
		return s.s3, nil
	}
	c, err := s.inRegion(ctx, region)
	if err != nil {
		return nil, err
	}
	return c.s3, nil
}

// bucketRegion asks where a bucket is. S3 says so even to whom it refuses all else.
func (s *store) bucketRegion(ctx context.Context, bucket string) (string, error) {
	own := s.s3.Options().Region
	out, err := s.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if err == nil {
		if region := aws.ToString(out.BucketRegion); region != "" {
			return region, nil
		}
		return own, nil
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.Response != nil {
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region, nil
		}
	}
	if s.is(err, mlops.PermissionDenied) {
		return own, nil // single objects may be allowed
	}
	return "", err
}
