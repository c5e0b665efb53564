package aws_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// openServices starts an account and returns how clients reach it.
func openServices(t *testing.T, config aws.Config) (*awstest.Server, sdk.Config) {
	t.Helper()
	server := awstest.Start(t, config)
	return server, sdk.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// openBucket starts an account with a bucket "data".
func openBucket(t *testing.T) *s3.Client {
	t.Helper()
	_, c := openServices(t, aws.Config{})
	client := s3.NewFromConfig(c)
	must[*s3.CreateBucketOutput](t)(client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("data")}))
	return client
}

var bucket = sdk.String("data")

// put writes an object and returns its version.
func put(t *testing.T, c *s3.Client, key, content string) string {
	t.Helper()
	out := must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(content)}))
	return sdk.ToString(out.VersionId)
}

// get reads an object.
func get(t *testing.T, c *s3.Client, in *s3.GetObjectInput) (string, *s3.GetObjectOutput) {
	t.Helper()
	in.Bucket = bucket
	out := must[*s3.GetObjectOutput](t)(c.GetObject(t.Context(), in))
	defer out.Body.Close()
	return string(must[[]byte](t)(io.ReadAll(out.Body))), out
}

func enableVersions(t *testing.T, c *s3.Client, status types.BucketVersioningStatus) {
	t.Helper()
	must[*s3.PutBucketVersioningOutput](t)(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	}))
}

func TestStorageNewBucket(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	encryption := must[*s3.GetBucketEncryptionOutput](t)(c.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: bucket}))
	if got := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm; got != "AES256" {
		t.Errorf("encryption is %s", got)
	}
	public := must[*s3.GetPublicAccessBlockOutput](t)(c.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: bucket}))
	if p := public.PublicAccessBlockConfiguration; !*p.BlockPublicAcls || !*p.BlockPublicPolicy || !*p.IgnorePublicAcls || !*p.RestrictPublicBuckets {
		t.Errorf("public access is %+v", p)
	}
	ownership := must[*s3.GetBucketOwnershipControlsOutput](t)(c.GetBucketOwnershipControls(t.Context(), &s3.GetBucketOwnershipControlsInput{Bucket: bucket}))
	if got := ownership.OwnershipControls.Rules[0].ObjectOwnership; got != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership is %s", got)
	}
	if v := must[*s3.GetBucketVersioningOutput](t)(c.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: bucket})); v.Status != "" {
		t.Errorf("versioning is %s", v.Status)
	}
	if l := must[*s3.GetBucketLocationOutput](t)(c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: bucket})); l.LocationConstraint != "" {
		t.Errorf("location is %s", l.LocationConstraint)
	}
	head := must[*s3.HeadBucketOutput](t)(c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: bucket}))
	if *head.BucketRegion != "us-east-1" {
		t.Errorf("region is %s", *head.BucketRegion)
	}
	all := must[*s3.ListBucketsOutput](t)(c.ListBuckets(t.Context(), &s3.ListBucketsInput{}))
	if len(all.Buckets) != 1 || *all.Buckets[0].Name != "data" || all.Buckets[0].CreationDate == nil {
		t.Errorf("buckets are %+v", all.Buckets)
	}
	acl := must[*s3.GetBucketAclOutput](t)(c.GetBucketAcl(t.Context(), &s3.GetBucketAclInput{Bucket: bucket}))
	if len(acl.Grants) != 1 || acl.Grants[0].Permission != types.PermissionFullControl || *acl.Grants[0].Grantee.ID != *acl.Owner.ID {
		t.Errorf("grants are %+v", acl.Grants)
	}
}

