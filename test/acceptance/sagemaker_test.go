package acceptance

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
	"github.com/terraform-mlops/terraform-provider-mlops/test/containers"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

const awsRegion = "us-east-1"

// account is a simulated AWS account, in which at the end of a test nothing may be
// left.
func account(t *testing.T, config simulated.Config) *awstest.Server {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance test; set TF_ACC=1 or run `make test`")
	}
	a := awstest.Start(t, config)
	a.World.SetHooks(simulated.Hooks{RunStep: runStep})
	t.Cleanup(func() {
		if left := a.World.Names(); len(left) > 0 {
			t.Errorf("left in the account: %q", left)
		}
	})
	return a
}

// onAWS is a workspace whose provider finds an account as users' providers do: by
// the SDK's own variables.
func onAWS(t *testing.T, a *awstest.Server, config string) *tfcli.Workspace {
	t.Helper()
	w := workspace(t, "")
	for _, v := range awsVariables(a) {
		w.Setenv(v)
	}
	if config != "" {
		w.Write("main.tf", header+config)
		w.Init()
	}
	return w
}

// awsVariables are the SDK's own variables that lead to an account.
func awsVariables(a *awstest.Server) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.URL, "AWS_REGION=" + awsRegion, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

// clientConfig is of AWS's own clients of an account, in the hands of somebody who
// knows nothing of Terraform.
func clientConfig(a *awstest.Server) aws.Config {
	return aws.Config{Region: awsRegion, BaseEndpoint: &a.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// runStep does what the steps of these tests do: no container runs in a simulation.
// Metrics are numbers, data is a table.
func runStep(run simulated.StepRun) (outputs map[string][]byte, failure string) {
	return containers.Player{Constraints: constraints, Write: func(run simulated.StepRun, output string) []byte {
		switch output {
		case "metrics":
			return []byte(`{"accuracy": 0.95, "malignant_recall": 0.9, "flagged": 3}`)
		case "questions", "answered", "train", "test":
			return []byte(table)
		}
		return fmt.Appendf(nil, "made by %s with %v", containers.Program(run), run.Arguments["Environment"])
	}}.Run(run)
}

// table is data that a model was trained on.
const table = "age,income,prediction\n40,30000,1\n35,28000,0\n52,41000,1\n"

// constraints is what AWS's analyzer suggests of the table.
const constraints = `{"version": 0.0, "features": [
  {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
  {"name": "income", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
  {"name": "prediction", "inferred_type": "Integral", "completeness": 1.0}
], "monitoring_config": {}}`

const awsEnvironment = `
resource "mlops_environment" "e" {
  name      = "acc"
  stage     = "dev"
  sagemaker = {}
}
output "bucket" { value = mlops_environment.e.native.bucket }
output "role" { value = mlops_environment.e.native.execution_role_arn }
`

// TestAccSageMakerPartsVanish removes the bucket and the role of an environment
// behind Terraform's back. The next plan says so and repairs it in place.
func TestAccSageMakerPartsVanish(t *testing.T) {
	t.Parallel()
	a := account(t, simulated.Config{})
	w := onAWS(t, a, awsEnvironment)
	w.Apply()
	w.PlanIsEmpty()
	whole := a.World.Names()
	bucket, role := w.Output("bucket"), w.Output("role")
	for _, tt := range []struct {
		part   string
		remove func(t *testing.T, a *awstest.Server, name string)
	}{
		{bucket, removeBucket},
		{role[strings.LastIndex(role, "/")+1:], removeRole},
	} {
		tt.remove(t, a, tt.part)
		w.PlanHasChanges().Contains(t, "0 to add, 1 to change, 0 to destroy", tt.part+" is gone")
		w.Apply()
		w.PlanIsEmpty()
		if got := a.World.Names(); !slices.Equal(got, whole) {
			t.Errorf("after the repair of %s the account has %q, want %q", tt.part, got, whole)
		}
	}
	w.Destroy()
}

func removeBucket(t *testing.T, a *awstest.Server, bucket string) {
	t.Helper()
	c := s3.NewFromConfig(clientConfig(a), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

func removeRole(t *testing.T, a *awstest.Server, role string) {
	t.Helper()
	c := iam.NewFromConfig(clientConfig(a))
	_, err := c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("mlops")})
	if err == nil {
		_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &role})
	}
	if err != nil {
		t.Fatal(err)
	}
}
