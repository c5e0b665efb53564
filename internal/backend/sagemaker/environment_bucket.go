package sagemaker

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// firstRegion is where a bucket is made without saying where.
const firstRegion = "us-east-1"

// How long an unfinished upload is kept, and a version that another replaced.
const (
	abandonedDays = 7
	replacedDays  = 30
)

// putBucket makes the bucket, or brings one of this environment to what it should
// be: versioned, encrypted, closed to the public and to whoever comes without TLS.
func (k environmentKind) putBucket(ctx context.Context, c *clients, p place, tags map[string]string) error {
	if err := k.ownBucket(ctx, c, p); err != nil {
		return err
	}
	var set []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	if _, err := c.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &p.Bucket, Tagging: &types.Tagging{TagSet: set}}); err != nil {
		return err
	}
	yes := aws.Bool(true)
	if _, err := c.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &p.Bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: yes, BlockPublicPolicy: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes,
	}}); err != nil {
		return err
	}
	if _, err := c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &p.Bucket, VersioningConfiguration: &types.VersioningConfiguration{
		Status: types.BucketVersioningStatusEnabled,
	}}); err != nil {
		return err
	}
	if _, err := c.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &p.Bucket, ServerSideEncryptionConfiguration: encryptionRule(p.Key)}); err != nil {
		return err
	}
	if _, err := c.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &p.Bucket, Policy: aws.String(bucketPolicy(c, p.Bucket).String())}); err != nil {
		return err
	}
	_, err := c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &p.Bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: lifecycleRules(p.spec.Retention)},
	})
	return err
}

// ownBucket makes the bucket unless this account has it. One that it has and that
// is tagged for something else is not touched.
func (k environmentKind) ownBucket(ctx context.Context, c *clients, p place) error {
	in := &s3.CreateBucketInput{Bucket: &p.Bucket}
	if c.region != firstRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(c.region)}
	}
	_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &p.Bucket, ExpectedBucketOwner: &p.Account})
	if k.is(err, mlops.NotFound) {
		_, err = c.s3.CreateBucket(ctx, in)
		return err
	}
	if err != nil {
		return err
	}
	ours, err := k.ownsBucket(ctx, c, p)
	if err == nil && !ours {
		err = errForeign("the bucket " + p.Bucket)
	}
	return err
}

// ownsBucket reports whether a bucket of the name that the provider gives was made
// for this environment. One without tags is if it once was, or if it is empty: its
// making was interrupted then.
func (k environmentKind) ownsBucket(ctx context.Context, c *clients, p place) (bool, error) {
	of, err := k.bucketOf(ctx, c, p)
	if err != nil || of != "" {
		return of == string(p.Record.ID), err
	}
	if p.Applied != "" {
		return true, nil
	}
	out, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &p.Bucket, MaxKeys: aws.Int32(1)})
	return err == nil && len(out.Versions)+len(out.DeleteMarkers) == 0, err
}

// bucketOf is the ID in a bucket's tags; empty for one that was made and not
// tagged any more.
func (k environmentKind) bucketOf(ctx context.Context, c *clients, p place) (string, error) {
	out, err := c.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &p.Bucket, ExpectedBucketOwner: &p.Account})
	if err != nil {
		if k.is(err, mlops.NotFound) {
			return "", nil
		}
		return "", err
	}
	for _, t := range out.TagSet {
		if aws.ToString(t.Key) == tagID {
			return aws.ToString(t.Value), nil
		}
	}
	return "untagged", nil
}

// dropBucket removes the bucket, which was emptied before, if it is ours.
func (k environmentKind) dropBucket(ctx context.Context, c *clients, p place) error {
	ours, err := k.ownsBucket(ctx, c, p)
	if err != nil || !ours {
		return err
	}
	_, err = c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &p.Bucket, ExpectedBucketOwner: &p.Account})
	return err
}

// encryptionRule encrypts everything: by the environment's key, or by S3's own.
func encryptionRule(key string) *types.ServerSideEncryptionConfiguration {
	rule := types.ServerSideEncryptionRule{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256}}
	if key != "" {
		rule.ApplyServerSideEncryptionByDefault = &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: &key}
		rule.BucketKeyEnabled = aws.Bool(true)
	}
	return &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{rule}}
}

// lifecycleRules remove what nobody needs: what an environment's retention says,
// unfinished uploads, and replaced versions.
func lifecycleRules(r *mlops.Retention) []types.LifecycleRule {
	rules := []types.LifecycleRule{{
		ID: aws.String("leftovers"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(abandonedDays)},
		NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(replacedDays)},
		Expiration:                     &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
	}}
	if r == nil {
		return rules
	}
	for _, e := range []struct {
		folder string
		after  mlops.Duration
	}{{"captures/", r.Captures}, {"runs/", r.Runs}} {
		if e.after > 0 {
			rules = append(rules, types.LifecycleRule{
				ID: aws.String(e.folder[:len(e.folder)-1]), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String(e.folder)},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(days(time.Duration(e.after)))},
			})
		}
	}
	return rules
}

// days is a duration in S3's unit, rounded up.
func days(d time.Duration) int32 {
	return int32(math.Ceil(d.Hours() / 24))
}