func TestStorageSettings(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	policy := `{"Version": "2012-10-17", "Statement": [{"Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`
	_, err := c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: bucket})
	wantFault(t, err, "NoSuchBucketPolicy", "does not exist")
	must[*s3.PutBucketPolicyOutput](t)(c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy}))
	if got := must[*s3.GetBucketPolicyOutput](t)(c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: bucket})); *got.Policy != policy {
		t.Errorf("policy is %s", *got.Policy)
	}
	must[*s3.DeleteBucketPolicyOutput](t)(c.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket}))
	_, err = c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: bucket})
	wantFault(t, err, "NoSuchBucketPolicy", "")

	_, err = c.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	wantFault(t, err, "NoSuchLifecycleConfiguration", "")
	rule := types.LifecycleRule{
		ID: sdk.String("old"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: sdk.String("captures/")},
		Expiration:                  &types.LifecycleExpiration{Days: sdk.Int32(30)},
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: sdk.Int32(7)},
	}
	must[*s3.PutBucketLifecycleConfigurationOutput](t)(c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}},
	}))
	lifecycle := must[*s3.GetBucketLifecycleConfigurationOutput](t)(c.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket}))
	if got := lifecycle.Rules[0]; *got.ID != "old" || *got.Expiration.Days != 30 || *got.Filter.Prefix != "captures/" || *got.NoncurrentVersionExpiration.NoncurrentDays != 7 {
		t.Errorf("rule is %+v", got)
	}

	_, err = c.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: bucket})
	wantFault(t, err, "NoSuchTagSet", "")
	must[*s3.PutBucketTaggingOutput](t)(c.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
		Bucket: bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("größe & <b>")}}},
	}))
	tags := must[*s3.GetBucketTaggingOutput](t)(c.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: bucket}))
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "größe & <b>" {
		t.Errorf("tags are %+v", tags.TagSet)
	}
}

