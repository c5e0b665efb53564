package sagemaker

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestDriftCheckBaselines proves that what pipelines of AWS's own compare a model with
// is reached through overrides.
func TestDriftCheckBaselines(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, simulated.Config{})
	ref := r.version("one", func(s *mlops.ModelVersionSpec) {
		s.Overrides = `{"CreateModelPackage": {"DriftCheckBaselines": {
			"ModelQuality": {"Constraints": {"ContentType": "application/json", "S3Uri": "s3://baselines/quality.json"}},
			"Explainability": {"ConfigFile": {"S3Uri": "s3://baselines/analysis_config.json"}}
		}}}`
	})
	s := r.scene()
	out, err := s.c.sagemaker.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{
		ModelPackageName: aws.String(s.sibling("model-package/" + nativeName(r.model, maxName) + "/" + ref.Name())),
	})
	r.must(err)
	want := &types.DriftCheckBaselines{
		ModelQuality: &types.DriftCheckModelQuality{Constraints: &types.MetricsSource{
			ContentType: aws.String("application/json"), S3Uri: aws.String("s3://baselines/quality.json"),
		}},
		Explainability: &types.DriftCheckExplainability{ConfigFile: &types.FileSource{S3Uri: aws.String("s3://baselines/analysis_config.json")}},
	}
	if diff := cmp.Diff(want, out.DriftCheckBaselines, cmpopts.IgnoreUnexported(
		types.DriftCheckBaselines{}, types.DriftCheckModelQuality{}, types.DriftCheckExplainability{}, types.MetricsSource{}, types.FileSource{},
	)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
