package provider

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/sagemaker"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// TestPlanRefusesMachines proves that a machine that SageMaker does not have is
// refused by the first plan of all, where the version that it is to serve is not known
// yet and the account has nothing.
func TestPlanRefusesMachines(t *testing.T) {
	t.Parallel()
	account := awstest.Start(t, aws.Config{})
	const environment = "sagemaker/us-east-1/dev"
	endpoint := func(compute any) obj {
		return obj{"environment": environment, "name": "churn", "variants": obj{"a": obj{"version": unknown{}, "traffic": 100, "compute": compute}}}
	}
	pipeline := func(compute any) obj {
		return obj{"environment": environment, "name": "train", "description": unknown{}, "steps": obj{"a": step(obj{"compute": compute})}}
	}
	const ofVariant = `AttributeName("variants").ElementKeyString("a").AttributeName("compute")`
	const ofStep = `AttributeName("steps").ElementKeyString("a").AttributeName("compute")`
	const native = `.AttributeName("native")`
	tests := []struct {
		name, resource string
		config         obj
		at             string // "" is accepted
		words          []string
	}{
		{"endpoint of a type", "mlops_model_endpoint", endpoint(obj{"native": "ml.m5.large"}), "", nil},
		{"endpoint of a misspelt type", "mlops_model_endpoint", endpoint(obj{"native": "ml.m5.larg"}), ofVariant + native, []string{`Did you mean "ml.m5.large"?`}},
		{"endpoint of a misspelt type, and a disk", "mlops_model_endpoint", endpoint(obj{"native": "ml.m5.larg", "disk": unknown{}}), ofVariant + native, []string{`Did you mean "ml.m5.large"?`}},
		{"endpoint of a type for jobs", "mlops_model_endpoint", endpoint(obj{"native": "ml.t3.medium"}), ofVariant + native, []string{"not offered for hosting", "processing"}},
		{"endpoint of an unknown type", "mlops_model_endpoint", endpoint(obj{"native": unknown{}}), "", nil},
		{"endpoint with too much memory", "mlops_model_endpoint", endpoint(obj{"memory": "4096Gi"}), ofVariant, []string{"4Ti of memory", "nearest is ml."}},
		{"endpoint with too much memory, and a disk", "mlops_model_endpoint", endpoint(obj{"memory": "4096Gi", "disk": unknown{}}), ofVariant, []string{"4Ti of memory", "nearest is ml."}},
		{"endpoint with a misspelt accelerator", "mlops_model_endpoint", endpoint(obj{"accelerator": obj{"type": "nvidia-l44"}}), ofVariant, []string{`Did you mean "nvidia-l4"?`}},
		{"endpoint with an unknown number of accelerators", "mlops_model_endpoint", endpoint(obj{"accelerator": obj{"type": "nvidia-l4", "count": unknown{}}}), "", nil},
		{"step of a misspelt type", "mlops_pipeline", pipeline(obj{"native": "m5.large"}), ofStep + native, []string{`Did you mean "ml.m5.large"?`}},
		{"step of a type for endpoints", "mlops_pipeline", pipeline(obj{"native": "ml.t2.medium", "spot": unknown{}}), ofStep + native, []string{"not offered for processing", "hosting"}},
		{"step with too many CPUs", "mlops_pipeline", pipeline(obj{"cpu": 1000}), ofStep, []string{"1000 CPUs", "nearest is ml."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t, sagemaker.Factory())
			wantNoDiagnostics(t, c.configure(t, obj{"sagemaker": obj{"region": "us-east-1", "endpoint_url": account.URL}}))
			ds := c.plan(t, tt.resource, nil, tt.config, nil).Diagnostics
			if tt.at == "" {
				wantNoDiagnostics(t, ds)
				return
			}
			wantDiagnostic(t, ds, tt.at, tt.words...)
		})
	}
}