func TestStorageRefuses(t *testing.T) {
	t.Parallel()
	server, config := openServices(t, aws.Config{})
	server.World.TakeBucket("theirs")
	c := s3.NewFromConfig(config)
	elsewhere := s3.NewFromConfig(config, func(o *s3.Options) { o.Region = "eu-west-1" })
	must[*s3.CreateBucketOutput](t)(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}))
	put(t, c, "a", "1")
	encrypt := func(algorithm types.ServerSideEncryption, key *string) error {
		_, err := c.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm, KMSMasterKeyID: key}}},
		}})
		return err
	}
	policy := func(document string) error {
		_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &document})
		return err
	}
	lifecycle := func(rule types.LifecycleRule) error {
		_, err := c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}}})
		return err
	}
	cases := []struct {
		name, code string
		do         func() error
	}{
		{"a bucket's bad name", "InvalidBucketName", func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("my..bucket")})
			return err
		}},
		{"another account's bucket", "BucketAlreadyExists", func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("theirs")})
			return err
		}},
		{"one's own bucket from elsewhere", "BucketAlreadyOwnedByYou", func() error {
			_, err := elsewhere.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
			return err
		}},
		{"a bucket without its region", "IllegalLocationConstraintException", func() error {
			_, err := elsewhere.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("more")})
			return err
		}},
		{"a bucket's wrong region", "IllegalLocationConstraintException", func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("more"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
			return err
		}},
		{"reading from another region", "PermanentRedirect", func() error {
			_, err := elsewhere.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("a")})
			return err
		}},
		{"another account's objects", "AccessDenied", func() error {
			_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: sdk.String("theirs")})
			return err
		}},
		{"a bucket that must be another's", "AccessDenied", func() error {
			_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, ExpectedBucketOwner: sdk.String("210987654321")})
			return err
		}},
		{"no bucket", "NoSuchBucket", func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("none"), Key: sdk.String("a")})
			return err
		}},
		{"no object", "NoSuchKey", func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("b")})
			return err
		}},
		{"no object to look at", "NotFound", func() error {
			_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: sdk.String("b")})
			return err
		}},
		{"a version that is not", "NoSuchVersion", func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("a"), VersionId: sdk.String("x")})
			return err
		}},
		{"a range beyond the end", "InvalidRange", func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("a"), Range: sdk.String("bytes=5-")})
			return err
		}},
		{"an ACL", "AccessControlListNotSupported", func() error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("b"), ACL: types.ObjectCannedACLPublicRead})
			return err
		}},
		{"a key that is too long", "KeyTooLongError", func() error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String(strings.Repeat("k", 1025))})
			return err
		}},
		{"metadata that is too large", "MetadataTooLarge", func() error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("b"), Metadata: map[string]string{"m": strings.Repeat("v", 2048)}})
			return err
		}},
		{"a wrong checksum", "BadDigest", func() error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("b"), Body: strings.NewReader("1"), ChecksumSHA256: sdk.String(base64.StdEncoding.EncodeToString(make([]byte, 32)))})
			return err
		}},
		{"deleting a bucket with objects", "BucketNotEmpty", func() error {
			_, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
			return err
		}},
		{"unknown encryption", "MalformedXML", func() error { return encrypt("ROT13", nil) }},
		{"a key without KMS", "InvalidArgument", func() error { return encrypt("AES256", sdk.String("k")) }},
		{"a policy that is no JSON", "MalformedPolicy", func() error { return policy("x") }},
		{"a policy of another bucket", "MalformedPolicy", func() error {
			return policy(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other"}}`)
		}},
		{"a policy for a role that is not", "MalformedPolicy", func() error {
			return policy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/none"},"Action":"s3:*","Resource":"arn:aws:s3:::data"}}`)
		}},
		{"a public policy", "AccessDenied", func() error {
			return policy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}}`)
		}},
		{"a rule that does nothing", "InvalidRequest", func() error {
			return lifecycle(types.LifecycleRule{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: sdk.String("")}})
		}},
		{"a rule of no days", "InvalidArgument", func() error {
			return lifecycle(types.LifecycleRule{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: sdk.String("")}, Expiration: &types.LifecycleExpiration{Days: sdk.Int32(0)}})
		}},
		{"tags of the same key", "InvalidTag", func() error {
			_, err := c.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: sdk.String("k"), Value: sdk.String("1")}, {Key: sdk.String("k"), Value: sdk.String("2")}}}})
			return err
		}},
		{"what is not simulated", "NotImplemented", func() error {
			_, err := c.GetBucketWebsite(t.Context(), &s3.GetBucketWebsiteInput{Bucket: bucket})
			return err
		}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, tt.do(), tt.code, "")
		})
	}
}

func TestStorageObject(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	content := "größer als ∅\n"
	sum := sha256.Sum256([]byte(content))
	digest := base64.StdEncoding.EncodeToString(sum[:])
	key := sdk.String("models/a b+c/größe?.bin")
	stored := must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: bucket, Key: key, Body: strings.NewReader(content), ContentType: sdk.String("text/plain"), ContentEncoding: sdk.String("identity"),
		Metadata: map[string]string{"digest": "sha256:x"}, ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Tagging: sdk.String("stage=dev&who=me%20too"),
		ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: sdk.String("key"),
	}))
	if sdk.ToString(stored.ChecksumSHA256) != digest || stored.VersionId != nil || stored.ServerSideEncryption != types.ServerSideEncryptionAwsKms {
		t.Errorf("stored as %+v", stored)
	}
	got, read := get(t, c, &s3.GetObjectInput{Key: key, ChecksumMode: types.ChecksumModeEnabled})
	if got != content || sdk.ToString(read.ChecksumSHA256) != digest || *read.ContentType != "text/plain" || *read.ContentEncoding != "identity" ||
		read.Metadata["digest"] != "sha256:x" || *read.SSEKMSKeyId != "key" || *read.TagCount != 2 || *read.ETag != *stored.ETag {
		t.Errorf("read %q, %+v", got, read)
	}
	if got, read := get(t, c, &s3.GetObjectInput{Key: key, Range: sdk.String("bytes=-4")}); got != content[len(content)-4:] || read.ChecksumSHA256 != nil || *read.ContentLength != 4 {
		t.Errorf("the end is %q, %+v", got, read)
	}
	head := must[*s3.HeadObjectOutput](t)(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key, ChecksumMode: types.ChecksumModeEnabled}))
	if *head.ContentLength != int64(len(content)) || sdk.ToString(head.ChecksumSHA256) != digest || head.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("head is %+v", head)
	}
	tags := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: bucket, Key: key}))
	if len(tags.TagSet) != 2 || *tags.TagSet[1].Value != "me too" {
		t.Errorf("tags are %+v", tags.TagSet)
	}
	// What is written over it has nothing of the old.
	must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key}))
	if got, read := get(t, c, &s3.GetObjectInput{Key: key}); got != "" || len(read.Metadata) > 0 || read.TagCount != nil || read.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("then read %q, %+v", got, read)
	}
}

func TestStorageConditions(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	first := &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("lock"), Body: strings.NewReader("1"), IfNoneMatch: sdk.String("*")}
	out := must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), first))
	first.Body = strings.NewReader("2")
	_, err := c.PutObject(t.Context(), first)
	wantFault(t, err, "PreconditionFailed", "")
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("lock"), IfMatch: sdk.String(`"0"`)})
	wantFault(t, err, "PreconditionFailed", "")
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("none"), IfMatch: out.ETag})
	wantFault(t, err, "NoSuchKey", "")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("lock"), IfNoneMatch: out.ETag})
	if response, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); !ok || response.HTTPStatusCode() != http.StatusNotModified {
		t.Errorf("got %v, want 304", err)
	}
	must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: sdk.String("lock"), IfMatch: out.ETag}))
	// A delete marker is no object.
	enableVersions(t, c, types.BucketVersioningStatusEnabled)
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: sdk.String("lock")}))
	first.Body = strings.NewReader("3")
	must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), first))
}

func TestStorageVersions(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	if v := put(t, c, "a", "before"); v != "" {
		t.Errorf("a version %q without versioning", v)
	}
	enableVersions(t, c, types.BucketVersioningStatusEnabled)
	one, two := put(t, c, "a", "one"), put(t, c, "a", "two")
	gone := must[*s3.DeleteObjectOutput](t)(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: sdk.String("a")}))
	if !*gone.DeleteMarker {
		t.Error("no delete marker was made")
	}
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("a")})
	wantFault(t, err, "NoSuchKey", "")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: sdk.String("a"), VersionId: gone.VersionId})
	wantFault(t, err, "MethodNotAllowed", "")
	for version, want := range map[string]string{one: "one", two: "two", "null": "before"} {
		if got, _ := get(t, c, &s3.GetObjectInput{Key: sdk.String("a"), VersionId: &version}); got != want {
			t.Errorf("version %s is %q, want %q", version, got, want)
		}
	}
	if all := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})); *all.KeyCount != 0 {
		t.Errorf("a deleted object is listed: %+v", all.Contents)
	}
	// Without its marker the object is back, with the version that came before.
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: sdk.String("a"), VersionId: gone.VersionId}))
	if got, read := get(t, c, &s3.GetObjectInput{Key: sdk.String("a")}); got != "two" || *read.VersionId != two {
		t.Errorf("got %q of version %s", got, *read.VersionId)
	}
	enableVersions(t, c, types.BucketVersioningStatusSuspended)
	if v := put(t, c, "a", "after"); v != "null" {
		t.Errorf("version is %q while suspended", v)
	}
	all := must[*s3.ListObjectVersionsOutput](t)(c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket}))
	var listed []string
	for _, v := range all.Versions {
		listed = append(listed, fmt.Sprintf("%s %d %t", *v.VersionId, *v.Size, *v.IsLatest))
	}
	if diff := cmp.Diff([]string{"null 5 true", two + " 3 false", one + " 3 false"}, listed); diff != "" {
		t.Error(diff)
	}
}

func TestStorageLists(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	enableVersions(t, c, types.BucketVersioningStatusEnabled)
	want := map[string]int{}
	for i := range 25 {
		key := fmt.Sprintf("runs/%02d/out.json", i%10)
		put(t, c, key, "x")
		want[key]++
	}
	put(t, c, "z", "x")
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: sdk.String("z")}))

	var keys, folders []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: sdk.String("runs/"), MaxKeys: sdk.Int32(3)})
	for pages.HasMorePages() {
		page := must[*s3.ListObjectsV2Output](t)(pages.NextPage(t.Context()))
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), keys); diff != "" {
		t.Error(diff)
	}
	pages = s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: sdk.String("runs/"), Delimiter: sdk.String("/"), MaxKeys: sdk.Int32(4)})
	for pages.HasMorePages() {
		for _, p := range must[*s3.ListObjectsV2Output](t)(pages.NextPage(t.Context())).CommonPrefixes {
			folders = append(folders, *p.Prefix)
		}
	}
	if len(folders) != 10 || folders[9] != "runs/09/" {
		t.Errorf("folders are %v", folders)
	}

	// All versions and markers in pages, each removed: then the bucket can go.
	_, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
	wantFault(t, err, "BucketNotEmpty", "versions")
	got := map[string]int{}
	versions := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: sdk.Int32(4)})
	var all []types.ObjectIdentifier
	for versions.HasMorePages() {
		page := must[*s3.ListObjectVersionsOutput](t)(versions.NextPage(t.Context()))
		for _, v := range page.Versions {
			got[*v.Key]++
			all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			all = append(all, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
	}
	want["z"] = 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	removed := must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: all}}))
	if len(removed.Deleted) != 27 || len(removed.Errors) != 0 {
		t.Errorf("removed %d, failed %+v", len(removed.Deleted), removed.Errors)
	}
	must[*s3.DeleteBucketOutput](t)(c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket}))
	_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: bucket})
	wantFault(t, err, "NotFound", "")
}

func TestStorageCopy(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	enableVersions(t, c, types.BucketVersioningStatusEnabled)
	key := "von/größe + 1"
	old := must[*s3.PutObjectOutput](t)(c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: bucket, Key: &key, Body: strings.NewReader("old"), Metadata: map[string]string{"digest": "1"}, ContentType: sdk.String("text/csv"),
	}))
	put(t, c, key, "new")
	source := "data/von/gr%C3%B6%C3%9Fe%20%2B%201"
	out := must[*s3.CopyObjectOutput](t)(c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: bucket, Key: sdk.String("to"), CopySource: sdk.String(source + "?versionId=" + *old.VersionId), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	}))
	sum := sha256.Sum256([]byte("old"))
	if got := sdk.ToString(out.CopyObjectResult.ChecksumSHA256); got != base64.StdEncoding.EncodeToString(sum[:]) || *out.CopySourceVersionId != *old.VersionId || *out.VersionId == *old.VersionId {
		t.Errorf("copied as %+v, checksum %s", out, got)
	}
	if got, read := get(t, c, &s3.GetObjectInput{Key: sdk.String("to")}); got != "old" || read.Metadata["digest"] != "1" || *read.ContentType != "text/csv" {
		t.Errorf("got %q, %+v", got, read)
	}
	must[*s3.CopyObjectOutput](t)(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: sdk.String("to"), CopySource: &source, MetadataDirective: types.MetadataDirectiveReplace}))
	if got, read := get(t, c, &s3.GetObjectInput{Key: sdk.String("to")}); got != "new" || len(read.Metadata) > 0 {
		t.Errorf("got %q, %+v", got, read)
	}
	_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: sdk.String("to"), CopySource: sdk.String("data/to")})
	wantFault(t, err, "InvalidRequest", "to itself")
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: sdk.String("to"), CopySource: sdk.String("data/none")})
	wantFault(t, err, "NoSuchKey", "")
}

func TestStorageUploadInParts(t *testing.T) {
	t.Parallel()
	c := openBucket(t)
	large, small := bytes.Repeat([]byte("0123456789abcdef"), 5<<16), []byte("end")
	begin := func(t *testing.T) *string {
		t.Helper()
		return must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: bucket, Key: sdk.String("big"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{"m": "1"},
		})).UploadId
	}
	part := func(t *testing.T, id *string, n int32, content []byte) types.CompletedPart {
		t.Helper()
		out := must[*s3.UploadPartOutput](t)(c.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: bucket, Key: sdk.String("big"), UploadId: id, PartNumber: &n, Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		}))
		return types.CompletedPart{ETag: out.ETag, PartNumber: &n, ChecksumSHA256: out.ChecksumSHA256}
	}
	complete := func(t *testing.T, id *string, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
		t.Helper()
		return c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: sdk.String("big"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	}
	id := begin(t)
	first, last := part(t, id, 1, large), part(t, id, 2, small)
	_, err := complete(t, id, last, first)
	wantFault(t, err, "InvalidPartOrder", "")
	_, err = complete(t, id, first, types.CompletedPart{ETag: sdk.String("x"), PartNumber: sdk.Int32(3)})
	wantFault(t, err, "InvalidPart", "")
	out := must[*s3.CompleteMultipartUploadOutput](t)(complete(t, id, first, last))
	if !strings.HasSuffix(*out.ETag, `-2"`) || !strings.HasSuffix(*out.ChecksumSHA256, "-2") || out.ChecksumType != types.ChecksumTypeComposite || *out.Bucket != "data" {
		t.Errorf("completed as %+v", out)
	}
	if got, read := get(t, c, &s3.GetObjectInput{Key: sdk.String("big")}); got != string(large)+"end" || read.Metadata["m"] != "1" || *read.ETag != *out.ETag {
		t.Errorf("got %d bytes, %+v", len(got), read)
	}
	_, err = complete(t, id, first, last)
	wantFault(t, err, "NoSuchUpload", "")

	id = begin(t)
	first, last = part(t, id, 1, small), part(t, id, 2, small)
	_, err = complete(t, id, first, last)
	wantFault(t, err, "EntityTooSmall", "")
	uploads := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bucket}))
	parts := must[*s3.ListPartsOutput](t)(c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: bucket, Key: sdk.String("big"), UploadId: id}))
	if len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *id || len(parts.Parts) != 2 || *parts.Parts[1].Size != 3 {
		t.Errorf("uploads are %+v, parts %+v", uploads.Uploads, parts.Parts)
	}
	must[*s3.AbortMultipartUploadOutput](t)(c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bucket, Key: sdk.String("big"), UploadId: id}))
}

