package sagemaker

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestImageRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, image, region, want string // want is "" where nothing is refused
	}{
		{"here", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1", "eu-west-1", ""},
		{"elsewhere", "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", "eu-west-1", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1"},
		{"by digest", "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/serve@sha256:ab", "eu-west-1", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/serve@sha256:ab"},
		{"in China", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/serve:1", "cn-northwest-1", "123456789012.dkr.ecr.cn-northwest-1.amazonaws.com.cn/serve:1"},
		{"in a registry of one's own", "registry.example.com/serve:1", "eu-west-1", ""},
		{"none", "", "eu-west-1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkImageRegion(c, mlops.At("image"), tt.image, tt.region)
			if err := c.Err(); (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want+".") {
				t.Errorf("got %v, want advice to take %q", err, tt.want)
			}
		})
	}
}

// TestPromotedImage proves that a version that was promoted from another region is
// served by the image's copy here, and says by which.
func TestPromotedImage(t *testing.T) {
	t.Parallel()
	s := scene{c: &clients{region: "eu-west-1"}}
	spec := mlops.ModelVersionSpec{Format: "custom", Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Promotion: &mlops.Promotion{}}
	got, err := servingOf(s, spec, nil)
	if want := "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1"; err != nil || got.image != want {
		t.Errorf("served by %s, %v, want %s", got.image, err, want)
	}
}
