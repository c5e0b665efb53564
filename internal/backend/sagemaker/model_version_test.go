package sagemaker

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// registry is a simulated account with an environment and a model.
type registry struct {
	*testing.T
	*backend

	account     *awstest.Server
	environment mlops.ID
	model       mlops.ID
}

func newRegistry(t *testing.T, config simulated.Config) registry {
	t.Helper()
	account := awstest.Start(t, config)
	r := registry{T: t, backend: openAt(t, account.URL, "us"), account: account}
	r.environment = mlops.EnvironmentID(name, []string{testRegion}, "churn")
	spec := mlops.EnvironmentSpec{ID: r.environment, Name: "churn", Stage: "dev", Target: mlops.Target{Backend: name}}
	r.the(r.Environments().Create(t.Context(), spec))
	model := mlops.ModelSpec{Environment: r.environment, Name: "trees"}
	r.model = r.the(r.Models().Create(t.Context(), model)).Ref
	return r
}

// the is a change that must succeed.
func (r registry) the(c mlops.Change, err error) mlops.Change {
	r.Helper()
	r.must(err)
	return c
}

func (r registry) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r registry) wantCode(what string, err error, want mlops.Code, words string) {
	r.Helper()
	if got := r.Code(err); err == nil || got != want || !strings.Contains(err.Error(), words) {
		r.Errorf("%s: %v (%s), want %s with %q", what, err, got, want, words)
	}
}

// as is another owner's backend on the same account.
func (r registry) as(owner string) *backend { return openAt(r.T, r.account.URL, owner) }

// file keeps content in a file.
func (r registry) file(base, content string) string {
	r.Helper()
	path := filepath.Join(r.TempDir(), base)
	r.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (r registry) versionSpec(content string, change func(*mlops.ModelVersionSpec)) mlops.ModelVersionSpec {
	r.Helper()
	spec := mlops.ModelVersionSpec{Model: r.model, ArtifactURI: r.file("model.joblib", content), Format: "sklearn", Approval: "approved"}
	if change != nil {
		change(&spec)
	}
	return spec
}

func (r registry) version(content string, change func(*mlops.ModelVersionSpec)) mlops.ID {
	r.Helper()
	return r.the(r.ModelVersions().Create(r.Context(), r.versionSpec(content, change))).Ref
}

func (r registry) seen(ref mlops.ID) mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	r.Helper()
	o, err := r.ModelVersions().Get(r.Context(), ref)
	r.must(err)
	return o
}

func (r registry) versions() []mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	r.Helper()
	all, err := modelVersionKind{r.backend}.List(r.Context(), r.model)
	r.must(err)
	return all
}

func (r registry) scene() scene {
	r.Helper()
	s, err := modelKind{r.backend}.scene(r.Context(), r.model)
	r.must(err)
	return s
}

// keys lists the objects below a folder of the environment.
func (r registry) keys(folder string) []string {
	r.Helper()
	s := r.scene()
	out, err := s.c.s3.ListObjectsV2(r.Context(), &s3.ListObjectsV2Input{Bucket: &s.place.Bucket, Prefix: aws.String(s.place.key(folder))})
	r.must(err)
	var keys []string
	for _, o := range out.Contents {
		keys = append(keys, strings.TrimPrefix(aws.ToString(o.Key), s.place.key(folder)))
	}
	return keys
}

