package acceptance

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

const (
	devAccount  = "111111111111"
	prodAccount = "222222222222"
)

// promoted is a model in dev, and the same bytes served in prod. PROD stands for the
// provider and the target of prod, SOURCE for how prod's provider reaches dev.
const promoted = `
resource "mlops_environment" "dev" {
  name      = "churn"
  stage     = "dev"
  sagemaker = {}
}
resource "mlops_model" "dev" {
  environment = mlops_environment.dev.id
  name        = "churn"
}
resource "mlops_model_version" "dev" {
  model        = mlops_model.dev.id
  artifact_uri = "${path.module}/model.joblib"
  format       = "sklearn"
  metrics      = { accuracy = 0.95 }
  overrides = jsonencode({ CreateModelPackage = { DriftCheckBaselines = { ModelQuality = {
    Constraints = { ContentType = "application/json", S3Uri = "s3://baselines/constraints.json" }
  } } } })
}
resource "mlops_environment" "prod" {
  PROVIDER
  name      = "churn"
  stage     = "prod"
  sagemaker = { region = "eu-west-1" }
}
resource "mlops_model" "prod" {
  PROVIDER
  environment = mlops_environment.prod.id
  name        = "churn"
}
resource "mlops_promotion" "prod" {
  PROVIDER
  from        = mlops_model_version.dev.id
  to          = mlops_model.prod.id
  approved_by = "jane@example.com"
  gates       = { min = { accuracy = 0.9 }, approval = true }
  SOURCE
}
resource "mlops_model_endpoint" "prod" {
  PROVIDER
  environment = mlops_environment.prod.id
  name        = "churn"
  variants    = { main = { version = mlops_promotion.prod.id, traffic = 100 } }
}
data "mlops_model_version" "prod" {
  PROVIDER
  id = mlops_promotion.prod.id
}
output "digests" {
  value = join(" ", [mlops_model_version.dev.digest, mlops_promotion.prod.digest, mlops_promotion.prod.evidence.digest, mlops_model_endpoint.prod.serving["main"].digest])
}
output "evidence" {
  value = join(" ", [mlops_promotion.prod.evidence.from, mlops_promotion.prod.evidence.approved_by, mlops_promotion.prod.evidence.gates["min.accuracy"].passed])
}
output "dev_uri" { value = mlops_model_version.dev.uri }
output "prod_overrides" { value = data.mlops_model_version.prod.overrides }
output "prod_uri" { value = data.mlops_model_version.prod.uri }
`

// written gives promoted the provider of prod and the way to dev.
func written(provider, source string) string {
	return strings.NewReplacer("PROVIDER", provider, "SOURCE", source).Replace(promoted)
}

// TestAccSageMakerPromotionAcrossRegions promotes from one region to another.
func TestAccSageMakerPromotionAcrossRegions(t *testing.T) {
	t.Parallel()
	a := account(t, simulated.Config{Looks: 1})
	promotes(t, onAWS(t, a, ""), written("", ""), a, a)
}

// TestAccSageMakerPromotionAcrossAccounts promotes from one account and region to
// another account and region, each with a role of its own that is assumed.
func TestAccSageMakerPromotionAcrossAccounts(t *testing.T) {
	t.Parallel()
	dev, prod := account(t, simulated.Config{Account: devAccount, Looks: 1}), account(t, simulated.Config{Account: prodAccount, Looks: 1})
	w := onAWS(t, dev, "")
	w.Setenv("AWS_ENDPOINT_URL=" + awstest.Together(t, dev, prod))
	removeRoles := []func(){assumable(t, dev, "models"), assumable(t, prod, "deploy")}
	promotes(t, w, `
provider "mlops" {
  alias     = "prod"
  sagemaker = { region = "eu-west-1", assume_role_arn = "arn:aws:iam::`+prodAccount+`:role/deploy" }
}
`+written("provider = mlops.prod", `source_settings = { assume_role_arn = "arn:aws:iam::`+devAccount+`:role/models" }`), dev, prod)
	for _, remove := range removeRoles {
		remove()
	}
}

// assumable makes a role that dev's account may assume.
func assumable(t *testing.T, a *awstest.Server, role string) (remove func()) {
	t.Helper()
	c := iam.NewFromConfig(clientConfig(a))
	if _, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + devAccount + `:root"}, "Action": "sts:AssumeRole"}]}`,
	)}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &role}); err != nil {
			t.Error(err)
		}
	}
}

// promotes applies a promotion, looks at what came of it on either side, follows
// other bytes in place, and refuses bytes that are not those that were registered.
func promotes(t *testing.T, w *tfcli.Workspace, config string, dev, prod *awstest.Server) {
	t.Helper()
	w.Write("main.tf", header+config)
	w.Write("model.joblib", "one")
	w.Init()
	for _, model := range []string{"one", "two"} {
		w.Write("model.joblib", model)
		w.Apply()
		w.PlanIsEmpty()
		digests := strings.Fields(w.Output("digests"))
		for _, d := range digests {
			if d != digests[0] {
				t.Errorf("the digests of source, promotion, evidence and endpoint differ: %q", digests)
			}
		}
		if got := w.Output("prod_overrides"); !strings.Contains(got, "s3://baselines/constraints.json") {
			t.Errorf("the overrides in prod are %s", got)
		}
		here, there := object(t, dev, awsRegion, w.Output("dev_uri")), object(t, prod, "eu-west-1", w.Output("prod_uri"))
		if string(here) != model || !bytes.Equal(here, there) {
			t.Errorf("dev keeps %q and prod %q, want %q on both", here, there, model)
		}
		if got := w.Output("evidence"); !strings.HasPrefix(got, "sagemaker/us-east-1/churn/models/churn/versions/") || !strings.HasSuffix(got, " jane@example.com true") {
			t.Errorf("the evidence is %q", got)
		}
	}
	w.Write("model.joblib", "three")
	w.Must("apply", "-auto-approve", "-target=mlops_model_version.dev")
	if err := dev.World.Spoil(w.Output("dev_uri")); err != nil {
		t.Fatal(err)
	}
	served := w.Output("prod_uri")
	w.ApplyFails().Contains(t, "not those that were registered", "mlops_promotion.prod")
	w.Must("refresh")
	if got := w.Output("prod_uri"); got != served {
		t.Errorf("after a promotion that was refused prod has %s, had %s", got, served)
	}
	w.Destroy()
}

// object reads what is kept at a URI.
func object(t *testing.T, a *awstest.Server, region, uri string) []byte {
	t.Helper()
	config := clientConfig(a)
	config.Region = region
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	out, err := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
