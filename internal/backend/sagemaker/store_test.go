package sagemaker

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// storeroom is a bucket for files, without an environment around it.
type storeroom struct {
	*testing.T

	files *store
}

// newStoreroom makes a bucket for a test alone.
func newStoreroom(t *testing.T, url, bucket string) storeroom {
	t.Helper()
	b := openAt(t, url, "us")
	c, err := b.inRegion(t.Context(), testRegion)
	if err != nil {
		t.Fatal(err)
	}
	r := storeroom{t, &store{b, c.s3, place{Bucket: bucket + "-files", Prefix: "mlops/", Key: testKey}}}
	r.bucket(testRegion, r.files.place.Bucket)
	return r
}

func (r storeroom) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// bucket makes a versioned bucket somewhere.
func (r storeroom) bucket(region, name string) *s3.Client {
	r.Helper()
	c, err := r.files.inRegion(r.Context(), region)
	r.must(err)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != firstRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err = c.s3.CreateBucket(r.Context(), in)
	r.must(err)
	_, err = c.s3.PutBucketVersioning(r.Context(), &s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	r.must(err)
	return c.s3
}

// wantDigest insists that a URI has the digest of a local path.
func (r storeroom) wantDigest(uri, path string) {
	r.Helper()
	want, wantSize, err := mlops.ContentDigest(path)
	r.must(err)
	got, size, err := r.files.digest(r.Context(), uri)
	r.must(err)
	if got != want || size != wantSize {
		r.Errorf("%s is %s of %d bytes, want %s of %d", uri, got, size, want, wantSize)
	}
}

// wantSame insists that a download has the digest of a local path.
func (r storeroom) wantSame(uri, path string) {
	r.Helper()
	got, err := r.files.download(r.Context(), uri, r.TempDir())
	r.must(err)
	want, _, err := mlops.ContentDigest(path)
	r.must(err)
	digest, _, err := mlops.ContentDigest(got)
	r.must(err)
	if digest != want {
		r.Errorf("the download of %s is %s, want %s", uri, digest, want)
	}
}

// tree writes files whose names are hard for URLs, and for the order of a walk.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"a/b", "a-b", "a.txt", "sum of 1+2=3 & more.bin", "ü/50%25 \u00e9?#.json", "deep/er/x"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestFiles keeps files in our simulation.
func TestFiles(t *testing.T) {
	t.Parallel()
	newStoreroom(t, awstest.Start(t, simulated.Config{}).URL, "ours").filesLife()
}

// filesLife proves that bytes come back as they went, by their digest.
func (r storeroom) filesLife() {
	r.Helper()
	ctx, files, p := r.Context(), r.files, r.files.place
	root := tree(r.T)
	r.must(files.putTree(ctx, p.key("one/"), root))
	r.wantDigest(p.uri("one"), root)
	r.wantSame(p.uri("one/"), root)
	r.must(files.copyTree(ctx, p.uri("one"), p.key("two/")))
	r.wantDigest(p.uri("two/"), root)

	file := filepath.Join(root, "sum of 1+2=3 & more.bin")
	r.must(files.copyTree(ctx, p.uri("one/"+filepath.Base(file)), p.key("single")))
	r.wantDigest(p.uri("single"), file)
	r.wantSame(p.uri("single"), file)

	r.must(files.putBytes(ctx, p.key("two/a-b"), []byte("another")))
	if got, err := files.getBytes(ctx, p.key("two/a-b"), 7); err != nil || string(got) != "another" {
		r.Errorf("got %q, %v", got, err)
	}
	if _, err := files.getBytes(ctx, p.key("two/a-b"), 6); !files.is(err, mlops.Invalid) {
		r.Errorf("more than was asked for: %v, want Invalid", err)
	}
	r.parts()
	r.removal()
}

// parts proves that what is sent or copied in parts is the same.
func (r storeroom) parts() {
	r.Helper()
	const part = 5 << 20 // S3's least
	content := make([]byte, 2*part+7)
	_, err := rand.Read(content)
	r.must(err)
	path := filepath.Join(r.TempDir(), "large.bin")
	r.must(os.WriteFile(path, content, 0o600))
	r.must(r.files.putParts(r.Context(), r.files.place.key("large"), bytes.NewReader(content), int64(len(content)), part))
	r.wantDigest(r.files.place.uri("large"), path)
	from, err := r.files.find(r.Context(), r.files.place.uri("large"))
	r.must(err)
	r.must(r.files.copyParts(r.Context(), from.bucket, from.objects[0], r.files.place.key("larger"), part))
	r.wantDigest(r.files.place.uri("larger"), path)
}

// removal proves that no version is left, and nothing beside is touched.
func (r storeroom) removal() {
	r.Helper()
	files, p := r.files, r.files.place
	_, err := files.s3.DeleteObject(r.Context(), &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: aws.String(p.key("two/a.txt"))})
	r.must(err)
	r.must(files.remove(r.Context(), p.key("two/")))
	out, err := files.s3.ListObjectVersions(r.Context(), &s3.ListObjectVersionsInput{Bucket: &p.Bucket, Prefix: aws.String(p.key("two/"))})
	r.must(err)
	if len(out.Versions)+len(out.DeleteMarkers) != 0 {
		r.Errorf("left: %d versions, %d markers", len(out.Versions), len(out.DeleteMarkers))
	}
	if _, _, err := files.digest(r.Context(), p.uri("two")); !files.is(err, mlops.NotFound) {
		r.Errorf("digest of what was removed: %v, want NotFound", err)
	}
	_, _, err = files.digest(r.Context(), p.uri("one"))
	r.must(err)
}