// TestPackage proves what SageMaker is told of a version, and what is kept.
func TestPackage(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	ref := r.version("bytes", func(s *mlops.ModelVersionSpec) {
		s.Packages = []string{"pandas==2.3.3"}
		s.Metrics, s.ApprovedBy, s.Description = map[string]float64{"accuracy": 0.9}, "Ada\nLovelace", "first\ttry"
	})
	digest, _, err := mlops.ContentDigest(r.file("same", "bytes"))
	r.must(err)
	s := r.scene()
	out, err := s.c.sagemaker.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{ModelPackageName: aws.String(r.seen(ref).Native["model_package_arn"])})
	r.must(err)
	seen := r.seen(ref)
	folder := "models/trees/" + strings.TrimPrefix(digest, "sha256:") + "/" + shortHash(strings.Join([]string{inferenceCode, "sklearn", "pandas==2.3.3", "scikit-learn==1.7.2"}, "\n")) + "/"
	want := types.ModelPackageContainerDefinition{
		Image: aws.String("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"),
		Environment: map[string]string{
			"MODEL_FORMAT": "sklearn", "MODEL_PATH": "/opt/ml/model/model/model.joblib",
			"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
			"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",
		},
	}
	got := out.InferenceSpecification.Containers[0]
	if diff := cmp.Diff(want.Environment, got.Environment); diff != "" || *got.Image != *want.Image {
		t.Errorf("image %s, environment (-want +got):\n%s", *got.Image, diff)
	}
	if data := got.ModelDataSource.S3DataSource; *data.S3Uri != s.place.uri(folder) || data.CompressionType != types.ModelCompressionTypeNone {
		t.Errorf("the model is at %s, %s; want %s", *data.S3Uri, data.CompressionType, s.place.uri(folder))
	}
	if *out.ApprovalDescription != "Ada Lovelace" || *out.ModelPackageDescription != "first try" {
		t.Errorf("approved by %q, described as %q", *out.ApprovalDescription, *out.ModelPackageDescription)
	}
	kept := r.keys(folder)
	if want := []string{"code/inference.py", "code/requirements.txt", "metrics/", "model/model.joblib"}; len(kept) != len(want) || !slices.EqualFunc(kept, want, strings.HasPrefix) {
		t.Errorf("kept are %q, want %q", kept, want)
	}
	if seen.Status.Digest != digest || seen.Status.URI != s.place.uri(folder+"model/model.joblib") || seen.Status.Size != 5 {
		t.Errorf("status %+v", seen.Status)
	}
	if seen.Spec.Description != "first\ttry" || seen.Spec.ApprovedBy != "Ada\nLovelace" {
		t.Errorf("the record has %q by %q", seen.Spec.Description, seen.Spec.ApprovedBy)
	}
}

// TestLargeRecord proves that a spec that properties cannot hold comes back as it
// was, in lists as well, and leaves nothing behind.
func TestLargeRecord(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	noise := make([]byte, 10_000) // that nothing compresses
	_, err := rand.Read(noise)
	r.must(err)
	ref := r.version("bytes", func(s *mlops.ModelVersionSpec) { s.Description = hex.EncodeToString(noise) })
	for range fewPackages + 1 {
		r.version(strconv.Itoa(len(r.versions())), nil)
	}
	seen := r.seen(ref)
	if seen.Spec.Description != hex.EncodeToString(noise) || seen.Phase != mlops.PhaseReady {
		t.Errorf("%s with a description of %d characters", seen.Phase, len(seen.Spec.Description))
	}
	if diff := cmp.Diff(seen, r.versions()[0]); diff != "" {
		t.Errorf("listed (-get +list):\n%s", diff)
	}
	if got := r.keys("models/trees/records/"); len(got) != 1 {
		t.Errorf("records are %q", got)
	}
	spec := seen.Spec
	spec.Description = "short"
	r.the(r.ModelVersions().Update(t.Context(), ref, spec))
	if got := r.seen(ref).Spec.Description; got != "short" || len(r.keys("models/trees/records/")) != 0 {
		t.Errorf("description %q; records are %q", got, r.keys("models/trees/records/"))
	}
}

// TestBytesGoWithTheLastVersion proves that bytes are kept as long as a version has
// them, and that configurations can each delete their own.
func TestBytesGoWithTheLastVersion(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	spec := r.versionSpec("bytes", nil)
	mine := r.the(r.ModelVersions().Create(t.Context(), spec)).Ref
	theirs := r.the(r.as("them").ModelVersions().Create(t.Context(), spec)).Ref
	if mine == theirs {
		t.Fatalf("both have %s", mine)
	}
	r.must(r.ModelVersions().Delete(t.Context(), mine))
	if kept := r.keys("models/"); len(kept) != 3 {
		t.Errorf("the other's bytes: %q", kept)
	}
	r.must(r.ModelVersions().Delete(t.Context(), theirs))
	if kept := r.keys("models/"); len(kept) != 0 {
		t.Errorf("left: %q", kept)
	}
	if again := r.the(r.ModelVersions().Create(t.Context(), spec)).Ref; again == mine || again == theirs {
		t.Errorf("a number means other bytes: %s", again)
	}
}

