package sagemaker

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// pushed puts an image with a tag into a repository of a region, and returns its digest.
func pushed(t *testing.T, b *backend, region, repository, tag string) string {
	t.Helper()
	c, err := b.inRegion(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ecr.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository}); err != nil {
		t.Fatal(err)
	}
	out, err := c.ecr.PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: &repository, ImageTag: &tag, ImageManifest: sdk.String(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Image.ImageId.ImageDigest
}

// TestImageIsThere proves that a plan tells of an image that the account's own registry
// does not have, of a promoted one how it gets there, and of no other.
func TestImageIsThere(t *testing.T) {
	t.Parallel()
	const (
		east, west = "123456789012.dkr.ecr.us-east-1.amazonaws.com/", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/"
		absent     = "sha256:ab"
	)
	for _, tt := range []struct {
		name, image string
		promotion   *mlops.Promotion
		fault       *aws.Fault
		want        string // of the warning; "" is none
		code        mlops.Code
	}{
		{name: "there", image: west + "team/serve:1"},
		{name: "no such tag", image: west + "team/serve:2", want: "aws ecr describe-images --region eu-west-1 --registry-id 123456789012 --repository-name team/serve --image-ids imageTag=2"},
		{name: "of no tag", image: west + "team/serve", want: "--image-ids imageTag=latest"},
		{name: "no such digest", image: west + "team/serve:1@" + absent, want: "--repository-name team/serve --image-ids imageDigest=" + absent},
		{name: "no such repository", image: west + "other:1", want: "push it before an endpoint serves the version"},
		{name: "somebody else's", image: "210987654321.dkr.ecr.eu-west-1.amazonaws.com/serve:1"},
		{name: "in a registry of one's own", image: "registry.example.com/serve:1"},
		{name: "may not look", image: west + "other:1", fault: &aws.Fault{Code: "AccessDeniedException", Message: "not you"}, code: mlops.PermissionDenied},
		{name: "of another region", image: east + "team/serve:1"}, // is refused
		{name: "promoted, and copied", image: east + "team/serve:1", promotion: &mlops.Promotion{}},
		{
			name: "promoted, and not copied", image: east + "team/serve:2", promotion: &mlops.Promotion{},
			want: "skopeo copy --all --preserve-digests docker://" + east + "team/serve:2 docker://" + west + "team/serve:2",
		},
		{
			name: "promoted by digest", image: east + "team/serve:2@" + absent, promotion: &mlops.Promotion{},
			want: "docker://" + east + "team/serve@" + absent + " docker://" + west + "team/serve@" + absent,
		},
		{
			name: "promoted, and may not look", image: east + "team/serve:2", promotion: &mlops.Promotion{}, fault: &aws.Fault{Code: "AccessDeniedException", Message: "not you"},
			want: "aws ecr describe-images --region eu-west-1 --registry-id 123456789012 --repository-name team/serve --image-ids imageTag=2", code: mlops.PermissionDenied,
		},
		{
			name: "promoted from somebody else", image: "210987654321.dkr.ecr.us-east-1.amazonaws.com/serve:1", promotion: &mlops.Promotion{},
			want: "--region eu-west-1 --registry-id 210987654321",
		},
		{name: "promoted in its region", image: west + "team/serve:2", promotion: &mlops.Promotion{}, want: "push it before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account := awstest.Start(t, aws.Config{})
			b := openAt(t, account.URL, "us")
			pushed(t, b, "eu-west-1", "team/serve", "1")
			if tt.fault != nil {
				account.Inject(aws.Rule{Service: "ecr", Times: -1, Fault: tt.fault})
			}
			c := mlops.NewChecker()
			spec := mlops.ModelVersionSpec{Model: "sagemaker/eu-west-1/churn/models/churn", Image: tt.image, Promotion: tt.promotion}
			if err := (modelVersionKind{b}).Forewarn(t.Context(), spec, c); (err != nil || tt.code != "") && b.Code(err) != tt.code {
				t.Errorf("got %v, want code %q", err, tt.code)
			}
			field, words := "image", []string{tt.want}
			if tt.want == "" {
				field, words = "", nil
			}
			wantWarning(t, c, field, words)
		})
	}
}

// TestImageIsFoundByDigest proves that what was pushed is found by what it is.
func TestImageIsFoundByDigest(t *testing.T) {
	t.Parallel()
	b := openAt(t, awstest.Start(t, aws.Config{}).URL, "us")
	digest := pushed(t, b, "us-east-1", "serve", "1")
	for image, want := range map[string]imageState{"serve@" + digest: imageThere, "serve:7@" + digest: imageThere, "serve@" + digest[:70] + "0": imageMissing} {
		got, err := b.imageState(t.Context(), "123456789012.dkr.ecr.us-east-1.amazonaws.com/"+image)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", image, got, err, want)
		}
	}
}

// TestStepImagesAreThere proves the same of a pipeline's steps, and that an image that
// many name is asked for once.
func TestStepImagesAreThere(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, aws.Config{})
	b := openAt(t, account.URL, "us")
	pushed(t, b, "us-east-1", "train", "1")
	const registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com/"
	spec := mlops.PipelineSpec{Environment: "sagemaker/us-east-1/dev", Name: "train", Steps: map[string]mlops.Step{
		"a": {Command: []string{"true"}, Image: registry + "train:1"}, "b": {Command: []string{"true"}, Image: registry + "train:2"},
	}}
	for range 3 {
		c := mlops.NewChecker()
		if err := (pipelineKind{b}).Forewarn(t.Context(), spec, c); err != nil {
			t.Fatal(err)
		}
		wantWarning(t, c, `steps["b"].image`, []string{"push it before the pipeline runs", "imageTag=2"})
	}
	if n := account.Calls()["ecr.DescribeImages"]; n != 2 {
		t.Errorf("%d calls for two images", n)
	}
}