// TestStorageChunks sends a body in the encoding that clients use over TLS, with
// its checksum in the trailer.
func TestStorageChunks(t *testing.T) {
	t.Parallel()
	server, config := openServices(t, aws.Config{})
	c := s3.NewFromConfig(config)
	must[*s3.CreateBucketOutput](t)(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}))
	send := func(body, length string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/data/chunked", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Decoded-Content-Length", length)
		r.Header.Set("Content-Encoding", "gzip,aws-chunked")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	good := "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
	if got := send(good, "11"); got != http.StatusOK {
		t.Fatalf("got status %d", got)
	}
	content, read := get(t, c, &s3.GetObjectInput{Key: sdk.String("chunked"), ChecksumMode: types.ChecksumModeEnabled})
	if content != "hello world" || *read.ContentEncoding != "gzip" || sdk.ToString(read.ChecksumCRC32) != "DUoRhQ==" {
		t.Errorf("got %q, %+v", content, read)
	}
	for name, bad := range map[string][2]string{
		"checksum": {strings.Replace(good, "DUoR", "AAAA", 1), "11"},
		"length":   {good, "12"},
		"end":      {good[:12], "11"},
	} {
		if got := send(bad[0], bad[1]); got != http.StatusBadRequest {
			t.Errorf("a wrong %s: got status %d", name, got)
		}
	}
}