// TestAliasMoveInterrupted proves that an alias is never lost, and that the next
// attempt ends the move.
func TestAliasMoveInterrupted(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	champion := func(s *mlops.ModelVersionSpec) { s.Aliases = []string{"champion"} }
	first := r.version("one", champion)
	spec := r.versionSpec("two", champion)
	r.account.Inject(simulated.Rule{Service: "sagemaker", Operation: "UpdateModelPackage", Fault: &simulated.Fault{Code: "AccessDeniedException", Message: "no"}})
	change, err := r.ModelVersions().Create(t.Context(), spec)
	r.wantCode("interrupted", err, mlops.PermissionDenied, "no")
	if change.Ref == "" || change.Ref == first {
		t.Fatalf("the new version is %q", change.Ref)
	}
	if got := r.seen(change.Ref).Spec.Aliases; !slices.Equal(got, spec.Aliases) {
		t.Errorf("the new version has %q", got)
	}
	if again := r.the(r.ModelVersions().Create(t.Context(), spec)); again != change {
		t.Errorf("again: %v, want %v", again, change)
	}
	if got := r.seen(first).Spec.Aliases; len(got) != 0 {
		t.Errorf("the former version still has %q", got)
	}
}

// TestLostReply proves that a registration whose answer is lost is made once: by
// the SDK's own attempts, and by another apply.
func TestLostReply(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int64{1, 8} {
		t.Run(strconv.FormatInt(attempts, 10), func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, simulated.Config{})
			r.options.Settings[settingMaxAttempts] = attempts
			r.regions = map[string]*clients{}
			r.account.Inject(simulated.Rule{Service: "sagemaker", Operation: "CreateModelPackage", After: true})
			spec := r.versionSpec("bytes", nil)
			if _, err := r.ModelVersions().Create(t.Context(), spec); (err == nil) != (attempts > 1) {
				t.Errorf("the first apply: %v", err)
			}
			change := r.the(r.ModelVersions().Create(t.Context(), spec))
			if all := r.versions(); len(all) != 1 || all[0].Ref != change.Ref {
				t.Errorf("%d versions; the change is of %s", len(all), change.Ref)
			}
		})
	}
}

// TestThousandVersions proves what a refresh of many versions costs.
func TestThousandVersions(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	s := r.scene()
	const many = 1000
	for i := range many {
		spec := mlops.ModelVersionSpec{Model: r.model, ArtifactURI: fmt.Sprint("s3://elsewhere/", i), Format: "custom", Image: "serve:1", Approval: "pending"}
		facts := versionFacts{Digest: fmt.Sprintf("sha256:%064x", i), Folder: "f/", URI: s.place.uriOf("f/model/m")}
		record, err := r.versionRecord(r.model, spec, facts)
		r.must(err)
		in, err := modelVersionKind{r.backend}.packageInput(t.Context(), s, spec, facts, record, serving{image: spec.Image})
		r.must(err)
		_, err = s.c.sagemaker.CreateModelPackage(t.Context(), in)
		r.must(err)
	}
	r.account.ResetCalls()
	all := r.versions()
	total := 0
	for _, n := range r.account.Calls() {
		total += n
	}
	if len(all) != many || total > 30 {
		t.Errorf("%d versions by %d calls: %v", len(all), total, r.account.Calls())
	}
	for i, v := range all {
		if v.Ref.Name() != strconv.Itoa(i+1) || v.Spec.ArtifactURI != fmt.Sprint("s3://elsewhere/", i) {
			t.Fatalf("version %d is %s of %s", i+1, v.Ref, v.Spec.ArtifactURI)
		}
	}
}

// TestListIsNotLate proves that what this process wrote is listed at once, however
// late searches are.
func TestListIsNotLate(t *testing.T) {
	t.Parallel()
	const lag = 30
	r := newRegistry(t, simulated.Config{Lag: lag})
	for i := range fewPackages + 3 {
		r.version(strconv.Itoa(i), func(s *mlops.ModelVersionSpec) { s.Aliases = []string{"newest"} })
	}
	for range lag {
		r.versions() // until the search shows all that was made, as it was
	}
	spec := r.seen(r.versions()[0].Ref).Spec
	spec.Description = "changed"
	r.the(r.ModelVersions().Update(t.Context(), r.versions()[0].Ref, spec))
	r.must(r.ModelVersions().Delete(t.Context(), r.versions()[1].Ref))
	all := r.versions()
	if len(all) != fewPackages+2 {
		t.Errorf("%d versions", len(all))
	}
	for _, v := range all {
		if diff := cmp.Diff(r.seen(v.Ref), v); diff != "" {
			t.Errorf("%s (-get +list):\n%s", v.Ref, diff)
		}
	}
}

