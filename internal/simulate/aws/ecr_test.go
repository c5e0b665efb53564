package aws_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestRegistry proves that images are found by what they are called and by what they
// are, that a tag moves, and that what is not there is refused as ECR does.
func TestRegistry(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, name := ecr.NewFromConfig(config), sdk.String("team/serve")
	put := func(manifest, tag string) (string, error) {
		out, err := c.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: name, ImageManifest: &manifest, ImageTag: &tag})
		if err != nil {
			return "", err
		}
		return *out.Image.ImageId.ImageDigest, nil
	}
	find := func(ids ...types.ImageIdentifier) ([]string, error) {
		out, err := c.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: name, ImageIds: ids})
		if err != nil {
			return nil, err
		}
		var digests []string
		for _, d := range out.ImageDetails {
			digests = append(digests, *d.ImageDigest)
		}
		return digests, nil
	}
	tagged := func(tag string) types.ImageIdentifier { return types.ImageIdentifier{ImageTag: &tag} }

	_, err := find()
	wantFault(t, err, "RepositoryNotFoundException", "does not exist in the registry with id '123456789012'")
	must[*ecr.CreateRepositoryOutput](t)(c.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name}))
	_, err = c.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: name})
	wantFault(t, err, "RepositoryAlreadyExistsException", "already exists")

	first := must[string](t)(put("first", "1"))
	second := must[string](t)(put("second", "2"))
	if got := must[string](t)(put("second", "1")); got != second {
		t.Errorf("the same manifest is %s and %s", second, got)
	}
	_, err = put("second", "1")
	wantFault(t, err, "ImageAlreadyExistsException", "tag '1'")
	for _, tt := range []struct {
		name string
		id   types.ImageIdentifier
		want []string
	}{
		{"by a tag that moved", tagged("1"), []string{second}},
		{"by tag", tagged("2"), []string{second}},
		{"by digest", types.ImageIdentifier{ImageDigest: &first}, []string{first}},
	} {
		if diff := cmp.Diff(tt.want, must[[]string](t)(find(tt.id))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	_, err = find(tagged("2"), tagged("3"))
	wantFault(t, err, "ImageNotFoundException", "imageTag:'3'} does not exist within the repository with name 'team/serve'")
	_, err = find(types.ImageIdentifier{ImageDigest: &first, ImageTag: sdk.String("1")})
	wantFault(t, err, "ImageNotFoundException", "imageTag:'1'")
	_, err = c.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: name, RegistryId: sdk.String("210987654321")})
	wantFault(t, err, "AccessDeniedException", "arn:aws:ecr:us-east-1:210987654321:repository/team/serve")
}
