package aws_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// recordings finds recorded answers of AWS. They are no part of this repository.
func recordings(t *testing.T) string {
	t.Helper()
	root := os.Getenv("MLOPS_CONTRACTS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "contracts")
	}
	folder := filepath.Join(root, "recorded", "aws-c7n", "tests", "data", "placebo")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("there are no recorded answers of AWS at %s", folder)
	}
	return folder
}

// added are members that the service adds where a request leaves them out, by the
// recordings: the requests of this test leave them out.
var added = []string{
	"Mode", "Environment", "EnableNetworkIsolation", "InitialVariantWeight", "AppManaged", "StoppingCondition", "NetworkConfig",
	"S3DataDistributionType", "S3CompressionType",
}

// addedToMonitoring are those that the service adds to job definitions alone.
var addedToMonitoring = []string{"S3InputMode", "S3UploadMode"}

// passing are members that differ from answer to answer.
var passing = []string{"ResponseMetadata", "CreationTime", "LastModifiedTime", "ProcessingStartTime", "ProcessingEndTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"}

// without is a document without some members, at all depths or at the top alone.
func without(v any, deep bool, names []string) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, inner := range v {
			if slices.Contains(names, key) {
				continue
			}
			out[key] = inner
			if deep {
				out[key] = without(inner, true, names)
			}
		}
		return out
	case []any:
		var out []any
		for _, inner := range v {
			out = append(out, without(inner, deep, names))
		}
		return out
	}
	return v
}

// TestRecordedAnswers makes objects that AWS's answers describe, and compares the
// simulation's answers with those.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	folder := recordings(t)
	const explicit = "test_sagemaker_model_bias_job_definition_delete" // its request gave what the service would add
	tests := []struct{ file, noun, key string }{
		{"test_sagemaker_model_filter", "Model", "ModelName"},
		{"test_sagemaker_endpoint_config", "EndpointConfig", "EndpointConfigName"},
		{"test_sagemaker_processing_job_query", "ProcessingJob", "ProcessingJobName"},
		{"test_sagemaker_data_quality_job_definition_delete", "DataQualityJobDefinition", "JobDefinitionName"},
		{"test_sagemaker_model_quality_job_definition_delete", "ModelQualityJobDefinition", "JobDefinitionName"},
		{explicit, "ModelBiasJobDefinition", "JobDefinitionName"},
		{"test_sagemaker_model_explainability_job_definition_delete", "ModelExplainabilityJobDefinition", "JobDefinitionName"},
	}
	for _, tt := range tests {
		t.Run(tt.noun, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, aws.Config{Account: "644160558196"})
			raw := must[[]byte](t)(os.ReadFile(filepath.Join(folder, tt.file, "api.sagemaker.Describe"+tt.noun+"_1.json")))
			var recorded struct {
				Data object `json:"data"`
			}
			if err := json.Unmarshal(raw, &recorded); err != nil {
				t.Fatal(err)
			}
			want := without(recorded.Data, false, passing)
			lean := want
			if tt.file != explicit {
				lean = without(lean, true, added)
			}
			if strings.HasSuffix(tt.noun, "Definition") {
				lean = without(lean, true, addedToMonitoring)
			}
			request, _ := without(lean, false, []string{tt.noun + "Arn", "JobDefinitionArn"}).(object)
			prepare(t, a, recorded.Data)
			call(t, a, "Create"+tt.noun, request)
			got := call(t, a, "Describe"+tt.noun, object{tt.key: recorded.Data[tt.key]})
			// What the service did not have yet when it was recorded.
			diff := cmp.Diff(want, without(got, false, append(slices.Clone(passing), newerThanRecorded(tt.noun)...)))
			if diff != "" {
				t.Errorf("the answer differs from AWS's (-AWS +simulation): %s", diff)
			}
		})
	}
}

// newerThanRecorded are members that answers have now and did not have when a noun
// was recorded.
func newerThanRecorded(noun string) []string {
	if noun == "EndpointConfig" { // recorded in 2018
		return []string{"EnableNetworkIsolation"}
	}
	return nil
}

// prepare makes what a described object refers to: its role, its models, its input.
func prepare(t *testing.T, a account, described object) {
	t.Helper()
	role, _ := described["RoleArn"].(string)
	if role == "" {
		role, _ = described["ExecutionRoleArn"].(string)
	}
	if _, name, ok := strings.Cut(role, ":role/"); ok {
		path, last := "/", name
		if i := strings.LastIndex(name, "/"); i >= 0 {
			path, last = "/"+name[:i+1], name[i+1:]
		}
		must[*iam.CreateRoleOutput](t)(iam.NewFromConfig(a.config).CreateRole(t.Context(), &iam.CreateRoleInput{
			RoleName: &last, Path: &path,
			AssumeRolePolicyDocument: sdk.String(`{"Version": "2012-10-17", "Statement": [
				{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`),
		}))
	}
	variants, _ := described["ProductionVariants"].([]any)
	for _, v := range variants {
		variant, _ := v.(object)
		name, _ := variant["ModelName"].(string)
		createModel(t, a, name)
	}
}

// call sends a request as it stands, and returns the answer.
func call(t *testing.T, a account, operation string, in object) object {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	request := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL, bytes.NewReader(body)))
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "SageMaker."+operation)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0")
	response := must[*http.Response](t)(http.DefaultClient.Do(request))
	defer response.Body.Close()
	raw := must[[]byte](t)(io.ReadAll(response.Body))
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", operation, raw)
	}
	out := object{}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