// TestApprovedElsewhere proves that a decision made in SageMaker Studio is seen, and
// that the configuration's takes its place again.
func TestApprovedElsewhere(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	ref := r.version("bytes", nil)
	before := r.seen(ref)
	s := r.scene()
	_, err := s.c.sagemaker.UpdateModelPackage(t.Context(), &sagemaker.UpdateModelPackageInput{
		ModelPackageArn: aws.String(before.Native["model_package_arn"]), ModelApprovalStatus: types.ModelApprovalStatusRejected,
		CustomerMetadataProperties: map[string]string{"team": "risk"},
	})
	r.must(err)
	if seen := r.seen(ref); seen.Spec.Approval != "rejected" || seen.Revision == before.Revision {
		t.Errorf("it is %s at %s, was at %s", seen.Spec.Approval, seen.Revision, before.Revision)
	}
	r.the(r.ModelVersions().Update(t.Context(), ref, before.Spec))
	if diff := cmp.Diff(before, r.seen(ref)); diff != "" {
		t.Errorf("put back (-want +got):\n%s", diff)
	}
	seen, err := r.describePackage(t.Context(), s, before.Native["model_package_arn"])
	r.must(err)
	if seen.properties["team"] != "risk" {
		t.Errorf("another's properties are gone: %v", seen.properties)
	}
}

// TestForeignPackage proves that what something else registered is left alone.
func TestForeignPackage(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	s := r.scene()
	out, err := s.c.sagemaker.CreateModelPackage(t.Context(), &sagemaker.CreateModelPackageInput{ModelPackageGroupName: &s.name})
	r.must(err)
	r.version("bytes", nil)
	if all := r.versions(); len(all) != 1 || all[0].Ref.Name() != "2" {
		t.Errorf("listed are %v", all)
	}
	_, err = r.ModelVersions().Get(t.Context(), r.model.Child(mlops.NounModelVersion, "1"))
	r.wantCode("get", err, mlops.Invalid, *out.ModelPackageArn)
	r.must(r.ModelVersions().Delete(t.Context(), r.versions()[0].Ref))
	err = r.Models().Delete(t.Context(), r.model)
	r.wantCode("delete of the model", err, mlops.Conflict, "something else")
}

// TestPromotedBytes proves that a promotion's evidence and its bytes belong
// together, and that exported bytes are those that were registered.
func TestPromotedBytes(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	tree := t.TempDir()
	r.must(os.MkdirAll(filepath.Join(tree, "a.b", "c"), 0o700))
	for _, path := range []string{"MLmodel", "a.b/c/weights.bin", "a/x"} {
		r.must(os.MkdirAll(filepath.Dir(filepath.Join(tree, path)), 0o700))
		r.must(os.WriteFile(filepath.Join(tree, path), []byte(path), 0o600))
	}
	digest, size, err := mlops.ContentDigest(tree)
	r.must(err)
	other := r.versionSpec("", func(s *mlops.ModelVersionSpec) {
		s.ArtifactURI, s.Format = tree, "mlflow"
		s.Promotion = &mlops.Promotion{From: "local/dev/models/m/versions/1", Digest: "sha256:other"}
	})
	_, err = r.ModelVersions().Create(t.Context(), other)
	r.wantCode("other bytes", err, mlops.Invalid, "sha256:other")
	if kept := append(r.keys("models/"), strconv.Itoa(len(r.versions()))); len(kept) != 1 || kept[0] != "0" {
		t.Errorf("left: %q", kept)
	}
	other.Promotion.Digest = digest
	ref := r.the(r.ModelVersions().Create(t.Context(), other)).Ref
	seen := r.seen(ref)
	if seen.Status.Digest != digest || seen.Status.Size != size {
		t.Errorf("digest %s of %d bytes, want %s of %d", seen.Status.Digest, seen.Status.Size, digest, size)
	}
	exported, err := modelVersionKind{r.backend}.Export(t.Context(), ref, t.TempDir())
	r.must(err)
	if got, _, err := mlops.ContentDigest(exported); got != digest || err != nil {
		t.Errorf("exported %s, %v; want %s", got, err, digest)
	}
	again := other
	again.ArtifactURI = seen.Status.URI // a tree in S3
	if got := r.the(r.ModelVersions().Update(t.Context(), ref, again)).Ref; got != ref {
		t.Errorf("the same bytes in S3 are %s, were %s", got, ref)
	}
}