// TestFilesElsewhere reads and copies from a bucket in another region.
func TestFilesElsewhere(t *testing.T) {
	t.Parallel()
	r := newStoreroom(t, awstest.Start(t, simulated.Config{}).URL, "here")
	client := r.bucket("eu-central-1", "there")
	root := tree(t)
	content, err := os.ReadFile(filepath.Join(root, "a-b"))
	r.must(err)
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("there"), Key: aws.String("data/a-b"), Body: bytes.NewReader(content)})
	r.must(err)
	r.wantDigest("s3://there/data/a-b", filepath.Join(root, "a-b"))
	r.wantSame("s3://there/data/a-b", filepath.Join(root, "a-b"))
	r.must(r.files.copyTree(t.Context(), "s3://there/data", r.files.place.key("data/")))
	r.wantDigest(r.files.place.uri("data/a-b"), filepath.Join(root, "a-b"))
	if _, _, err := r.files.digest(t.Context(), "s3://nowhere/data"); !r.files.is(err, mlops.NotFound) {
		t.Errorf("digest in a bucket that is not there: %v, want NotFound", err)
	}
}

// TestDigestWithoutReading proves that S3's own checksums spare reading what the
// provider sent.
func TestDigestWithoutReading(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	r := newStoreroom(t, account.URL, "ours")
	root := tree(t)
	r.must(r.files.putTree(t.Context(), "one/", root))
	r.must(r.files.copyTree(t.Context(), "s3://"+r.files.place.Bucket+"/one/", "two/"))
	account.ResetCalls()
	r.wantDigest("s3://"+r.files.place.Bucket+"/two/", root)
	if calls := account.Calls(); calls["s3.GET"] != 1 { // the list
		t.Errorf("calls: %v, want one GET", calls)
	}
}

// TestFailedParts proves that no parts are left of an upload that failed, and that
// the failure is told.
func TestFailedParts(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, simulated.Config{})
	r := newStoreroom(t, account.URL, "ours")
	content := make([]byte, 11<<20)
	denied := &simulated.Fault{Code: "AccessDenied", Message: "not this end", Status: 403}
	account.Inject(simulated.Rule{Service: "s3", Operation: "POST", Skip: 1, Fault: denied}) // the first begins it
	err := r.files.putParts(t.Context(), "large", bytes.NewReader(content), int64(len(content)), 5<<20)
	if !r.files.is(err, mlops.PermissionDenied) {
		t.Errorf("put: %v, want PermissionDenied", err)
	}
	out, err := r.files.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &r.files.place.Bucket})
	r.must(err)
	if len(out.Uploads) != 0 {
		t.Errorf("%d uploads are left", len(out.Uploads))
	}
}

// TestOutsideKeys proves that a key cannot make a download leave its directory.
func TestOutsideKeys(t *testing.T) {
	t.Parallel()
	r := newStoreroom(t, awstest.Start(t, simulated.Config{}).URL, "ours")
	r.must(r.files.putBytes(t.Context(), "data/../../evil", []byte("x")))
	r.must(r.files.putBytes(t.Context(), "..", []byte("x")))
	for _, uri := range []string{"s3://" + r.files.place.Bucket + "/data/", "s3://" + r.files.place.Bucket + "/.."} {
		if path, err := r.files.download(t.Context(), uri, t.TempDir()); !r.files.is(err, mlops.Invalid) {
			t.Errorf("download of %s: %q, %v, want Invalid", uri, path, err)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		size, part int64
		want       []span
	}{
		{"one", 3, 5, []span{{1, 0, 3}}},
		{"even", 10, 5, []span{{1, 0, 5}, {2, 5, 10}}},
		{"odd", 11, 5, []span{{1, 0, 5}, {2, 5, 10}, {3, 10, 11}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, spans(tt.size, tt.part), cmp.AllowUnexported(span{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	const largest = 5 << 40
	if n := len(spans(largest, partFor(largest))); n > maxParts {
		t.Errorf("the largest object has %d parts", n)
	}
}

func TestParseS3(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, uri, bucket, key string }{
		{"key", "s3://data/a/b.csv", "data", "a/b.csv"},
		{"bucket", "s3://data", "data", ""},
		{"escapes are none", "s3://data/50%/a%20b?x#y", "data", "50%/a%20b?x#y"},
		{"dots", "s3://my.old_Bucket/x", "my.old_Bucket", "x"},
		{"slashes", "s3://data//x/", "data", "/x/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bucket, key, err := parseS3(tt.uri)
			if err != nil || bucket != tt.bucket || key != tt.key {
				t.Errorf("got %q, %q, %v, want %q, %q", bucket, key, err, tt.bucket, tt.key)
			}
		})
	}
	for _, uri := range []string{"", "s3://", "s3:///key", "s3:/data/x", "S3://data/x", "https://data/x", "s3://a b/x", "s3://user@data/x", "s3://ab:9/x", "s3://" + strings.Repeat("x", 300) + "/x"} {
		var refused *mlops.Error
		if bucket, key, err := parseS3(uri); !errors.As(err, &refused) || refused.Code != mlops.Invalid {
			t.Errorf("%q is %q, %q, %v, want Invalid", uri, bucket, key, err)
		}
	}
}
