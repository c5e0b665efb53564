package sagemaker

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

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
