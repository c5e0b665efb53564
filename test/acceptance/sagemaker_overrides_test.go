package acceptance

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"

	simulated "github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// awsAsync is an endpoint with what only SageMaker has. The number is of requests at
// once.
const awsAsync = awsEnvironment + `
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "churn"
}
resource "mlops_model_version" "v" {
  model        = mlops_model.m.id
  artifact_uri = "model.bin"
  format       = "custom"
  image        = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
  overrides    = jsonencode({ CreateModelPackage = { Domain = "MACHINE_LEARNING", Task = "CLASSIFICATION" } })
}
resource "mlops_model_endpoint" "e" {
  environment = mlops_environment.e.id
  name        = "churn"
  variants    = { champion = { version = mlops_model_version.v.id, traffic = 100 } }
  overrides = jsonencode({
    CreateEndpointConfig = { AsyncInferenceConfig = {
      OutputConfig = { S3OutputPath = "s3://answers-of-acc/churn" }
      ClientConfig = { MaxConcurrentInvocationsPerInstance = 4 }
    } }
  })
}
output "endpoint" { value = mlops_model_endpoint.e.native.endpoint_name }
output "version" { value = mlops_model_version.v.version }
`

// TestAccSageMakerOverrides reaches what no attribute has: an endpoint that answers in
// the bucket. Written differently it is the same, and with another member it is
// changed in place.
func TestAccSageMakerOverrides(t *testing.T) {
	t.Parallel()
	a := account(t, simulated.Config{Looks: 1})
	w := onAWS(t, a, awsAsync)
	w.Write("model.bin", "bytes")
	w.Apply()
	w.PlanIsEmpty()

	askAsync(t, clientConfig(a), w.Output("endpoint"))

	more := strings.Replace(awsAsync, "Instance = 4", "Instance = 8", 1)
	w.Write("main.tf", header+more)
	w.PlanHasChanges().Contains(t, "will be updated in-place", "MaxConcurrentInvocationsPerInstance = 4 -> 8")
	w.Apply()
	w.PlanIsEmpty()

	w.Write("main.tf", header+strings.Replace(more, `Task = "CLASSIFICATION"`, `Task = "REGRESSION"`, 1))
	w.Apply()
	w.PlanIsEmpty()
	if got := w.Output("version"); got != "2" {
		t.Errorf("with other overrides the version is %s, want 2", got)
	}
	w.Destroy()
}

// askAsync has an endpoint answer a request that lies in a bucket, and takes both and
// the bucket away.
func askAsync(t *testing.T, config aws.Config, endpoint string) {
	t.Helper()
	storage, bucket := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), aws.String("answers-of-acc")
	_, err := storage.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	if err == nil {
		_, err = storage.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("asked"), Body: strings.NewReader("{}")})
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := sagemakerruntime.NewFromConfig(config).InvokeEndpointAsync(t.Context(), &sagemakerruntime.InvokeEndpointAsyncInput{
		EndpointName: &endpoint, InputLocation: aws.String("s3://answers-of-acc/asked"),
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, ours := strings.CutPrefix(aws.ToString(out.OutputLocation), "s3://answers-of-acc/")
	if !ours || !strings.HasPrefix(answer, "churn/") {
		t.Errorf("answered at %q", aws.ToString(out.OutputLocation))
	}
	for _, key := range []string{"asked", answer} {
		if _, err := storage.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: &key}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := storage.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &key}); err != nil {
			t.Error(err)
		}
	}
	if _, err := storage.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
}

// TestAccSageMakerOverridesAtPlan has overrides that are refused before anything is
// made.
func TestAccSageMakerOverridesAtPlan(t *testing.T) {
	t.Parallel()
	given := `jsonencode({
    CreateEndpointConfig = { AsyncInferenceConfig = {
      OutputConfig = { S3OutputPath = "s3://answers-of-acc/churn" }
      ClientConfig = { MaxConcurrentInvocationsPerInstance = 4 }
    } }
  })`
	tests := []struct {
		name, overrides string
		want            []string
	}{
		{"an unknown member", `jsonencode({ CreateEndpointConfig = { AsyncInferenceConfg = {} } })`, []string{
			"Unknown member", "overrides = jsonencode", `CreateEndpointConfig has no member "AsyncInferenceConfg". Did you mean "AsyncInferenceConfig"?`,
		}},
		{"a member of ours", `jsonencode({ CreateModel = { ModelName = "mine" } })`, []string{"CreateModel.ModelName is not for overrides: the provider names it."}},
		{"no object", `jsonencode([1])`, []string{"Not an object", "overrides is a JSON object"}},
		{"with a smoke test", `jsonencode({ CreateEndpointConfig = { AsyncInferenceConfig = { OutputConfig = {} } } })
  smoke_test = { request = "{}" }`, []string{"Not asynchronously", "smoke_test = ", "InvokeEndpointAsync"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := onAWS(t, account(t, simulated.Config{Looks: 1}), strings.Replace(awsAsync, given, tt.overrides, 1))
			w.Write("model.bin", "bytes")
			r := w.Run("plan")
			if r.Code == 0 {
				t.Fatalf("the plan succeeded:\n%s", r.Out)
			}
			r.Contains(t, tt.want...)
		})
	}
}

// TestAccSageMakerQuotas warns in the first plan of an endpoint, and of a pipeline,
// whose machines the account may not have, and says nothing to those who may not know.
func TestAccSageMakerQuotas(t *testing.T) {
	t.Parallel()
	asks := strings.Replace(awsAsync, "traffic = 100 }", `traffic = 100, compute = { native = "ml.g5.xlarge" } }`, 1) + `
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "train"
  steps       = { fit = { command = ["true"], compute = { native = "ml.g4dn.xlarge" } } }
}
`
	const refused = "Not enough quota"
	tests := []struct {
		name  string
		begin func(*simulated.World, func(simulated.Rule))
		want  []string // none is no warning
	}{
		{"too low", func(*simulated.World, func(simulated.Rule)) {}, []string{
			refused, `The quota "ml.g5.xlarge for endpoint usage" (L-1928E07B) of this account is 0 in us-east-1, and 1 at once are asked for`,
			"aws service-quotas request-service-quota-increase --service-code sagemaker --region us-east-1 --quota-code L-1928E07B --desired-value 1",
			`The quota "ml.g4dn.xlarge for processing job usage" (L-2F1EB012)`, "--quota-code L-2F1EB012 --desired-value 1",
		}},
		{"enough", func(w *simulated.World, _ func(simulated.Rule)) {
			w.SetQuota("ml.g5.xlarge for endpoint usage", 1)
			w.SetQuota("ml.g4dn.xlarge for processing job usage", 1)
		}, nil},
		{"not to be known", func(_ *simulated.World, inject func(simulated.Rule)) {
			inject(simulated.Rule{Operation: "ListServiceQuotas", Times: -1, Fault: &simulated.Fault{
				Code: "AccessDeniedException", Message: "User is not authorized to perform: servicequotas:ListServiceQuotas", Status: 400,
			}})
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t, simulated.Config{Looks: 1})
			tt.begin(a.World, a.Inject)
			w := onAWS(t, a, asks)
			w.Write("model.bin", "bytes")
			r := w.Must("plan")
			r.Contains(t, tt.want...)
			if tt.want == nil && strings.Contains(r.Out, refused) {
				t.Errorf("warned:\n%s", r.Out)
			}
		})
	}
}