func TestVersionSourcesRefused(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	bucket := r.scene().place.Bucket
	link := filepath.Join(t.TempDir(), "link")
	r.must(os.Symlink("/etc/hostname", link))
	tests := []struct {
		name, uri string
		code      mlops.Code
		words     string
	}{
		{"no file", "/gone/model", mlops.Invalid, "there is no file or directory /gone/model"},
		{"no object", "s3://" + bucket + "/gone", mlops.Invalid, "there is nothing at s3://" + bucket + "/gone"},
		{"no objects", "s3://" + bucket + "/gone/", mlops.Invalid, "there is nothing at"},
		{"no bucket", "s3:///key", mlops.Invalid, "not an S3 URI"},
		{"another store", "gs://bucket/key", mlops.Unsupported, "gs://bucket/key"},
		{"another machine", "file://elsewhere/model", mlops.Invalid, "elsewhere"},
		{"a link", link, mlops.Invalid, "a symbolic link"},
	}
	for _, tt := range tests {
		_, err := r.ModelVersions().Create(t.Context(), r.versionSpec("", func(s *mlops.ModelVersionSpec) { s.ArtifactURI = tt.uri }))
		r.wantCode(tt.name, err, tt.code, tt.words)
		if planned, err := (modelVersionKind{r.backend}).Digest(t.Context(), mlops.ModelVersionSpec{Model: r.model, ArtifactURI: tt.uri}); planned != "" {
			t.Errorf("%s: the digest %s, %v is foretold", tt.name, planned, err)
		}
	}
	if all := r.versions(); len(all) != 0 {
		t.Errorf("registered: %v", all)
	}
}

// TestVersionPreflight proves what is refused at plan, and that it is refused at
// apply too.
func TestVersionPreflight(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	isolated := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testRegion}, "sealed"), Name: "sealed", Stage: "dev",
		Target: mlops.Target{Backend: name, Settings: mlops.Settings{targetNetworkIsolation: true}},
	}
	r.the(r.Environments().Create(t.Context(), isolated))
	model := r.the(r.Models().Create(t.Context(), mlops.ModelSpec{Environment: isolated.ID, Name: "m"})).Ref
	tests := []struct {
		name   string
		change func(*mlops.ModelVersionSpec)
		path   string
	}{
		{"nothing", func(*mlops.ModelVersionSpec) {}, ""},
		{"packages where nothing can be installed", func(s *mlops.ModelVersionSpec) { s.Model, s.Packages = model, []string{"six==1.17.0"} }, "packages"},
		{"a format where nothing can be installed", func(s *mlops.ModelVersionSpec) { s.Model, s.Format = model, "onnx" }, "format"},
		{"a region without images", func(s *mlops.ModelVersionSpec) { s.Model = "sagemaker/us-iso-east-1/e/models/m" }, "format"},
		{"an environment to be made", func(s *mlops.ModelVersionSpec) { s.Model = "sagemaker/us-east-1/e/models/m" }, ""},
		{"a model to be known", func(s *mlops.ModelVersionSpec) { s.Model = "" }, ""},
	}
	for _, tt := range tests {
		spec := r.versionSpec(tt.name, tt.change)
		check := mlops.NewChecker()
		r.must(modelVersionKind{r.backend}.Preflight(t.Context(), spec, check))
		e, _ := errors.AsType[*mlops.Error](check.Err())
		if (e == nil) != (tt.path == "") || e != nil && e.Field != tt.path {
			t.Errorf("%s: %v, want a problem at %q", tt.name, check.Err(), tt.path)
		}
		if tt.path != "" && spec.Model == model {
			_, err := r.ModelVersions().Create(t.Context(), spec)
			r.wantCode(tt.name+", at apply", err, mlops.Invalid, tt.path)
		}
	}
}
